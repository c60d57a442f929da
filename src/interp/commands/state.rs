//! `env`, `stdin`, `ttyin`: what the next programs are given. Knows no program.

use super::Command;
use crate::interp::Terminal;
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::Session;
use crate::script::check::{Flag, Form, Role};

pub(super) const ENV: Command = Command {
    name: "env",
    usage: "env [key[=value]...]",
    summary: "set variables, or show them in the log",
    details: "`K=V` sets a variable for the rest of the script; `K` alone writes its value to the log; no word at all writes all of them.",
    example: "env LANG=C",
    negatable: false,
    form: Form::words(0, None, &[Role::Other]),
    run: |session, _, arguments| {
        env(session, arguments);
        Ok(())
    },
};

pub(super) const STDIN: Command = Command {
    name: "stdin",
    usage: "stdin filename",
    summary: "give a file to the next program's standard input",
    details: "The next program reads it, and only that one; others read nothing. `stdout` and `stderr` are what the last program wrote.",
    example: "stdin answers.txt",
    negatable: false,
    form: Form::words(1, Some(1), &[Role::Read]),
    run: stdin,
};

pub(super) const TTYIN: Command = Command {
    name: "ttyin",
    usage: "ttyin [-stdin] filename",
    summary: "give the next program a terminal, with a file to read from it",
    details: "The next program has a terminal of its own, on which the file is typed, and then the end of input. With `-stdin` its standard input is the terminal too.",
    example: "ttyin -stdin answers.txt",
    negatable: false,
    form: Form::words(1, Some(1), &[Role::Read]).after(Flag::Whole("-stdin")),
    run: ttyin,
};

const CONFLICT: &str = "conflicting use of 'stdin' and 'ttyin -stdin'";

fn env(session: &mut Session<'_>, arguments: &[Vec<u8>]) {
    if arguments.is_empty() {
        dump(session);
    }
    for argument in arguments {
        if let Some(at) = argument.iter().position(|byte| *byte == b'=') {
            let (name, value) = argument.split_at(at);
            let value = value.get(1..).unwrap_or_default().to_vec();
            session.environment.set(name, value);
        } else {
            let value = session.environment.get(argument).unwrap_or_default();
            let line = [argument, b"=".as_slice(), value].concat();
            session.log.line(&line);
        }
    }
}

/// Logs every variable.
pub(in crate::interp) fn dump(session: &mut Session<'_>) {
    for (name, value) in session.environment.iter() {
        session.log.raw(name);
        session.log.raw(b"=");
        session.log.line(value);
    }
}

fn stdin(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [file] = arguments else {
        return STDIN.misused();
    };
    if session
        .terminal
        .as_ref()
        .is_some_and(|terminal| terminal.stdin)
    {
        return fail(CONFLICT);
    }
    session.stdin = session.read(file)?;
    Ok(())
}

fn ttyin(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let (stdin, file) = match arguments {
        [flag, file] if flag == b"-stdin" => (true, file),
        [file] => (false, file),
        _ => return TTYIN.misused(),
    };
    let before = session.terminal.as_ref();
    let was_stdin = before.is_some_and(|terminal| terminal.stdin);
    if stdin && !session.stdin.is_empty() {
        return fail(CONFLICT);
    }
    let input = session.read(file)?;
    if input.is_empty() {
        return fail("tty input file is empty");
    }
    // Once a terminal is to be the standard input, only a program changes that.
    let stdin = stdin || was_stdin;
    session.terminal = Some(Terminal { input, stdin });
    Ok(())
}
