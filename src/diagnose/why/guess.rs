//! What a thread waits for by the name of the kernel function it sleeps in: the second-best source, where the
//! call could not be read. What comes of it carries the reason as its doubt.

use super::things::partner;
use super::waiting::Reader;
use super::want::{Want, What};
use crate::model::PipeEnd;

/// Kernel functions by how their names begin (they change between kernels), and what one waits for there.
const WCHANS: &[(&[&str], Guess)] = &[
    (&["anon_pipe_read", "pipe_read"], Guess::PipeRead),
    (&["anon_pipe_write", "pipe_write"], Guess::PipeWrite),
    (
        &[
            "locks_lock_inode_wait",
            "flock_lock",
            "fcntl_setlk",
            "posix_lock",
        ],
        Guess::Lock,
    ),
    (&["do_wait", "kernel_wait", "__do_wait"], Guess::Child),
    (
        &["hrtimer_nanosleep", "do_nanosleep", "common_nsleep"],
        Guess::Sleep,
    ),
    (&["wait_for_partner", "fifo_open"], Guess::Fifo),
    (&["do_signal_stop", "do_jobctl_trap"], Guess::Stopped),
    (&["n_tty_read", "wait_woken"], Guess::Terminal),
    (&["unix_wait_for_peer"], Guess::Connect),
    (
        &[
            "unix_stream_read",
            "tcp_recvmsg",
            "sk_wait_data",
            "__skb_wait",
        ],
        Guess::Socket,
    ),
    (
        &[
            "request_wait_answer",
            "fuse_",
            "folio_wait",
            "nfs",
            "rpc_wait",
            "__fuse",
        ],
        Guess::Kernel,
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    PipeRead,
    PipeWrite,
    Lock,
    Child,
    Sleep,
    Fifo,
    Stopped,
    Terminal,
    Connect,
    Socket,
    Kernel,
}

pub(super) fn guess(wchan: &str) -> Option<Guess> {
    let begins = |(names, _): &&(&[&str], Guess)| names.iter().any(|name| wchan.starts_with(name));
    WCHANS.iter().find(begins).map(|(_, guess)| *guess)
}

impl<'s> Reader<'_, 's> {
    /// From the name of the kernel function alone.
    pub(super) fn guessed(&self, tid: i32, wchan: &'s str, why: &'s str) -> Vec<Want<'s>> {
        let me = self.process.pid;
        let pipes = |reads: bool| {
            let ends = move |end: &PipeEnd| if reads { end.reads } else { end.writes };
            self.graph.pipes_of(me, ends)
        };
        let with_fd = |mut want: Want<'s>, fd: i32| {
            want.fd = Some(fd);
            want
        };
        let mut wants: Vec<Want<'s>> = match guess(wchan) {
            Some(Guess::PipeRead) => {
                let pipes = pipes(true).into_iter();
                pipes
                    .map(|(pipe, fd)| with_fd(self.end(tid, pipe), fd))
                    .collect()
            }
            Some(Guess::PipeWrite) => {
                let pipes = pipes(false).into_iter();
                pipes
                    .map(|(pipe, fd)| with_fd(self.room(tid, pipe), fd))
                    .collect()
            }
            Some(Guess::Lock) => vec![self.lock(tid, None, "")],
            Some(Guess::Child) => vec![self.child(tid, None)],
            Some(Guess::Sleep) => vec![Want::new(tid, What::Time)],
            Some(Guess::Fifo) => vec![partner(tid, "")],
            Some(Guess::Stopped) => vec![Want::new(tid, What::Continuation)],
            Some(Guess::Terminal) => vec![Want::new(tid, What::Terminal(""))],
            Some(Guess::Connect) => vec![Want::new(tid, What::Connection(""))],
            Some(Guess::Socket) => {
                let sockets = self.graph.sockets_of(me).into_iter();
                sockets
                    .map(|(socket, fd)| with_fd(self.socket(tid, socket, "recv"), fd))
                    .collect()
            }
            Some(Guess::Kernel) => vec![Want::new(tid, What::Kernel { path: "", wchan })],
            None => Vec::new(),
        };
        if wants.is_empty() {
            wants.push(Want::new(tid, What::Unknown(why)));
        }
        let sure = |want: &Want<'s>| {
            want.what.is_child() || matches!(want.what, What::Time | What::Continuation)
        };
        let many = wants.len() > 1;
        for want in wants.iter_mut().filter(|want| !sure(want)) {
            want.doubt = Some(why);
            want.one_of_many = many;
        }
        wants
    }
}
