//! What the engine tells of containers: `container inspect` as JSON, of Docker and Podman alike, and `logs`.
//!
//! All but one question is pure: text in, facts out. What is missing or odd in the answer is left empty, never guessed.

use std::time::Duration;

use serde_json::Value;
use toml::value::{Datetime, Offset};

use super::client::Client;
use super::inspect;
use crate::host::process::Runner;
use crate::model::{ContainerFact, Presence, ResourceKind};

/// Whether all of these containers have begun to run, ended ones included. What is gone has run; what the engine does
/// not say is no.
pub fn have_begun(
    client: &Client,
    runner: &mut dyn Runner,
    ids: &[String],
    limit: Duration,
) -> bool {
    let words = ["container", "inspect", "--format", "{{.State.Status}}"].map(str::to_owned);
    let words: Vec<String> = words.into_iter().chain(ids.iter().cloned()).collect();
    let answer = client.call(runner, &words, limit);
    if answer.succeeded() {
        let text = String::from_utf8_lossy(&answer.stdout);
        let before = ["created", "configured", "initialized"];
        return text.lines().all(|status| !before.contains(&status.trim()));
    }
    let there = inspect::judge(ResourceKind::Container, ids, &answer);
    there.iter().all(|presence| *presence == Presence::Absent)
}

/// The facts of each container in an answer of `container inspect`; `now` is the time since 1970.
pub fn facts(stdout: &[u8], now: Duration) -> Result<Vec<ContainerFact>, String> {
    // With an id that it does not know the engine still answers for the others.
    match serde_json::from_slice::<Value>(stdout) {
        Ok(Value::Array(containers)) => Ok(containers.iter().map(|one| fact(one, now)).collect()),
        Ok(_) => Err("expected a list of containers, found something else".to_owned()),
        Err(error) => Err(format!("expected a list of containers: {error}")),
    }
}

fn fact(container: &Value, now: Duration) -> ContainerFact {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let state = &container["State"];
    let status = text(&state["Status"]);
    let has_ended = ["exited", "dead", "stopped"].contains(&status.as_str());
    let begun = if has_ended { "FinishedAt" } else { "StartedAt" };
    let exit_code = state["ExitCode"].as_i64().filter(|_| has_ended);
    // Podman names the image as it was typed here, Docker in the configuration.
    let image = [&container["ImageName"], &container["Config"]["Image"]];
    let image = image.into_iter().map(text).find(|image| !image.is_empty());
    let pid = state["Pid"].as_i64().filter(|pid| *pid > 0);
    ContainerFact {
        id: text(&container["Id"]),
        name: text(&container["Name"]).trim_start_matches('/').to_owned(),
        image: image.unwrap_or_default(),
        exit_code: exit_code.and_then(|code| i32::try_from(code).ok()),
        pid: pid.and_then(|pid| i32::try_from(pid).ok()),
        command: command(container),
        since: since_1970(&text(&state[begun])).map(|then| now.saturating_sub(then)),
        state: status,
        log: Vec::new(),
    }
}

/// The program and its arguments, as the engine puts them together of entry point and command.
fn command(container: &Value) -> String {
    let arguments = container["Args"].as_array().into_iter().flatten();
    let words = std::iter::once(&container["Path"]).chain(arguments);
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    words.join(" ")
}

/// A moment in the form of RFC 3339; `None` for what never was (the year 1).
pub fn since_1970(text: &str) -> Option<Duration> {
    let Datetime {
        date: Some(date),
        time: Some(time),
        offset: Some(offset),
    } = text.parse().ok()?
    else {
        return None;
    };
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_since_1970(
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let [hour, minute, second] = [time.hour, time.minute, time.second.unwrap_or(0)].map(i64::from);
    let seconds = ((days * 24 + hour) * 60 + minute - minutes) * 60 + second;
    let seconds = u64::try_from(seconds).ok()?;
    Some(Duration::new(seconds, time.nanosecond.unwrap_or(0)))
}

/// By Howard Hinnant's `days_from_civil`: years begin in March, 400 of them have 146097 days.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The last lines of a log, as people read it.
pub fn log_lines(output: &[u8], most: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(most);
    lines
        .iter()
        .skip(from)
        .map(|line| (*line).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Docker 20.10 by its own client and by that of 28.2; shortened to what is read and a little more.
    const DOCKER: &str = r#"[{
        "Id": "5f54ba425ce8f13a28c9aa1240f6fb00a887a00a79305678dea659ca3a1a42b1",
        "Created": "2026-11-21T14:21:55.665198707Z",
        "Path": "sh", "Args": ["-c", "echo one; echo two >&2; sleep 100"],
        "State": {"Status": "running", "Running": true, "Paused": false, "Restarting": false,
                  "OOMKilled": false, "Dead": false, "Pid": 29047, "ExitCode": 0, "Error": "",
                  "StartedAt": "2026-11-21T14:21:56.0423827Z", "FinishedAt": "0001-01-01T00:00:00Z"},
        "Image": "sha256:4fb6da34e89fae1cf3c5bdee8f98ad010d4ddeee3bfaf8994543476c32fe0a9b",
        "Name": "/lk",
        "Config": {"Image": "localhost/shakedown/base:1", "Cmd": ["sh"], "Entrypoint": null}}]"#;

    /// Podman 4.3.1, rootless.
    const PODMAN: &str = r#"[{
        "Id": "43419f4754d4730f6162bd0d027655ab66007ef62196ce4b42cb97450c9a8e1d",
        "Path": "sh", "Args": ["-c", "echo one; exit 3"],
        "State": {"OciVersion": "1.0.2-dev", "Status": "exited", "Running": false, "Pid": 0, "ExitCode": 3,
                  "Error": "", "StartedAt": "2026-11-21T14:21:56.973565931Z",
                  "FinishedAt": "2026-11-21T15:21:56.974427572+01:00",
                  "Health": {"Status": "", "FailingStreak": 0, "Log": null}},
        "Image": "8e6672831ec0bd73d9d07a4713d16ccc8d9d6b8e4a7d1d83e60f2f5f75375eee",
        "ImageName": "localhost/shakedown/base:1", "Name": "ladder-lk",
        "Config": {"Image": "localhost/shakedown/base:1", "Cmd": ["sh"], "Entrypoint": ""}}]"#;

    /// 2026-11-21T14:22:00Z
    const NOW: Duration = Duration::from_secs(1_795_270_920);

    #[track_caller]
    fn check(answer: &str, expected: &ContainerFact) {
        assert_eq!(facts(answer.as_bytes(), NOW), Ok(vec![expected.clone()]));
    }

    #[test]
    fn a_running_container_of_docker_is_read() {
        check(
            DOCKER,
            &ContainerFact {
                id: "5f54ba425ce8f13a28c9aa1240f6fb00a887a00a79305678dea659ca3a1a42b1".to_owned(),
                name: "lk".to_owned(),
                image: "localhost/shakedown/base:1".to_owned(),
                state: "running".to_owned(),
                exit_code: None,
                pid: Some(29047),
                command: "sh -c echo one; echo two >&2; sleep 100".to_owned(),
                since: Some(Duration::from_nanos(3_957_617_300)),
                log: Vec::new(),
            },
        );
    }

    #[test]
    fn a_container_of_podman_that_ended_is_read() {
        check(
            PODMAN,
            &ContainerFact {
                id: "43419f4754d4730f6162bd0d027655ab66007ef62196ce4b42cb97450c9a8e1d".to_owned(),
                name: "ladder-lk".to_owned(),
                image: "localhost/shakedown/base:1".to_owned(),
                state: "exited".to_owned(),
                exit_code: Some(3),
                pid: None,
                command: "sh -c echo one; exit 3".to_owned(),
                since: Some(Duration::from_nanos(3_025_572_428)),
                log: Vec::new(),
            },
        );
    }

    #[test]
    fn what_is_missing_stays_empty_and_what_is_no_list_is_an_error() {
        check("[{}]", &ContainerFact::default());
        assert_eq!(facts(b"[]", NOW), Ok(Vec::new()));
        for answer in ["", "null", "{}", "Error: no such container"] {
            assert!(facts(answer.as_bytes(), NOW).is_err(), "{answer}");
        }
    }

    #[test]
    fn moments_are_read_and_the_year_1_never_was() {
        let check = |text: &str, expected: Option<u64>| {
            let seconds = since_1970(text).map(|time| time.as_secs());
            assert_eq!(seconds, expected, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:00:00Z", Some(951_825_600));
        check("2026-11-21T14:22:00Z", Some(1_795_270_920));
        check("2026-11-21T09:22:00.5-05:00", Some(1_795_270_920));
        check("0001-01-01T00:00:00Z", None);
        check("yesterday", None);
        check("", None);
    }

    #[test]
    fn of_a_log_the_last_lines_are_kept() {
        assert_eq!(log_lines(b"a\nb\nc\n", 2), ["b", "c"]);
        assert_eq!(log_lines(b"", 2), [""; 0]);
    }
}
