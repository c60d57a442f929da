//! `--list`: the names, and nothing else on stdout. nextest reads it and fails at any other line.

use std::io::{self, Write};

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListForm {
    /// With libtest's closing line.
    Pretty,
    /// Names alone: `--format terse`, and `--format json` as `libtest_mimic` has it.
    Bare,
}

/// Lists trials by name, in the order given.
pub fn list<'a>(
    names: impl IntoIterator<Item = &'a str>,
    form: ListForm,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut number = 0;
    for name in names {
        writeln!(out, "{name}: test")?;
        number += 1;
    }
    if form == ListForm::Pretty {
        if number > 0 {
            writeln!(out)?;
        }
        let s = if number == 1 { "" } else { "s" };
        writeln!(out, "{number} test{s}, 0 benchmarks")?;
    }
    out.flush()
}
