//! The pipes of the script's processes: everybody on the machine who has them open, and how full they are.

use std::collections::BTreeSet;

use super::{Enough, Say, Subject, waits};
use crate::host::pipe_fill;
use crate::host::procfs::TaskCall;
use crate::model::{Finding, PipeEnd, PipeFact};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let table = subject.table();
    for (name, holders) in table.of_script(subject, "pipe:[") {
        tell(subject, say, name, holders)?;
    }
    for name in fifos(subject) {
        tell(subject, say, &name, table.holders(&name))?;
    }
    table.tell_gaps(subject, say)
}

/// FIFOs that somebody of the script waits for. A path does not say that it is one; the wait does.
fn fifos(subject: &Subject) -> BTreeSet<String> {
    let proc = &subject.proc;
    let waited = |pid: i32, tid: i32| {
        let task = proc.task(pid, tid).ok()?;
        match proc.call(pid, tid) {
            Ok(TaskCall::In(call)) => waits::fifo(subject, pid, &task, &call),
            Ok(_) | Err(_) => None,
        }
    };
    let threads = subject.living().flat_map(|process| {
        let tids = proc.tasks(process.pid).unwrap_or_default();
        tids.into_iter().map(|tid| (process.pid, tid))
    });
    threads.filter_map(|(pid, tid)| waited(pid, tid)).collect()
}

fn tell(subject: &Subject, say: &Say, name: &str, holders: &[(i32, i32)]) -> Result<(), Enough> {
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
