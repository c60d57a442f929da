//! The talk on stderr, as goldens.

use super::written;
use crate::model::{
    Conclusion, ContainerFact, EngineKind, EngineState, Event, Evidence, Hold, Movement, Outcome,
    Policy, StillRunning, Verdict, samples,
};
use crate::report::{Look, Pretty, Talk, TalkLook, Volume, replay};

fn talk(look: TalkLook, events: &[Event]) -> String {
    written(Talk::new(look), events)
}

fn hanging() -> Vec<Event> {
    vec![
        samples::run_started(),
        samples::planned(1, "exit"),
        samples::engine(),
        samples::started(1),
        samples::ended(1, samples::hang()),
        samples::settled(1, Verdict::Hung, ""),
        samples::run_ended(Conclusion::Failed),
    ]
}

#[test]
fn a_hang_is_told_whole() {
    let look = TalkLook {
        record: ".shakedown/runs/toui5c-3mvz.jsonl".to_owned(),
        again: "shakedown report".to_owned(),
        ..TalkLook::default()
    };
    insta::assert_snapshot!(talk(look, &hanging()), @r#"
    engine podman 4.3.1 rootless, chosen by --engine
           storage overlay, runtime crun 1.8.1, network slirp4netns
    policy serial, the default for local Podman
    HANG   fixtures/exit.txtar:25   ! exec invowk cmd fail-command   41.8 s of 43.0 s
    WHY    exit: the line ran 41.8 s and nothing moved (deadline 43.0 s)
    TREE   4711 S invowk cmd fail-command   (in do_poll, used 0.1 s of processor time)
             4790 S /usr/bin/conmon --api-version 1   (in do_poll, used 0.1 s of processor time, serves the engine, left alone)
    HOST   podman 4.3.1 rootless, serial, 2 scripts at once, cpu stall 0 %, oom kills 1
    DONE   removed 1 container in 0.4 s; ended 2 processes: 1 by SIGTERM, 1 by SIGKILL
    LEAK   fixtures/exit.txtar:12   exec podman run -d img
           it ended, but its output is still open in process 4790, begun by line 12: /usr/bin/conmon --api-version 1
    LEFT   volume data of exit: volume is being used
           remove it: podman volume rm data
    run toui5c-3mvz: 1 hung in 44.9 s
      left behind: 1 resource; 1 output held open
      record: .shakedown/runs/toui5c-3mvz.jsonl   again: shakedown report toui5c-3mvz
    "#);
}

/// The same hang, worked out, in a run that can be repeated.
fn explained() -> Vec<Event> {
    let mut events = hanging();
    if let Event::RunStarted(facts) = &mut events[0] {
        facts.repeat = ["shakedown", "run", "my scripts", "--exact", "--"]
            .map(str::to_owned)
            .to_vec();
    }
    events[4] = samples::ended(1, samples::explained());
    events
}

#[test]
fn a_hang_that_is_understood_is_told_in_one_sentence_and_its_chain() {
    insta::assert_snapshot!(talk(TalkLook::default(), &explained()), @r#"
    engine podman 4.3.1 rootless, chosen by --engine
           storage overlay, runtime crun 1.8.1, network slirp4netns
    policy serial, the default for local Podman
    HANG   fixtures/exit.txtar:25   ! exec invowk cmd fail-command   41.8 s of 43.0 s   class: hang/pipe-held
    WHY    exit: invowk (4711) waits for the end of pipe:[2661273], which conmon (4790) holds open for writing as descriptor 9
           the line ran 41.8 s and nothing moved (deadline 43.0 s)
    WAITS  invowk 4711 reads pipe:[2661273] (descriptor 7), empty
             goroutine 1 [chan receive] os/exec.(*Cmd).Wait < main.main
             held by conmon 4790, descriptor 9, which waits for its container c0ffee12
    TREE   4711 invowk cmd fail-command S
           4790 conmon --api-version 1 S 42.7 s (adopted: left its parent, serves the engine, left alone)
    GAPS   stack of 4790: not permitted (ptrace_scope=2)
    HOST   podman 4.3.1 rootless, serial, 2 scripts at once, cpu stall 31 %, oom kills 1, disk 11 GB free
    NEXT   repeat: shakedown run 'my scripts' --exact -- exit
           likely: a descriptor other than 0-2 leaks into `podman run -d`; close it
    DONE   removed 1 container in 0.4 s; SIGTERM to 2 processes, 1 left after 3.0 s; SIGKILL to 1 process (0.1 s); full report: .shakedown/hangs/toui5c-3mvz-exit-1.1.1.json
    LEAK   fixtures/exit.txtar:12   exec podman run -d img
           it ended, but its output is still open in process 4790, descriptor 9, begun by line 12: /usr/bin/conmon --api-version 1
    LEFT   volume data of exit: volume is being used
           remove it: podman volume rm data
    run toui5c-3mvz: 1 hung in 44.9 s
      left behind: 1 resource; 1 output held open
    "#);
}

#[test]
fn what_runs_is_told_when_somebody_asks() {
    let hang = samples::explained();
    let Outcome::TimedOut(timeout) = hang.outcome else {
        panic!("a hang")
    };
    let look = crate::model::Look {
        place: timeout.place.clone(),
        line_elapsed: std::time::Duration::from_millis(12_300),
        charged: std::time::Duration::from_secs(14),
        deadline: std::time::Duration::from_secs(180),
        evidence: timeout.evidence.clone(),
        why: None,
    };
    let attempt = samples::attempt(1, 1);
    let events = [
        samples::planned(1, "exit"),
        Event::AttemptSeen {
            attempt,
            look: Box::new(look),
        },
    ];
    insta::assert_snapshot!(talk(TalkLook::default(), &events), @r#"
    LOOK   fixtures/exit.txtar:25   ! exec invowk cmd fail-command   12.3 s, in all 14.0 s of 3 min
    WHY    exit: the line has run 12.3 s
    TREE   4711 S invowk cmd fail-command   (in do_poll, used 0.1 s of processor time)
             4790 S /usr/bin/conmon --api-version 1   (in do_poll, used 0.1 s of processor time, serves the engine, left alone)
    GAPS   stack of 4790: not permitted (ptrace_scope=2)
    "#);
}

#[test]
fn what_is_kept_alive_is_told_with_the_ways_to_attach() {
    let hang = samples::explained();
    let Outcome::TimedOut(mut timeout) = hang.outcome else {
        panic!("a hang")
    };
    if let Evidence::Seen(scene) = &mut timeout.evidence {
        scene.containers = vec![ContainerFact {
            id: "c0ffee12c0ffee12c0ffee12".to_owned(),
            name: "lk".to_owned(),
            state: "running".to_owned(),
            ..ContainerFact::default()
        }];
    }
    let hold = Hold {
        work_dir: "/tmp/a b/script-exit".to_owned(),
        slot_pid: 4000,
    };
    let events = [
        samples::planned(1, "exit"),
        samples::engine(),
        Event::AttemptHung {
            attempt: samples::attempt(1, 1),
            timeout,
            hold,
        },
    ];
    insta::assert_snapshot!(talk(TalkLook::default(), &events), @r#"
    engine podman 4.3.1 rootless, chosen by --engine
           storage overlay, runtime crun 1.8.1, network slirp4netns
    policy serial, the default for local Podman
    HANG   fixtures/exit.txtar:25   ! exec invowk cmd fail-command   41.8 s of 43.0 s   class: hang/pipe-held
    WHY    exit: invowk (4711) waits for the end of pipe:[2661273], which conmon (4790) holds open for writing as descriptor 9
           the line ran 41.8 s and nothing moved (deadline 43.0 s)
    WAITS  invowk 4711 reads pipe:[2661273] (descriptor 7), empty
             goroutine 1 [chan receive] os/exec.(*Cmd).Wait < main.main
             held by conmon 4790, descriptor 9, which waits for its container c0ffee12
    TREE   4711 invowk cmd fail-command S
           4790 conmon --api-version 1 S 42.7 s (adopted: left its parent, serves the engine, left alone)
    GAPS   stack of 4790: not permitted (ptrace_scope=2)
    HOLD   everything is kept alive; Enter ends this script, Ctrl-C the run
           cd '/tmp/a b/script-exit'
           gdb -p 4711   # invowk cmd fail-command
           podman exec -it c0ffee12c0ff sh   # lk
           the worker process is 4000
    "#);
}

#[test]
fn a_log_without_a_terminal_hears_what_still_runs() {
    let running = |trial, seconds, line| StillRunning {
        attempt: samples::attempt(trial, 1),
        elapsed: std::time::Duration::from_secs(seconds),
        place: Some(samples::place(line, "exec sleep 9")),
    };
    let events = [
        samples::planned(1, "exit"),
        samples::planned(2, "env"),
        Event::Heartbeat {
            running: vec![running(1, 125, 25), running(2, 61, 0)],
        },
    ];
    let told = "still running: exit (2 min 5 s, fixtures/exit.txtar:25); env (61.0 s)\n";
    let terminal = TalkLook {
        width: Some(80),
        ..TalkLook::default()
    };
    for (look, expected) in [(TalkLook::default(), told), (terminal, "")] {
        assert_eq!(talk(look, &events), expected);
    }
}

#[test]
fn under_nextest_a_failure_begins_with_an_error_line_and_its_story_follows() {
    let look = TalkLook {
        nextest: true,
        volume: Volume::Quiet,
        ..TalkLook::default()
    };
    let text = talk(look, &hanging());
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "Error: hung: fixtures/exit.txtar:25: `! exec invowk cmd fail-command` ran 41.8 s and nothing moved (deadline 43.0 s)"
        )
    );
    assert!(
        lines.next().is_some_and(|line| line.starts_with("HANG   ")),
        "{text}"
    );
}

#[test]
fn a_trial_that_passes_is_not_spoken_of() {
    let events = [
        samples::planned(1, "exit"),
        samples::ended(1, samples::report(Outcome::Passed, "log")),
        samples::settled(1, Verdict::Passed, ""),
    ];
    assert_eq!(talk(TalkLook::default(), &events), "");
}

#[test]
fn a_quiet_talk_says_nothing_of_a_run_without_fault() {
    let look = TalkLook {
        volume: Volume::Quiet,
        ..TalkLook::default()
    };
    let events = [
        samples::run_started(),
        samples::planned(1, "exit"),
        samples::engine(),
        samples::settled(1, Verdict::Passed, ""),
        samples::run_ended(Conclusion::Passed),
    ];
    assert_eq!(talk(look, &events), "");
}

#[test]
fn every_kind_of_event_has_its_words() {
    let mut events = samples::every_kind();
    // The hang is told in a test of its own.
    events.retain(|event| !matches!(event, Event::AttemptEnded { .. }));
    let look = TalkLook {
        volume: Volume::Verbose,
        ..TalkLook::default()
    };
    insta::assert_snapshot!(talk(look, &events), @r#"
    engine podman 4.3.1 rootless, chosen by --engine
           storage overlay, runtime crun 1.8.1, network slirp4netns
    policy serial, the default for local Podman
    engine none: the container lane is left out
           docker: no such program
    held   exit runs `podman ps -a` outside the container lane; it waits its turn, on no deadline
           hint: add `#: container = true` to fixtures/exit.txtar
    exit goes on after 3.2 s of waiting for the engine
    worker 1 was replaced: it adopted engine helpers
    SIGINT: ending what runs
    warning: the disk is nearly full
    run toui5c-3mvz: 1 hung in 44.9 s
      exit was held for 3.2 s: add `#: container = true` to fixtures/exit.txtar
    "#);
}

#[test]
fn faults_and_doubts_and_survivors_are_told() {
    let mut hang = samples::hang();
    if let Outcome::TimedOut(timeout) = &mut hang.outcome {
        timeout.movement = Movement::Unknown {
            why: "ptrace_scope=2".to_owned(),
        };
        timeout.evidence = Evidence::Unavailable {
            why: "no /proc".to_owned(),
        };
    }
    hang.ended[1].how = crate::model::How::Survived;
    hang.leaks[0].holders.clear();
    hang.cleanup.kept = hang.cleanup.removed.split_off(0);
    let events = [
        samples::planned(1, "exit"),
        samples::ended(1, hang),
        samples::ended(1, samples::report(samples::faulted(), "")),
    ];
    insta::assert_snapshot!(talk(TalkLook::default(), &events), @r#"
    LATE   fixtures/exit.txtar:25   ! exec invowk cmd fail-command   41.8 s of 43.0 s
    WHY    exit: the line ran 41.8 s and whether anything moved is unknown, for ptrace_scope=2 (deadline 43.0 s)
    TREE   unknown: no /proc
    HOST   cpu stall 0 %, oom kills 1
    DONE   ended 1 process by SIGTERM
    LEFT   process 4712 of exit cannot be killed: sh -c trap
    LEAK   fixtures/exit.txtar:12   exec podman run -d img
           it ended, but its output is still open; who holds it is unknown
    LEFT   volume data of exit: volume is being used
           remove it: podman volume rm data
    KEPT   1 container of exit
    FAULT  exit: fault of the engine: the engine did not answer within 10 s
           Cannot connect to the Docker daemon
    "#);
}

#[test]
fn docker_that_is_podman_is_called_by_both_names() {
    let mut facts = samples::podman();
    facts.kind = EngineKind::Docker;
    facts.remote = true;
    facts.client_version = "20.10.24".to_owned();
    facts.endpoint = "unix:///run/podman/podman.sock".to_owned();
    let event = Event::Engine(EngineState::Selected {
        facts: Box::new(facts),
        policy: Policy::Gated,
        reason: "chosen by --policy".to_owned(),
        images: std::collections::BTreeMap::new(),
    });
    insta::assert_snapshot!(talk(TalkLook::default(), &[event]), @r#"
    engine docker served by podman 4.3.1 rootless (client 20.10.24) behind a socket, chosen by --engine
           storage overlay, runtime crun 1.8.1, network slirp4netns, at unix:///run/podman/podman.sock
    policy gated, chosen by --policy
    "#);
}

#[test]
fn a_replayed_record_gives_the_same_text() {
    let events: Vec<_> = hanging()
        .into_iter()
        .map(|event| (std::time::Duration::ZERO, event))
        .collect();
    let mut out = Vec::new();
    replay(&events, &mut Talk::new(TalkLook::default()), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        talk(TalkLook::default(), &hanging())
    );
}

#[test]
fn a_process_line_is_cut_at_the_edge_of_a_terminal() {
    let look = TalkLook {
        width: Some(40),
        ..TalkLook::default()
    };
    let text = talk(look, &hanging());
    let tree = text
        .lines()
        .find(|line| line.starts_with("TREE"))
        .expect("a tree");
    assert_eq!(tree.chars().count(), 40, "{tree}");
}

#[test]
fn a_part_of_a_suite_says_which_part_it_is() {
    let mut facts = crate::model::ShardFacts {
        index: 2,
        total: 4,
        origin: "CI_NODE_INDEX".to_owned(),
        scripts: 31,
        of: 122,
        estimate: Some(std::time::Duration::from_millis(372_900)),
        digest: "cbf29ce484222325".to_owned(),
    };
    let told = |facts: &crate::model::ShardFacts| {
        let mut events = vec![samples::run_started()];
        if let Event::RunStarted(run) = &mut events[0] {
            run.shard = Some(facts.clone());
        }
        talk(TalkLook::default(), &events)
    };
    let expected =
        "shard  2/4 (from CI_NODE_INDEX): 31 of 122 scripts, est. 6m12s, digest cbf29ce484222325\n";
    assert!(told(&facts).starts_with(expected), "{}", told(&facts));
    facts.estimate = None;
    let expected = "shard  2/4 (from CI_NODE_INDEX): 31 of 122 scripts, divided by name, digest cbf29ce484222325\n";
    assert!(told(&facts).starts_with(expected), "{}", told(&facts));
}

#[test]
fn the_record_of_a_killed_run_is_told_to_its_last_word() {
    let events: Vec<_> = hanging()
        .into_iter()
        .take(4)
        .map(|event| (std::time::Duration::from_secs(5), event))
        .collect();
    let mut out = Vec::new();
    replay(&events, &mut Talk::new(TalkLook::default()), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let end = "warning: the record has no end: the run was killed, or is still going on\n\
               run toui5c-3mvz: 1 not run in 5.0 s\n";
    assert!(text.ends_with(end), "{text}");
    let mut out = Vec::new();
    replay(&events, &mut Pretty::report(Look::default()), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let why = "---- exit stdout ----\nnot run: the record ends while it ran\n";
    assert!(text.contains(why), "{text}");
}

#[test]
fn what_goes_on_is_a_note_and_what_went_wrong_a_warning() {
    let message = "waiting for podman, which is used by\nsomebody".to_owned();
    let said = written(Talk::new(TalkLook::default()), &[Event::Note { message }]);
    assert_eq!(
        said,
        "note: waiting for podman, which is used by\\nsomebody\n"
    );
}
