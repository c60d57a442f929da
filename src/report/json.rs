//! `--format json`: the lines that `libtest_mimic::run` prints.

use std::io::{self, Write};

use super::board::{Settled, Totals};
use super::libtest::{Libtest, Look, Printer};

/// Prints one object a line; a trial's `started` comes with its end, as in `libtest_mimic`.
#[derive(Debug)]
pub struct Json(());

impl Json {
    /// The report. Colours do not apply, nor do logs of passing trials.
    pub fn report() -> Libtest<Json> {
        Libtest::with(Json(()), Look::default().passing)
    }
}

/// A JSON string, with its quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Printer for Json {
    fn title(&mut self, trials: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            r#"{{ "type": "suite", "event": "started", "test_count": {trials} }}"#
        )
    }

    fn settled(&mut self, trial: &Settled, out: &mut dyn Write) -> io::Result<()> {
        let name = quoted(&trial.name);
        writeln!(
            out,
            r#"{{ "type": "test", "event": "started", "name": {name} }}"#
        )?;
        let (event, stdout) = match trial.effect.libtest() {
            "FAILED" => {
                let escaped = quoted(&trial.text);
                let inner = escaped.trim_start_matches('"');
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                ("failed", format!(r#", "stdout": "Error: \"{inner}\"\n""#))
            }
            word => (word, String::new()),
        };
        writeln!(
            out,
            r#"{{ "type": "test", "name": {name}, "event": "{event}"{stdout} }}"#
        )
    }

    fn summary(&mut self, totals: &Totals, out: &mut dyn Write) -> io::Result<()> {
        let failed = totals.counts.failed + totals.counts.faulted;
        let event = if failed > 0 { "failed" } else { "ok" };
        writeln!(
            out,
            r#"{{ "type": "suite", "event": "{event}", "passed": {}, "failed": {failed}, "ignored": {}, "measured": 0, "filtered_out": {}, "exec_time": {} }}"#,
            totals.counts.ok,
            totals.counts.ignored,
            totals.filtered_out,
            totals.duration.as_secs_f64(),
        )
    }
}
