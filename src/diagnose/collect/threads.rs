//! The threads of the script's processes: state, where in the kernel they sleep, what they wait for, and the
//! kernel's own frames where it shows them. What needs a process's memory is learnt last.

use super::{Enough, Right, Say, Subject, waits};
use crate::host::procfs::{Syscall, TaskCall};
use crate::model::{Finding, ThreadFact, Wait};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let vague = first_look(subject, say)?;
    for (thread, call) in vague {
        match waits::from_memory(subject, thread.pid, &call) {
            Ok(Some(wait)) => say.say(Finding::Thread(ThreadFact { wait, ..thread }))?,
            Ok(None) => {}
            Err(unread) => {
                let why = subject.why(&unread, thread.pid, Right::Trace);
                say.gap(format!("memory of {}", thread.pid), why)?;
            }
        }
    }
    Ok(())
}

/// What can be learnt of threads without touching anybody's memory. Returns those of which there is more.
fn first_look(subject: &Subject, say: &Say) -> Result<Vec<(ThreadFact, Syscall)>, Enough> {
    let proc = &subject.proc;
    let mut vague = Vec::new();
    for process in subject.living() {
        let pid = process.pid;
        for tid in proc.tasks(pid).unwrap_or_default() {
            // It may end while we look.
            let Ok(task) = proc.task(pid, tid) else {
                continue;
            };
            if matches!(task.state, 'Z' | 'X') {
                continue;
            }
            let call = proc.call(pid, tid);
            let thread = ThreadFact {
                pid,
                tid,
                state: task.state,
                wait: waits::at_first_sight(subject, pid, &task, &call),
                wchan: task.wchan,
                kernel: proc.kernel_stack(pid, tid).unwrap_or_default(),
            };
            say.say(Finding::Thread(thread.clone()))?;
            match call {
                Ok(TaskCall::In(call))
                    if thread.wait != Wait::Kernel && waits::leaves_more(&call) =>
                {
                    vague.push((thread, call));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(vague)
}
