//! Scripts that ask for more processors than may be busy at once: they run alone in their lane, and nobody may have
//! noticed. Knows no machine.

use super::build::Planned;

/// So many of them are named.
const NAMED: usize = 3;

/// What is said of them before the run, in one sentence; `None` when all fit. `width`: so many scripts run at once.
pub fn excess<'a>(planned: impl Iterator<Item = &'a Planned>, width: u32) -> Option<String> {
    let asks = planned.filter_map(|planned| {
        let asked = planned.cpus_asked.filter(|asked| asked.value > width)?;
        Some(format!(
            "{}:{} (cpus = {})",
            planned.file, asked.line, asked.value
        ))
    });
    let mut asks: Vec<String> = asks.collect();
    let all = asks.len();
    let (ask, run) = match all {
        0 => return None,
        1 => ("asks", "it runs"),
        _ => ("ask", "they run"),
    };
    asks.truncate(NAMED);
    let more = match all - asks.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "{}{more} {ask} for more than the {width} that there are: {run} alone in the lane",
        asks.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::build::tests::planned;
    use super::*;

    fn check(headers: &[&str], width: u32, expected: &str) {
        let planned: Vec<Planned> = (1..)
            .zip(headers)
            .map(|(number, header)| planned(&format!("s{number}"), header))
            .collect();
        let said = excess(planned.iter(), width).unwrap_or_default();
        assert_eq!(said, expected, "{headers:?}");
    }

    #[test]
    fn who_asks_for_more_than_there_is_is_named_with_the_line() {
        check(&["", "#: cpus = 2\n", "#: serial = true\n"], 2, "");
        // Alone it is anyway.
        check(&["#: serial = true\n#: cpus = 9\n"], 2, "");
        check(
            &["", "# first\n#: cpus = 3\n"],
            2,
            "s2.txtar:2 (cpus = 3) asks for more than the 2 that there are: it runs alone in the lane",
        );
        let eight = ["#: cpus = 8\n"; 5];
        check(
            &eight,
            4,
            "s1.txtar:1 (cpus = 8), s2.txtar:1 (cpus = 8), s3.txtar:1 (cpus = 8) and 2 more ask for more than the 4 \
             that there are: they run alone in the lane",
        );
        check(&eight, 8, "");
    }
}
