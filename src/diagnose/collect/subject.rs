//! Whom the collectors look at, and what they share: one look at every open descriptor of the machine, and
//! the reasons why something must not be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use super::{Enough, Say};
use crate::host::procfs::{Proc, Unread};
use crate::model::{Descriptor, Finding, ProcessFact};

/// A script's processes, below the slot that runs it.
#[derive(Debug)]
pub struct Subject {
    /// Where the kernel shows them.
    pub(in crate::diagnose) proc: Proc,
    /// The slot: their ancestor.
    pub(in crate::diagnose) slot: i32,
    /// Where work directories live.
    pub(in crate::diagnose) work_root: PathBuf,
    /// When nobody will listen any more.
    pub(in crate::diagnose) until: Option<Instant>,
    processes: Vec<ProcessFact>,
    pids: BTreeSet<i32>,
    table: OnceLock<Table>,
}

/// A right that reading something needs, for the reason when it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Right {
    /// To see what the process has open: its owner's.
    Look,
    /// To trace it: its owner's, and the kernel's settings must allow it.
    Trace,
}

impl Subject {
    /// The processes that were just seen below the slot.
    pub fn new(proc: Proc, slot: i32, processes: Vec<ProcessFact>, work_root: &Path) -> Self {
        Subject {
            proc,
            slot,
            work_root: work_root.to_owned(),
            until: None,
            pids: processes.iter().map(|process| process.pid).collect(),
            processes,
            table: OnceLock::new(),
        }
    }

    /// The processes as they were seen, parents before children.
    pub(in crate::diagnose) fn processes(&self) -> &[ProcessFact] {
        &self.processes
    }

    /// Those that still are something: a zombie has no descriptors and no threads.
    pub(in crate::diagnose) fn living(&self) -> impl Iterator<Item = &ProcessFact> {
        self.processes.iter().filter(|process| process.state != 'Z')
    }

    /// The process is the script's.
    pub(in crate::diagnose) fn has(&self, pid: i32) -> bool {
        self.pids.contains(&pid)
    }

    /// Everything that processes of this machine have open, looked up once for all collectors.
    pub(in crate::diagnose) fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::read(self))
    }

    /// Says who a process is that is not the script's.
    pub(in crate::diagnose) fn introduce(&self, pid: i32, say: &Say) -> Result<(), Enough> {
        if self.has(pid) {
            return Ok(());
        }
        let Ok(mut process) = self.proc.bare_process(pid) else {
            return Ok(());
        };
        let age = self.proc.uptime();
        let fact = |process: &crate::host::procfs::Process| ProcessFact {
            age: age.map(|age| age.saturating_sub(process.started_at())),
            wchan: self.proc.wait_channel(pid),
            ..super::processes::fact(&self.proc, process)
        };
        say.say(Finding::Other(fact(&process)))?;
        process.words = self.proc.words(pid);
        say.say(Finding::Other(fact(&process)))
    }

    /// Why something of a process could not be read.
    pub(in crate::diagnose) fn why(&self, unread: &Unread, pid: i32, right: Right) -> String {
        if *unread != Unread::Refused {
            return unread.to_string();
        }
        let owner = self.proc.owner(pid);
        let (Some(owner), Some(me)) = (owner, self.proc.owner(self.slot)) else {
            return unread.to_string();
        };
        let scope = self.proc.text("sys/kernel/yama/ptrace_scope");
        let scope = scope.unwrap_or_default();
        match scope.trim() {
            _ if owner != me && me != 0 => format!("{unread} (it is of user {owner})"),
            scope @ ("1" | "2" | "3") if right == Right::Trace => {
                format!("{unread} (ptrace_scope={scope})")
            }
            _ => format!("{unread} (it does not let itself be looked into)"),
        }
    }
}

/// Who has what open.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Table {
    by_target: BTreeMap<String, Vec<(i32, i32)>>,
    by_process: BTreeMap<i32, Vec<Descriptor>>,
    /// Processes that may not be looked into.
    refused: Vec<i32>,
    /// The kernel hides processes of other users.
    hides: bool,
}

impl Table {
    fn read(subject: &Subject) -> Self {
        let mut table = Table::default();
        let everybody = subject.proc.pids();
        table.hides = !everybody.contains(&1);
        let strangers = everybody.into_iter().filter(|pid| !subject.has(*pid));
        let script = subject.living().map(|process| process.pid);
        for pid in script.chain(strangers) {
            match subject.proc.descriptors(pid) {
                Ok(descriptors) => table.add(pid, descriptors),
                Err(Unread::Refused) => table.refused.push(pid),
                Err(_) => {}
            }
        }
        table
    }

    fn add(&mut self, pid: i32, descriptors: Vec<Descriptor>) {
        for Descriptor { fd, target } in &descriptors {
            let holders = self.by_target.entry(target.clone()).or_default();
            holders.push((pid, *fd));
        }
        self.by_process.insert(pid, descriptors);
    }

    /// Who has this open: pid and descriptor.
    pub(in crate::diagnose) fn holders(&self, target: &str) -> &[(i32, i32)] {
        self.by_target.get(target).map_or(&[], Vec::as_slice)
    }

    /// What a process has open.
    pub(in crate::diagnose) fn of(&self, pid: i32) -> &[Descriptor] {
        self.by_process.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Targets that begin so and that one of the script's processes has open, with all who do.
    pub(in crate::diagnose) fn of_script<'t>(
        &'t self,
        subject: &'t Subject,
        prefix: &'t str,
    ) -> impl Iterator<Item = (&'t str, &'t [(i32, i32)])> {
        self.by_target
            .range(prefix.to_owned()..)
            .take_while(move |(target, _)| target.starts_with(prefix))
            .filter(|(_, holders)| holders.iter().any(|(pid, _)| subject.has(*pid)))
            .map(|(target, holders)| (target.as_str(), holders.as_slice()))
    }

    /// Says what the table does not show.
    pub(in crate::diagnose) fn tell_gaps(
        &self,
        subject: &Subject,
        say: &Say,
    ) -> Result<(), Enough> {
        let (own, strangers): (Vec<i32>, Vec<i32>) =
            self.refused.iter().partition(|pid| subject.has(**pid));
        for pid in own {
            let why = subject.why(&Unread::Refused, pid, Right::Look);
            say.gap(format!("pipes, sockets and locks of {pid}"), why)?;
        }
        let what = "holders outside the script";
        if self.hides {
            say.gap(what, "not permitted (/proc hides other users' processes)")?;
        }
        if !strangers.is_empty() {
            let why = format!(
                "not permitted ({} processes of other users)",
                strangers.len()
            );
            say.gap(what, why)?;
        }
        Ok(())
    }
}
