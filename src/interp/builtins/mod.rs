//! The table of commands, and the order in which a name is looked up.
//!
//! Each family of commands has a file; none knows of another. Programs registered by the user come
//! first, then the commands of Go's testscript, then the user's commands, then ours.

mod compare;
mod contents;
mod custom;
mod files;
mod flow;
mod output;
mod process;

use crate::script::{Command, go_text, suggest};

use super::execution::Execution;
use super::halt::{Halt, fail};

pub(super) use custom::caught;

/// A command of the language.
#[derive(Debug)]
pub struct Builtin {
    /// The word it is called by.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Whether it may stand behind `!`.
    pub negation: Negation,
    /// Whose language it belongs to.
    pub origin: Origin,
    run: Run,
}

/// Whether a command may stand behind `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negation {
    /// It may.
    Allowed,
    /// `unsupported: ! NAME`.
    Refused,
}

/// Whose language a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Go's testscript.
    Testscript,
    /// An addition of ours: off under the dialect `testscript`, and given up for the user's.
    Shakedown,
}

type Run = fn(&mut Execution<'_>, &Call<'_>) -> Result<(), Halt>;

/// What a command gets.
#[derive(Debug)]
struct Call<'c> {
    /// As it was called.
    name: &'c [u8],
    /// Written behind `!`.
    negated: bool,
    /// The words behind the name.
    arguments: &'c [Vec<u8>],
    /// How it is written, for a failure.
    usage: &'static str,
}

impl Call<'_> {
    /// The failure of words that make no sense.
    fn misused<T>(&self) -> Result<T, Halt> {
        fail!("usage: ", self.usage)
    }
}

const fn go(
    name: &'static str,
    usage: &'static str,
    summary: &'static str,
    negation: Negation,
    run: Run,
) -> Builtin {
    Builtin {
        name,
        usage,
        summary,
        negation,
        origin: Origin::Testscript,
        run,
    }
}

use Negation::{Allowed, Refused};

/// All commands, sorted by name.
#[rustfmt::skip]
pub static BUILTINS: &[Builtin] = &[
    go("cd", "cd dir", "change the current directory", Refused, flow::cd),
    go("chmod", "chmod perm paths...", "change the mode of files", Refused, files::chmod),
    go("cmp", "cmp file1 file2", "compare two files", Allowed, compare::cmp),
    go("cmpenv", "cmpenv file1 file2", "compare two files, variables in the second expanded", Allowed, compare::cmpenv),
    go("cp", "cp src... dst", "copy files", Refused, files::cp),
    go("env", "env [name[=value]...]", "show or set variables", Refused, flow::env),
    go("exec", "exec program [args...] [&]", "run a program", Allowed, process::exec),
    go("exists", "exists [-readonly] file...", "check that files exist", Allowed, files::exists),
    go("grep", "grep [-count=N] 'pattern' file", "look for a pattern in a file", Allowed, output::grep),
    go("kill", "kill [-SIGNAL] [name]", "send a signal to background programs", Refused, process::kill),
    go("mkdir", "mkdir dir...", "make directories with their parents", Refused, files::mkdir),
    go("mv", "mv old new", "rename a file", Refused, files::mv),
    go("rm", "rm file...", "remove files and directories", Refused, files::rm),
    go("skip", "skip [msg]", "skip the script", Refused, flow::skip),
    go("stderr", "stderr [-count=N] 'pattern'", "look for a pattern in the last standard error", Allowed, output::stderr),
    go("stdin", "stdin filename", "set the next program's standard input", Refused, output::stdin),
    go("stdout", "stdout [-count=N] 'pattern'", "look for a pattern in the last standard output", Allowed, output::stdout),
    go("stop", "stop [msg]", "end the script, passed", Refused, flow::stop),
    go("symlink", "symlink file -> target", "make a symbolic link", Refused, files::symlink),
    go("unix2dos", "unix2dos paths...", "end lines with CRLF", Refused, contents::unix2dos),
    go("unquote", "unquote file...", "take the quotes off txtar data", Refused, contents::unquote),
    go("wait", "wait [name]", "wait for background programs", Refused, process::wait),
];

/// The built-in of this name.
fn builtin(name: &[u8]) -> Option<&'static Builtin> {
    let index = BUILTINS.binary_search_by(|builtin| builtin.name.as_bytes().cmp(name));
    index.ok().map(|index| &BUILTINS[index])
}

/// Runs a command.
pub(super) fn dispatch(execution: &mut Execution<'_>, command: &Command) -> Result<(), Halt> {
    let registry = execution.registry;
    let name = str::from_utf8(&command.name).unwrap_or_default();
    if registry.has_program(name) {
        return process::bare(execution, command);
    }
    let known = builtin(&command.name);
    match known {
        Some(builtin) if builtin.origin == Origin::Testscript => {
            return run(execution, builtin, command);
        }
        _ => {}
    }
    if let Some(custom) = registry.command_named(name) {
        return custom::run(execution, custom, command);
    }
    match known {
        Some(builtin) if execution.has_additions() => run(execution, builtin, command),
        _ => fail!(unknown(execution, &command.name)),
    }
}

fn run(execution: &mut Execution<'_>, builtin: &Builtin, command: &Command) -> Result<(), Halt> {
    if command.negated && builtin.negation == Refused {
        return fail!("unsupported: ! ", builtin.name);
    }
    let call = Call {
        name: &command.name,
        negated: command.negated,
        arguments: &command.arguments,
        usage: builtin.usage,
    };
    (builtin.run)(execution, &call)
}

/// What to say of a name that nobody knows.
fn unknown(execution: &Execution<'_>, name: &[u8]) -> String {
    let registry = execution.registry;
    let additions = execution.has_additions();
    let builtins = BUILTINS
        .iter()
        .filter(|builtin| additions || builtin.origin == Origin::Testscript)
        .map(|builtin| builtin.name);
    let names: Vec<&str> = builtins
        .chain(registry.programs())
        .chain(registry.command_names())
        .collect();
    let quoted = go_text::quote(name);
    let name = String::from_utf8_lossy(name);
    if let Some(rest) = name.strip_prefix('!')
        && names.contains(&rest)
    {
        let with_blank = go_text::quote(format!("! {rest}").as_bytes());
        return format!("unknown command {quoted} (did you mean {with_blank}?)");
    }
    match suggest::near(&name, names.into_iter()).as_slice() {
        [one] => {
            let one = go_text::quote(one.as_bytes());
            format!("unknown command {quoted} (did you mean {one}?)")
        }
        few @ ([_, _] | [_, _, _] | [_, _, _, _]) => {
            let few = go_text::quote_list(few);
            format!("unknown command {quoted} (did you mean one of {few}?)")
        }
        _ => format!("unknown command {quoted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_usages_begin_with_the_name() {
        assert!(BUILTINS.is_sorted_by(|a, b| a.name < b.name));
        for builtin in BUILTINS {
            assert_eq!(builtin.usage.split(' ').next(), Some(builtin.name));
            assert!(builtin.summary.len() < 60, "{}", builtin.name);
        }
    }
}
