//! The pipes of the script's processes: everybody on the machine who has them open, and how full they are.

use std::collections::BTreeSet;

use super::{Enough, Say, Subject};
use crate::host::pipe_fill;
use crate::host::procfs::TaskCall;
use crate::model::{Finding, PipeEnd, PipeFact};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let table = subject.table();
    for (name, holders) in table.of_script(subject, "pipe:[") {
        tell(subject, name, holders, say)?;
    }
    for name in fifos(subject) {
        tell(subject, &name, table.holders(&name), say)?;
    }
    table.tell_gaps(subject, say)
}

fn tell(subject: &Subject, name: &str, holders: &[(i32, i32)], say: &Say) -> Result<(), Enough> {
    let ends: Vec<PipeEnd> = holders
        .iter()
        .filter_map(|end| opened(subject, *end))
        .collect();
    for end in &ends {
        subject.introduce(end.pid, say)?;
    }
    let fill = holders
        .iter()
        .find_map(|(pid, fd)| pipe_fill::of(&subject.proc, *pid, *fd).ok());
    say.say(Finding::Pipe(PipeFact {
        name: name.to_owned(),
        ours: ends.iter().any(|end| end.pid == subject.slot && end.reads),
        ends,
        waiting: fill.map(|fill| fill.waiting),
        capacity: fill.map(|fill| fill.capacity),
    }))
}

/// FIFOs that a thread reads or writes at this moment. A descriptor's link does not tell a FIFO from a file, and
/// to ask the file system could block; the kernel function that the thread sleeps in tells.
fn fifos(subject: &Subject) -> BTreeSet<String> {
    const PLACES: [&str; 4] = ["anon_pipe_", "pipe_", "fifo_pipe_", "wait_for_space"];
    let proc = &subject.proc;
    let mut found = BTreeSet::new();
    for pid in subject.living().map(|process| process.pid) {
        for tid in proc.tasks(pid).unwrap_or_default() {
            let asleep = proc.task(pid, tid).unwrap_or_default().wchan;
            if !PLACES.iter().any(|place| asleep.starts_with(place)) {
                continue;
            }
            let Ok(TaskCall::In(call)) = proc.call(pid, tid) else {
                continue;
            };
            let fd = i32::try_from(call.arguments[0]).ok();
            let target = fd.and_then(|fd| proc.descriptor(pid, fd).ok());
            let path = target.map(|held| held.target);
            found.extend(path.filter(|path| path.starts_with('/')));
        }
    }
    found
}

/// One end of a pipe; `None` when it was closed meanwhile.
fn opened(subject: &Subject, (pid, fd): (i32, i32)) -> Option<PipeEnd> {
    let info = subject.proc.descriptor_info(pid, fd).ok()?;
    Some(PipeEnd {
        pid,
        fd,
        reads: info.reads(),
        writes: info.writes(),
    })
}
