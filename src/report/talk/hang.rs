//! What is said of a script that hangs, or that somebody asked about: where, why, who waits for whom, and
//! what to try. Only facts; a guess is marked as one.

use std::collections::BTreeMap;

use super::block::Block;
use super::host::Surroundings;
use crate::model::{
    Evidence, HangClass, Hold, Look, Movement, Place, ProcessFact, Scene, Timeout, Why,
};
use crate::report::cause::{deadline_word, place, waited};
use crate::report::paint::{one_line, seconds, shell};

/// A conmon's command line is two thousand characters long.
const LONGEST_COMMAND: usize = 160;
/// The same where several processes share a line.
const SHORT_COMMAND: usize = 40;
/// Processes shown of a hang; the full report has all.
const SHOWN: usize = 20;
/// Where there is no terminal, lines of several processes are this long.
const LINE: usize = 120;
/// Gaps shown; the full report has all.
const GAPS: usize = 4;

/// A script that passed its deadline.
pub(super) fn deadline(
    name: &str,
    timeout: &Timeout,
    around: Option<&Surroundings<'_>>,
    block: &mut Block,
) {
    let word = deadline_word(&timeout.movement);
    let (ran, deadline) = (seconds(timeout.line_elapsed), seconds(timeout.deadline));
    let class = timeout.why.as_ref().map_or_else(String::new, |why| {
        format!("   class: {}", class(&timeout.movement, why.class))
    });
    let line = format!("{}   {ran} of {deadline}{class}", at(&timeout.place));
    block.line(word, &line);
    match &timeout.why {
        Some(why) => {
            block.line("WHY", &format!("{name}: {}", one_line(&why.sentence)));
            block.line("", &format!("the line {}", waited(timeout)));
        }
        None => block.line("WHY", &format!("{name}: the line {}", waited(timeout))),
    }
    evidence(&timeout.evidence, timeout.why.as_ref(), block);
    if let Some(around) = around {
        around.host(&timeout.evidence, block);
        next(name, timeout.why.as_ref(), around.repeat, block);
    }
}

/// A script that runs, because somebody asked.
pub(super) fn look(name: &str, look: &Look, block: &mut Block) {
    let (ran, charged) = (seconds(look.line_elapsed), seconds(look.charged));
    let deadline = seconds(look.deadline);
    let line = format!(
        "{}   {ran}, in all {charged} of {deadline}",
        at(&look.place)
    );
    block.line("LOOK", &line);
    match &look.why {
        Some(why) => block.line("WHY", &format!("{name}: {}", one_line(&why.sentence))),
        None => block.line("WHY", &format!("{name}: the line has run {ran}")),
    }
    evidence(&look.evidence, look.why.as_ref(), block);
}

/// How to attach to what is kept alive.
pub(super) fn hold(hold: &Hold, timeout: &Timeout, engine: &str, block: &mut Block) {
    block.line(
        "HOLD",
        "everything is kept alive; Enter ends this script, Ctrl-C the run",
    );
    block.line("", &format!("cd {}", shell(&hold.work_dir)));
    let nothing = Scene::default();
    let scene = match &timeout.evidence {
        Evidence::Seen(scene) => scene,
        Evidence::Unavailable { .. } => &nothing,
    };
    let ours = scene
        .processes
        .iter()
        .filter(|process| !process.engine_helper);
    for process in ours.take(SHOWN) {
        let command = one_line(&process.command);
        let command = console::truncate_str(&command, SHORT_COMMAND, "…");
        block.line("", &format!("gdb -p {}   # {command}", process.pid));
    }
    let running = |state: &str| state == "running";
    for container in scene.containers.iter().filter(|c| running(&c.state)) {
        let id: String = container.id.chars().take(12).collect();
        let name = one_line(&container.name);
        block.line("", &format!("{engine} exec -it {id} sh   # {name}"));
    }
    block.line("", &format!("the worker process is {}", hold.slot_pid));
}

fn at(at: &Place) -> String {
    let text = at.text.lossy();
    format!("{}   {}", place(at), one_line(text.trim()))
}

/// `hang/pipe-held`, `slow/busy`.
fn class(movement: &Movement, class: HangClass) -> String {
    let word = match movement {
        Movement::Moving => "slow",
        Movement::Still | Movement::Unknown { .. } => "hang",
    };
    format!("{word}/{}", class.word())
}

fn evidence(evidence: &Evidence, why: Option<&Why>, block: &mut Block) {
    let scene = match evidence {
        Evidence::Seen(scene) => scene,
        Evidence::Unavailable { why } => {
            block.line("TREE", &format!("unknown: {}", one_line(why)));
            return;
        }
    };
    if let Some(why) = why {
        words("WAITS", &why.waits, block);
    }
    if scene.processes.is_empty() {
        block.line("TREE", "no process of the script was left");
    } else if why.is_some() {
        words("TREE", &compact(&scene.processes, block.room(LINE)), block);
    } else {
        tree(&scene.processes, block);
    }
    let gaps: Vec<String> = scene
        .gaps
        .iter()
        .take(GAPS)
        .map(|gap| format!("{}: {}", one_line(&gap.what), one_line(&gap.why)))
        .collect();
    words("GAPS", &gaps, block);
    if scene.gaps.len() > GAPS {
        block.line("", &format!("and {} more", scene.gaps.len() - GAPS));
    }
}

/// Lines below one word, cut at the terminal's edge.
fn words(word: &str, lines: &[String], block: &mut Block) {
    for (number, line) in lines.iter().enumerate() {
        let word = if number == 0 { word } else { "" };
        block.cut(word, &one_line(line));
    }
}

/// `4711 invowk cmd S 43.0 s | 4790 conmon S 42.7 s (adopted)`, as many in a line as there is room.
fn compact(processes: &[ProcessFact], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for process in processes.iter().take(SHOWN) {
        let short = short_line(process);
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + short.chars().count() <= room => {
                line.push_str(" | ");
                line.push_str(&short);
            }
            Some(_) | None => lines.push(short),
        }
    }
    if processes.len() > SHOWN {
        let more = processes.len() - SHOWN;
        lines.push(format!("and {more} more, in the full report"));
    }
    lines
}

fn short_line(process: &ProcessFact) -> String {
    let (first, rest) = process
        .command
        .split_once(' ')
        .unwrap_or((process.command.as_str(), ""));
    let name = first.rsplit('/').next().unwrap_or(first);
    let command = one_line(&format!("{name} {rest}"));
    let command = console::truncate_str(command.trim_end(), SHORT_COMMAND, "…").into_owned();
    let age = process
        .age
        .map_or_else(String::new, |age| format!(" {}", seconds(age)));
    let mut notes = Vec::new();
    if process.adopted {
        notes.push("adopted: left its parent".to_owned());
    }
    if process.engine_helper {
        notes.push("serves the engine, left alone".to_owned());
    }
    if !process.container.is_empty() {
        let id: String = process.container.chars().take(12).collect();
        notes.push(format!("in container {id}"));
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join(", "))
    };
    format!("{} {command} {}{age}{notes}", process.pid, process.state)
}

/// One process a line, with what the kernel tells: where nothing was worked out, these are the facts.
fn tree(processes: &[ProcessFact], block: &mut Block) {
    let depths = depths(processes);
    for (number, process) in processes.iter().take(SHOWN).enumerate() {
        let word = if number == 0 { "TREE" } else { "" };
        let depth = depths.get(&process.pid).copied().unwrap_or(0);
        block.cut(word, &process_line(process, depth));
    }
    if processes.len() > SHOWN {
        let more = processes.len() - SHOWN;
        block.line("", &format!("and {more} more, in the full report"));
    }
}

/// How deep each process stands below the first ones.
fn depths(processes: &[ProcessFact]) -> BTreeMap<i32, usize> {
    let mut depths = BTreeMap::new();
    for process in processes {
        let depth = depths.get(&process.parent).map_or(0, |depth| depth + 1);
        depths.insert(process.pid, depth);
    }
    depths
}

fn process_line(process: &ProcessFact, depth: usize) -> String {
    let line = format!(
        "{}{} {} {}",
        "  ".repeat(depth),
        process.pid,
        process.state,
        console::truncate_str(&one_line(&process.command), LONGEST_COMMAND, "…")
    );
    let mut facts = Vec::new();
    if !process.wchan.is_empty() && process.wchan != "0" {
        facts.push(format!("in {}", process.wchan));
    }
    facts.push(format!("used {} of processor time", seconds(process.cpu)));
    if process.engine_helper {
        facts.push("serves the engine, left alone".to_owned());
    }
    line + "   (" + &facts.join(", ") + ")"
}

/// What to type, and what to try.
fn next(name: &str, why: Option<&Why>, repeat: &[String], block: &mut Block) {
    let mut lines = Vec::new();
    if !repeat.is_empty() {
        let mut words: Vec<String> = repeat.iter().map(|word| shell(word)).collect();
        words.push(shell(name));
        lines.push(format!("repeat: {}", words.join(" ")));
    }
    if let Some(why) = why.filter(|why| !why.hint.is_empty()) {
        lines.push(format!("likely: {}", one_line(&why.hint)));
    }
    for (number, line) in lines.iter().enumerate() {
        // Never cut: it is there to be pasted.
        block.line(if number == 0 { "NEXT" } else { "" }, line);
    }
}
