//! The `shakedown` program.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use super::check;
use super::door::{self, Place, Registered};
use super::harness::{Role, complain, keep_descriptors, serve, take_role};
use super::reap;
use super::{Command, Door, TOPICS, Topic, command, help, repeat};
use crate::config;
use crate::host::environment;
use crate::interp::{self, Registry};

/// Takes the role that this process was started for; for the program itself, does what was typed.
pub fn main() -> ExitCode {
    let words = environment::words();
    match take_role(&words, &BTreeMap::new()) {
        Role::Slot(fd) => return serve(fd, Registry::default()),
        Role::Done(code) => return code,
        Role::Harness => keep_descriptors(),
    }
    let program = door::program(&words);
    let (words, variables) = match door::typed(&words) {
        Ok(typed) => typed,
        Err(message) => {
            complain(&format!("error: {message}"));
            return ExitCode::from(2);
        }
    };
    let place = || Place {
        base: environment::directory(),
        scripts: Vec::new(),
        repeat: repeat::words(
            &program,
            words.get(1..).unwrap_or_default(),
            &variables,
            Door::Program,
        ),
    };
    match command(&words, &variables) {
        Err(misuse) => {
            complain(&misuse.to_string());
            ExitCode::from(2)
        }
        Ok(Command::Run(options) | Command::List(options)) => {
            door::perform(&options, place(), Registered::default())
        }
        Ok(Command::Check(options)) => check::perform(&options, place(), Registered::default()),
        Ok(Command::Report { run, options }) => door::replay(&options, &run),
        Ok(Command::Reap { dry_run }) => reap::reap(dry_run),
        Ok(Command::Ledger(run)) => reap::show(run.as_ref()),
        Ok(Command::Help(topic)) => door::print(&explain(topic)),
        Ok(Command::HelpOn(name)) => door::print(&interp::explain(&name).unwrap_or_default()),
        Ok(Command::Version) => door::print(concat!("shakedown ", env!("CARGO_PKG_VERSION"))),
    }
}

fn explain(topic: &Topic) -> String {
    match topic.name {
        "help" => overview(),
        "flags" => help(
            "shakedown run [FLAGS] [PATH...] [-- FILTER...]",
            Door::Program,
        ),
        "settings" => config::reference(),
        "exit-codes" => EXIT_CODES.to_owned(),
        "language" => interp::reference(),
        "reap" | "ledger" => format!("{}\n\nUsage: {}", topic.about, topic.usage),
        _ if topic.usage.is_empty() => topic.about.to_owned(),
        _ => format!("{}\n\n{}", topic.about, help(topic.usage, Door::Program)),
    }
}

const EXIT_CODES: &str = "\
0    all is well, or nothing failed that counts
101  a trial failed, hung or was slow; `check` found a mistake
102  no trial failed, but the machine, the engine or the harness did
103  only leftovers or leaked pipes, under --strict
4    `run` selected nothing
2    the command line or the configuration is wrong; nothing ran
130  interrupted by Ctrl-C (143: by SIGTERM)
When several hold: interrupted, then 2, 101, 102, 103, 4.";

fn overview() -> String {
    let mut text =
        String::from("Runs txtar scripts against Docker and Podman, and says why one hung.\n\n");
    for topic in TOPICS {
        let name = if topic.usage.is_empty() {
            format!("shakedown help {}", topic.name)
        } else {
            topic.usage.to_owned()
        };
        writeln!(text, "  {name:<50} {}", topic.about).expect("writing to a string cannot fail");
    }
    text
}
