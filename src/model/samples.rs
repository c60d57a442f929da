//! A made-up run with one event of every kind, for the tests of whoever folds or stores events.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Again, Artefacts, AttemptId, AttemptReport, AttemptStart, Bearing, Bytes, Cleanup, Conclusion,
    EndedProcess, EngineCall, EngineFacts, EngineKind, EngineState, Event, Evidence, FailedProgram,
    Failure, FailureKind, Fault, FaultKind, Gap, HangClass, How, Judgement, Known, LadderStep,
    Lane, Leak, Leftover, MachineDelta, MachineNow, Movement, Outcome, Place, Policy, ProcessFact,
    Quarantined, Resource, ResourceKind, RunFacts, Rung, Scene, SlotId, Spread, Tally, Timeout,
    Timings, Tool, TrialFacts, TroubleClass, Verdict, Why,
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
        shuffled: false,
        seed: 7,
        filtered_out: 3,
        width: 2,
        repeat: Vec::new(),
        shard: None,
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
        storage_root: String::new(),
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
        quoted: Vec::new(),
        samples: Vec::new(),
        ladder: Vec::new(),
        hang_file: String::new(),
        failed: None,
    }
}

/// An attempt that failed by a direct call of this engine, with these words.
pub(crate) fn called(engine: EngineKind, command: &str, exit: i32, stderr: &str) -> AttemptReport {
    AttemptReport {
        engine_calls: 1,
        failed: Some(FailedProgram {
            exit: Some(exit),
            signal: None,
            stderr: Bytes::from(stderr),
            call: Some(EngineCall {
                engine,
                command: command.to_owned(),
                direct: true,
            }),
        }),
        ..report(failed("unexpected command failure"), "")
    }
}

pub(crate) fn ended(trial: u32, report: AttemptReport) -> Event {
    Event::AttemptEnded {
        attempt: attempt(trial, 1),
        report: Box::new(report),
        judgement: None,
    }
}

pub(crate) fn settled(trial: u32, verdict: Verdict, reason: &str) -> Event {
    Event::settled(trial, verdict, reason.to_owned())
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
        age: None,
        line: 0,
        adopted: false,
        container: String::new(),
    };
    Timeout {
        place: place(25, "! exec invowk cmd fail-command"),
        line_elapsed: Duration::from_millis(41_800),
        deadline: Duration::from_secs(43),
        movement: Movement::Still,
        evidence: Evidence::Seen(Box::new(Scene {
            processes: vec![
                process(4711, 100, "invowk cmd fail-command", false),
                process(4790, 4711, "/usr/bin/conmon --api-version 1", true),
            ],
            ..Scene::default()
        })),
        why: None,
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
        unconfirmed: Vec::new(),
        unlabelled: Vec::new(),
        duration: Duration::from_millis(400),
    }
}

/// A hang with everything that can be said of one.
pub(crate) fn hang() -> AttemptReport {
    let ended = |pid, command: &str, how| EndedProcess::new(pid, command.to_owned(), how);
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
            descriptors: Vec::new(),
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

/// The same hang with everything worked out: the seeds' case.
pub(crate) fn explained() -> AttemptReport {
    let mut report = hang();
    let Outcome::TimedOut(timeout) = &mut report.outcome else {
        unreachable!("a hang is timed out")
    };
    timeout.why = Some(why());
    if let Evidence::Seen(scene) = &mut timeout.evidence {
        scene.gaps = vec![Gap {
            what: "stack of 4790".to_owned(),
            why: "not permitted (ptrace_scope=2)".to_owned(),
        }];
        scene.machine = Some(MachineNow {
            disk_free_bytes: Some(11_400_000_000),
            ..MachineNow::default()
        });
        scene.processes[1].adopted = true;
        scene.processes[1].age = Some(Duration::from_millis(42_700));
    }
    let step = |at, took, rung| LadderStep {
        at: Duration::from_millis(at),
        took: Duration::from_millis(took),
        rung,
    };
    let limit = Duration::from_secs(3);
    report.ladder = vec![
        step(
            0,
            80,
            Rung::Evidence {
                processes: 2,
                gaps: 1,
            },
        ),
        step(
            80,
            200,
            Rung::Engine {
                containers: 1,
                gaps: 0,
            },
        ),
        step(280, 400, Rung::Containers { removed: 1 }),
        step(680, 3000, Rung::Terminate { processes: 2 }),
        step(680, 3000, Rung::Grace { limit, left: 1 }),
        step(
            3680,
            100,
            Rung::Kill {
                processes: 1,
                rounds: 2,
            },
        ),
    ];
    report.machine.cpu_stall_us = Some(13_547_000);
    report.hang_file = ".shakedown/hangs/toui5c-3mvz-exit-1.1.1.json".to_owned();
    report.leaks[0].descriptors = vec![(4790, 9)];
    report
}

fn why() -> Why {
    Why {
        class: HangClass::PipeHeld,
        sentence: "invowk (4711) waits for the end of pipe:[2661273], which conmon (4790) holds open for writing as descriptor 9".to_owned(),
        subject: Some(4711),
        holder: Some(4790),
        resource: "pipe:[2661273]".to_owned(),
        waits: vec![
            "invowk 4711 reads pipe:[2661273] (descriptor 7), empty".to_owned(),
            "  goroutine 1 [chan receive] os/exec.(*Cmd).Wait < main.main".to_owned(),
            "  held by conmon 4790, descriptor 9, which waits for its container c0ffee12".to_owned(),
        ],
        hint: "a descriptor other than 0-2 leaks into `podman run -d`; close it".to_owned(),
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

/// What is told of tries and laps.
pub(crate) fn tried() -> Vec<Event> {
    let report = called(EngineKind::Podman, "build", 125, "Error: layer not known\n");
    let judgement = Judgement {
        verdict: Verdict::Failed,
        kind: "podman-layer-not-known".to_owned(),
        known: Some(Known {
            signature: "podman-layer-not-known".to_owned(),
            class: TroubleClass::StaleState,
            cause: "a layer was removed under a reader".to_owned(),
            remedy: "one more try".to_owned(),
        }),
        again: Some(Again {
            after: Duration::from_millis(612),
            why: "it may pass by itself".to_owned(),
            for_signature: true,
        }),
        refused: String::new(),
    };
    let tally = Tally {
        laps: 20,
        passed: 18,
        flaky: 1,
        skipped: 0,
        kinds: vec![FailureKind {
            kind: "hang/pipe-held".to_owned(),
            laps: 2,
            first: attempt(1, 1),
            artefacts: Artefacts {
                hang_file: "hangs/a.json".to_owned(),
                ..Artefacts::default()
            },
        }],
        rate: (0.698_964, 0.972_132),
        fails_below: None,
        took: Some(Spread {
            median: Duration::from_secs(1),
            p90: Duration::from_secs(2),
            longest: Duration::from_secs(3),
        }),
    };
    vec![
        Event::AttemptEnded {
            attempt: attempt(1, 1),
            report: Box::new(report),
            judgement: Some(Box::new(judgement)),
        },
        Event::TrialSettled {
            trial: 1,
            verdict: Verdict::Hung,
            reason: String::new(),
            bearing: Bearing::Quarantined(Quarantined {
                reason: "DNS".to_owned(),
                issue: "example/project#7".to_owned(),
                until: "2026-12-31".to_owned(),
            }),
            tally: Some(Box::new(tally)),
        },
    ]
}
