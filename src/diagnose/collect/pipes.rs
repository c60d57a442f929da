//! The pipes of the script's processes: everybody on the machine who has them open, and how full they are.

use super::{Enough, Say, Subject};
use crate::host::pipe_fill;
use crate::model::{Finding, PipeEnd, PipeFact};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let table = subject.table();
    for (name, holders) in table.of_script(subject, "pipe:[") {
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
        }))?;
    }
    table.tell_gaps(subject, say)
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
