//! A made-up run with one event of every kind, for the tests of whoever folds or stores events.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    AttemptId, AttemptReport, AttemptStart, Bytes, Cleanup, Conclusion, EndedProcess, EngineFacts,
    EngineKind, EngineState, Event, Evidence, Failure, Fault, FaultKind, How, Lane, Leak, Leftover,
    MachineDelta, Movement, Outcome, Place, Policy, ProcessFact, Resource, ResourceKind, RunFacts,
    SlotId, Timeout, Timings, Tool, TrialFacts, Verdict,
};

pub(crate) fn run_started() -> Event {
    Event::RunStarted(Box::new(RunFacts {
        version: Event::VERSION,
        writer: "shakedown 0.1.0".to_owned(),
        run: "toui5c-3mvz".parse().unwrap(),
        arguments: vec!["--engine".to_owned(), "podman".to_owned()],
        host: "ship".to_owned(),
        arch: "x86_64".to_owned(),
        kernel: "Linux 6.1.0".to_owned(),
        cores: 2,
        commit: "1f3c9e2".to_owned(),
        config_hash: "00ff".to_owned(),
        seed: 7,
        filtered_out: 3,
        width: 2,
    }))
}

pub(crate) fn planned(trial: u32, name: &str) -> Event {
    Event::TrialPlanned(TrialFacts {
        trial,
        name: name.to_owned(),
        file: format!("fixtures/{name}.txtar"),
        lane: Lane::Container,
        script_hash: "c0ffee".to_owned(),
        ignored: String::new(),
    })
}

pub(crate) fn podman() -> EngineFacts {
    let tool = |name: &str, version: &str| Tool {
        name: name.to_owned(),
        version: version.to_owned(),
        path: String::new(),
    };
    EngineFacts {
        kind: EngineKind::Podman,
        client: "/usr/bin/podman".to_owned(),
        client_version: "4.3.1".to_owned(),
        version: "4.3.1".to_owned(),
        server: EngineKind::Podman,
        remote: false,
        rootless: true,
        storage_driver: "overlay".to_owned(),
        oci_runtime: tool("crun", "1.8.1"),
        network_helper: tool("slirp4netns", ""),
        endpoint: String::new(),
        identity: "podman:/home/ship/.local/share/containers/storage".to_owned(),
        reason: "chosen by --engine".to_owned(),
    }
}

pub(crate) fn engine() -> Event {
    Event::Engine(EngineState::Selected {
        facts: Box::new(podman()),
        policy: Policy::Serial,
        reason: "the default for local Podman".to_owned(),
        images: BTreeMap::from([("debian:stable-slim".to_owned(), "sha256:beef".to_owned())]),
    })
}

pub(crate) fn attempt(trial: u32, attempt: u32) -> AttemptId {
    AttemptId {
        trial,
        lap: 1,
        attempt,
    }
}

pub(crate) fn started(trial: u32) -> Event {
    Event::AttemptStarted(AttemptStart {
        attempt: attempt(trial, 1),
        slot: SlotId(1),
        lane: Lane::Container,
        parallelism: 2,
        order: trial,
        deadline: Duration::from_secs(43),
    })
}

pub(crate) fn report(outcome: Outcome, log: &str) -> AttemptReport {
    AttemptReport {
        outcome,
        log: Bytes::from(log),
        log_file: String::new(),
        timings: Timings {
            script: Duration::from_millis(1250),
            held: Duration::ZERO,
            ladder: Duration::ZERO,
        },
        cleanup: Cleanup::default(),
        ended: Vec::new(),
        leaks: Vec::new(),
        engine_calls: 0,
        machine: MachineDelta::default(),
        work_dir: String::new(),
        updated: String::new(),
    }
}

pub(crate) fn ended(trial: u32, report: AttemptReport) -> Event {
    Event::AttemptEnded {
        attempt: attempt(trial, 1),
        report: Box::new(report),
    }
}

pub(crate) fn settled(trial: u32, verdict: Verdict, reason: &str) -> Event {
    Event::TrialSettled {
        trial,
        verdict,
        reason: reason.to_owned(),
    }
}

pub(crate) fn run_ended(conclusion: Conclusion) -> Event {
    Event::RunEnded {
        conclusion,
        duration: Duration::from_millis(44_900),
    }
}

pub(crate) fn place(line: u32, text: &str) -> Place {
    Place {
        file: "fixtures/exit.txtar".to_owned(),
        line,
        text: Bytes::from(text),
    }
}

pub(crate) fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure {
        place: place(3, "exec false"),
        message: message.into(),
    })
}

pub(crate) fn faulted() -> Outcome {
    Outcome::Faulted(Fault {
        kind: FaultKind::Engine,
        message: "the engine did not answer within 10 s".to_owned(),
        detail: Bytes::from("Cannot connect to the Docker daemon\n"),
    })
}

fn timeout() -> Timeout {
    let process = |pid, parent, command: &str, engine_helper| ProcessFact {
        pid,
        parent,
        state: 'S',
        command: command.to_owned(),
        wchan: "do_poll".to_owned(),
        cpu: Duration::from_millis(100),
        io_bytes: Some(42),
        engine_helper,
    };
    Timeout {
        place: place(25, "! exec invowk cmd fail-command"),
        line_elapsed: Duration::from_millis(41_800),
        deadline: Duration::from_secs(43),
        movement: Movement::Still,
        evidence: Evidence::Seen {
            processes: vec![
                process(4711, 100, "invowk cmd fail-command", false),
                process(4790, 4711, "/usr/bin/conmon --api-version 1", true),
            ],
        },
    }
}

fn cleanup() -> Cleanup {
    let resource = |kind, id: &str, name: &str| Resource {
        kind,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    Cleanup {
        removed: vec![resource(ResourceKind::Container, "c0ffee12", "lk")],
        gone: vec![resource(ResourceKind::Network, "aa11", "net")],
        kept: Vec::new(),
        leftovers: vec![Leftover {
            resource: resource(ResourceKind::Volume, "data", ""),
            why: "volume is being used".to_owned(),
            remedy: "podman volume rm data".to_owned(),
        }],
        duration: Duration::from_millis(400),
    }
}

/// A hang with everything that can be said of one.
pub(crate) fn hang() -> AttemptReport {
    let ended = |pid, command: &str, how| EndedProcess {
        pid,
        command: command.to_owned(),
        how,
    };
    AttemptReport {
        timings: Timings {
            script: Duration::from_secs(43),
            held: Duration::from_millis(500),
            ladder: Duration::from_millis(700),
        },
        cleanup: cleanup(),
        ended: vec![
            ended(4711, "invowk cmd fail-command", How::Terminated),
            ended(4712, "sh -c trap", How::Killed),
        ],
        leaks: vec![Leak {
            place: place(12, "exec podman run -d img"),
            holders: vec![(4790, "/usr/bin/conmon --api-version 1".to_owned())],
        }],
        engine_calls: 4,
        machine: MachineDelta {
            cpu_stall_us: Some(12),
            memory_stall_us: None,
            io_stall_us: Some(0),
            oom_kills: Some(1),
            disk_free_bytes: Some(-4096),
        },
        ..report(
            Outcome::TimedOut(Box::new(timeout())),
            "> ! exec invowk cmd fail-command\n",
        )
    }
}

/// One event of every kind, as a run might bring them.
pub(crate) fn every_kind() -> Vec<Event> {
    vec![
        run_started(),
        planned(1, "exit"),
        engine(),
        Event::Engine(EngineState::Missing {
            why: vec!["docker: no such program".to_owned()],
        }),
        started(1),
        Event::AttemptHeld {
            attempt: attempt(1, 1),
            command: "podman ps -a".to_owned(),
        },
        Event::AttemptAdmitted {
            attempt: attempt(1, 1),
            waited: Duration::from_millis(3200),
        },
        Event::Programs {
            hashes: BTreeMap::from([("invowk".to_owned(), "ab12".to_owned())]),
            arch: "x86_64".to_owned(),
        },
        ended(1, hang()),
        settled(1, Verdict::Hung, ""),
        Event::SlotReplaced {
            slot: SlotId(1),
            why: "it adopted engine helpers".to_owned(),
        },
        Event::Cancelled { signal: 2 },
        Event::Warning {
            message: "the disk is nearly full".to_owned(),
        },
        run_ended(Conclusion::Interrupted { signal: 2 }),
    ]
}
