//! All descendants of a process, and whether the look at them can have missed one.

use std::collections::BTreeSet;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::{Proc, Process, process};

/// What a look at all descendants of a process saw.
#[derive(Debug, Default)]
pub struct Below {
    /// Parents before children.
    pub found: Vec<Process>,
    /// Those that were dead, or gone before they could be looked at. What they had started may have come to the root
    /// when its children were listed already: whoever sees one of these has not seen all.
    pub gone: Vec<i32>,
}

/// All descendants. `enter` says whether to look below a process; one that it refuses is listed, its descendants are
/// not.
pub fn below(root: i32, enter: &dyn Fn(&Process) -> bool) -> Below {
    let mut below = Proc::default().walk(root, enter, &process);
    below.gone.retain(|pid| !is_hidden(*pid));
    below
}

/// It is there, is another user's, and `/proc` does not show it (`hidepid`): nobody here can look at it or end it.
fn is_hidden(pid: i32) -> bool {
    let there = Pid::from_raw(pid).map(test_kill_process);
    there == Some(Err(Errno::PERM))
}

/// All descendants, for who does not ask whether these are all.
pub fn descendants(root: i32, enter: &dyn Fn(&Process) -> bool) -> Vec<Process> {
    below(root, enter).found
}

impl Proc {
    /// All descendants, parents before children, without their words.
    pub fn bare_descendants(&self, root: i32) -> Vec<Process> {
        let below = self.walk(root, &|_| true, &|pid| self.bare_process(pid).ok());
        below.found
    }

    /// It has ended, with all its threads. One whose first thread alone has ended looks the same at first sight.
    pub fn is_dead(&self, process: &Process) -> bool {
        let others = || {
            let tasks = self.tasks(process.pid).unwrap_or_default();
            tasks.into_iter().any(|task| task != process.pid)
        };
        process.state == 'Z' && !others()
    }

    fn walk(
        &self,
        root: i32,
        enter: &dyn Fn(&Process) -> bool,
        read: &dyn Fn(i32) -> Option<Process>,
    ) -> Below {
        let mut seen = BTreeSet::new();
        let mut below = Below::default();
        let mut queue = vec![root];
        while let Some(parent) = queue.pop() {
            for child in self.children(parent) {
                let process = read(child);
                if process.as_ref().is_none_or(|process| self.is_dead(process)) {
                    below.gone.push(child);
                }
                let Some(process) = process.filter(|_| seen.insert(child)) else {
                    continue;
                };
                if enter(&process) {
                    queue.push(child);
                }
                below.found.push(process);
            }
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use std::process::Child;
    use std::time::Duration;

    use super::*;
    use crate::host::process::{self as programs, Invocation};
    use crate::host::{clock, procfs};

    /// Started, and by now its first thread at least has ended.
    fn ended(program: &str, arguments: &[&str]) -> (Child, i32) {
        let invocation = Invocation {
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
            directory: None,
        };
        let child = programs::spawn(&mut programs::command(&invocation)).unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let give_up = clock::now() + Duration::from_secs(20);
        while process(pid).unwrap().state != 'Z' {
            assert!(clock::now() < give_up, "it does not end");
            std::thread::yield_now();
        }
        (child, pid)
    }

    #[test]
    fn whoever_was_dead_when_it_was_looked_at_is_told() {
        let (mut child, pid) = ended("/bin/true", &[]);
        let me = rustix::process::getpid().as_raw_nonzero().get();
        assert!(below(me, &|_| true).gone.contains(&pid));
        child.wait().unwrap();
        assert!(!below(me, &|_| true).gone.contains(&pid));
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_is_not_dead() {
        let program = "import ctypes, threading, time\n\
                       threading.Thread(target=time.sleep, args=(1000,)).start()\n\
                       ctypes.CDLL(None).pthread_exit(None)\n";
        let (mut child, pid) = ended("/usr/bin/python3", &["-c", program]);
        let leader = process(pid).unwrap();
        let is_dead = Proc::default().is_dead(&leader);
        assert!(procfs::signal(&leader, libc::SIGKILL));
        child.wait().unwrap();
        assert!(!is_dead);
    }
}
