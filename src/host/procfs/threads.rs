//! The threads of a process: state, where in the kernel each sleeps, and the system call it is in.

use super::syscalls::{self, Syscall};
use super::{Proc, Unread, numbers};

/// One thread at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub tid: i32,
    /// The kernel's letter.
    pub state: char,
    /// The kernel function it sleeps in; empty when it runs or must not be known.
    pub wchan: String,
}

/// What `/proc/PID/task/TID/syscall` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskCall {
    /// It runs.
    Running,
    /// It sleeps in the kernel, and not for a call of its own (a page fault, an exit, a stop).
    NoCall,
    /// It is in this call.
    In(Syscall),
    /// It is in a call of a 32-bit program, whose numbers are others.
    Foreign,
}

impl Proc {
    /// The ids of a process's threads, in order.
    pub fn tasks(&self, pid: i32) -> Result<Vec<i32>, Unread> {
        numbers(&self.path(pid, "task"))
    }

    /// One thread.
    pub fn task(&self, pid: i32, tid: i32) -> Result<Task, Unread> {
        let stat = self.text_of(pid, &format!("task/{tid}/stat"))?;
        let tail = stat.rsplit_once(')').map(|(_, tail)| tail.trim_start());
        let state = tail.and_then(|tail| tail.chars().next());
        let state = state.ok_or_else(|| Unread::Unfamiliar {
            expected: "a line of /proc/PID/stat",
            found: stat.clone(),
        })?;
        let wchan = self.text_of(pid, &format!("task/{tid}/wchan"));
        let wchan = wchan.ok().filter(|name| name != "0").unwrap_or_default();
        Ok(Task { tid, state, wchan })
    }

    /// The system call that a thread is in. Needs the right to trace it.
    pub fn call(&self, pid: i32, tid: i32) -> Result<TaskCall, Unread> {
        let text = self.text_of(pid, &format!("task/{tid}/syscall"))?;
        parse(&text).ok_or_else(|| Unread::Unfamiliar {
            expected: "a line of /proc/PID/syscall",
            found: text.trim().to_owned(),
        })
    }

    /// The thread's frames in the kernel, innermost first; for root only.
    pub fn kernel_stack(&self, pid: i32, tid: i32) -> Result<Vec<String>, Unread> {
        let text = self.text_of(pid, &format!("task/{tid}/stack"))?;
        Ok(text.lines().filter_map(function).collect())
    }
}

/// `[<0>] anon_pipe_read+0x2e5/0x4a0` names `anon_pipe_read`.
fn function(line: &str) -> Option<String> {
    let name = line.split_whitespace().nth(1)?;
    Some(name.split('+').next().unwrap_or(name).to_owned())
}

/// `0 0x3 0x7f… 0x1000 0x0 0x0 0x0 SP PC`, `-1 SP PC` or `running`.
fn parse(text: &str) -> Option<TaskCall> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let hexadecimal = |word: &&str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
    match words.as_slice() {
        ["running"] => Some(TaskCall::Running),
        ["-1", _, _] => Some(TaskCall::NoCall),
        [number, arguments @ .., stack, _] => {
            let number = number.parse().ok()?;
            let arguments: Vec<u64> = arguments.iter().map(hexadecimal).collect::<Option<_>>()?;
            let arguments = <[u64; 6]>::try_from(arguments).ok()?;
            // A 64-bit program's stack lies high; below 4 GiB the program is a 32-bit one.
            if syscalls::NATIVE_64 && u32::try_from(hexadecimal(stack)?).is_ok() {
                return Some(TaskCall::Foreign);
            }
            Some(TaskCall::In(Syscall { number, arguments }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_line_is_told_apart() {
        let read = "0 0x3 0x7ffc0 0x1000 0x0 0x0 0x0 0x7ffd1b0a9d08 0x7f1c2ec9d1b1\n";
        let call = Syscall {
            number: 0,
            arguments: [3, 0x7_ffc0, 0x1000, 0, 0, 0],
        };
        assert_eq!(parse(read), Some(TaskCall::In(call)));
        assert_eq!(parse("running\n"), Some(TaskCall::Running));
        assert_eq!(parse("-1 0x7ffd1b0a9d08 0x7f1c\n"), Some(TaskCall::NoCall));
        let narrow = "3 0x3 0x0 0x1000 0x0 0x0 0x0 0xffd1b0a8 0xf7f1c2ec\n";
        assert_eq!(parse(narrow), Some(TaskCall::Foreign));
        for text in ["", "walking", "0 0x3", "x 1 2 3 4 5 6 7 8"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_kernel_frame_is_its_functions_name() {
        assert_eq!(
            function("[<0>] anon_pipe_read+0x2e5/0x4a0"),
            Some("anon_pipe_read".to_owned())
        );
        assert_eq!(function(""), None);
    }
}
