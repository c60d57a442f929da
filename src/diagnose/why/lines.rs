//! The chain link by link, with what each link rests on: the WAITS part of a report.

use super::chain::{Chain, Link};
use super::graph::Graph;
use super::want::{Holder, What, short_id};
use super::words::{container_state, descriptor, filling, one_line, seconds, short_name};
use crate::model::{Stack, StackKind, ThreadFact, Wait};

/// Frames of a stack and stacks of a process that are shown; the record has all.
const FRAMES: usize = 4;
const STACKS: usize = 3;

/// One line for each process, and below it what it waits for.
pub(super) fn lines(graph: &Graph<'_>, chain: &Chain<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (depth, link) in chain.links.iter().enumerate() {
        let indent = "     ".repeat(depth);
        let head = match depth
            .checked_sub(1)
            .and_then(|before| chain.links.get(before))
        {
            None => process(graph, link.pid.into()),
            Some(before) => format!(
                "{}\\- {}: {}",
                "     ".repeat(depth - 1),
                role(before),
                process_with(graph, before)
            ),
        };
        lines.push(head);
        let of_link = thread(graph, link)
            .into_iter()
            .chain(stacks(graph, link.pid))
            .chain(thing(link));
        lines.extend(of_link.map(|line| format!("{indent}     {line}")));
    }
    if let Some(last) = chain.links.last().filter(|last| last.to.is_some()) {
        let again = if chain.circle.is_some() {
            " (see above)"
        } else {
            ""
        };
        let indent = "     ".repeat(chain.links.len() - 1);
        lines.push(format!(
            "{indent}\\- {}: {}{again}",
            role(last),
            process_with(graph, last)
        ));
    }
    lines
        .iter()
        .map(|line| one_line(line).trim_end().to_owned())
        .collect()
}

/// What the next process is to this one.
fn role(link: &Link<'_>) -> &'static str {
    match link.want.what {
        What::End { .. } => "writer",
        What::Room(_) => "reader",
        What::Lock { .. } => "holder",
        What::Answer(_) | What::Connection(_) => "server",
        What::Child | What::Signal | What::Output(_) => "child",
        What::Partner(_)
        | What::Container { .. }
        | What::Continuation
        | What::Kernel { .. }
        | What::Terminal(_)
        | What::Processor
        | What::Time
        | What::Event(_)
        | What::Unknown(_) => "then",
    }
}

fn process_with(graph: &Graph<'_>, link: &Link<'_>) -> String {
    let Some(holder) = link.to else {
        return String::new();
    };
    process(graph, holder)
}

/// `conmon 4790, fd 9, 42.7 s old, its parent has ended`.
fn process(graph: &Graph<'_>, holder: Holder) -> String {
    let (pid, fd) = (holder.pid, descriptor(holder));
    if graph.slot() == Some(pid) {
        return format!("this script's slot {pid}{fd}");
    }
    let Some(process) = graph.process(pid) else {
        return format!("process {pid}{fd}, of which nothing is known");
    };
    let facts = [
        Some(format!("{} {pid}{fd}", short_name(&process.command))),
        process.age.map(|age| format!("{} old", seconds(age))),
        (process.line > 0).then(|| format!("of line {}", process.line)),
        process.adopted.then(|| "its parent has ended".to_owned()),
        (!graph.is_of_script(pid)).then(|| "not of this script".to_owned()),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `thread 4711  read, in anon_pipe_read`.
fn thread(graph: &Graph<'_>, link: &Link<'_>) -> Option<String> {
    let mut threads = graph.threads(link.pid).iter();
    let thread: &ThreadFact = threads.find(|thread| thread.tid == link.want.tid)?;
    let call = match &thread.wait {
        Wait::On { call, on } => format!("{call} on fd {}", on.fd),
        Wait::AnyOf { call, on, .. } => format!("{call} on {} descriptors", on.len()),
        Wait::Open { .. } => "open".to_owned(),
        Wait::Futex { address, .. } => format!("futex at {address:#x}"),
        Wait::Child { pid: Some(pid) } => format!("wait for {pid}"),
        Wait::Child { pid: None } => "wait for any child".to_owned(),
        Wait::Call { name } => name.clone(),
        Wait::Unknown { why } => format!("unknown: {why}"),
        Wait::Running | Wait::Sleep | Wait::Signal | Wait::Stopped | Wait::Kernel => String::new(),
    };
    let wchan = Some(thread.wchan.as_str()).filter(|wchan| !matches!(*wchan, "" | "0"));
    let parts: Vec<String> = [call]
        .into_iter()
        .chain(wchan.map(|wchan| format!("in {wchan}")))
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| format!("thread {}  {}", thread.tid, parts.join(", ")))
}

/// `goroutine 18 [IO wait] io.copyBuffer < io.Copy`.
fn stacks(graph: &Graph<'_>, pid: i32) -> Vec<String> {
    let mut telling: Vec<&Stack> = graph
        .stacks(pid)
        .filter(|stack| !of_runtime(stack))
        .collect();
    telling.sort_by_key(|stack| (!waits(stack), stack.thread));
    telling.into_iter().take(STACKS).map(stack).collect()
}

/// Goroutines that every program has.
fn of_runtime(stack: &Stack) -> bool {
    let is_runtime =
        |frame: &String| frame.starts_with("runtime.") || frame.starts_with("os/signal.");
    stack.kind == StackKind::Goroutine
        && !stack.frames.is_empty()
        && stack.frames.iter().all(is_runtime)
}

/// It is among those that tell why a program waits: the main one, and one in a wait for a child.
fn waits(stack: &Stack) -> bool {
    let in_exec =
        |frame: &String| frame.starts_with("os/exec.") || frame.starts_with("os.(*Process)");
    stack.thread == 1 || stack.frames.iter().any(in_exec)
}

fn stack(stack: &Stack) -> String {
    let what = match stack.kind {
        StackKind::Goroutine => "goroutine",
        StackKind::Native => "native",
        StackKind::Python => "python",
    };
    let state = if stack.state.is_empty() {
        String::new()
    } else {
        format!(" [{}]", stack.state)
    };
    let frames = stack
        .frames
        .iter()
        .filter(|frame| !frame.starts_with("runtime.") || stack.kind != StackKind::Goroutine);
    let frames: Vec<&str> = frames.take(FRAMES).map(String::as_str).collect();
    format!("{what} {}{state} {}", stack.thread, frames.join(" < "))
}

/// `fd 7 = pipe:[2661273], empty`, and what is known of a container.
fn thing(link: &Link<'_>) -> Option<String> {
    let fd = link
        .want
        .fd
        .map_or_else(String::new, |fd| format!("fd {fd} = "));
    match &link.want.what {
        What::End { pipe, .. } | What::Output(pipe) | What::Room(pipe) => {
            let filling = filling(pipe).map_or_else(String::new, |filling| format!(", {filling}"));
            Some(format!("{fd}{}{filling}", pipe.name))
        }
        What::Lock { path, .. } if !path.is_empty() => Some(format!("{fd}{path}")),
        What::Answer(socket) => {
            let unread = socket
                .unread
                .map_or_else(String::new, |bytes| format!(", {bytes} bytes to read"));
            let peer = if socket.peer.is_empty() {
                String::new()
            } else {
                format!(" to {}", socket.peer)
            };
            Some(format!(
                "{fd}{}{peer}, {}{unread}",
                socket.name, socket.state
            ))
        }
        What::Container { id, known, .. } => {
            let runs = known.map_or("", |container| container.command.as_str());
            Some(format!(
                "container {} {runs}{}",
                short_id(id),
                container_state(*known)
            ))
        }
        What::Partner(_)
        | What::Lock { .. }
        | What::Connection(_)
        | What::Child
        | What::Signal
        | What::Continuation
        | What::Kernel { .. }
        | What::Terminal(_)
        | What::Processor
        | What::Time
        | What::Event(_)
        | What::Unknown(_) => None,
    }
}
