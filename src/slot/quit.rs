//! SIGQUIT to Go programs whose goroutines could not be read: they print them and end. One process at a time,
//! the root of the tree first, before anything else is touched, so that the stacks are those of the hang.
//!
//! Never to an attached client of an engine: it would hand the signal on to its container.

use std::time::Duration;

use super::watch::Watch;
use crate::diagnose::stacks;
use crate::engine::helpers;
use crate::host::reaper::Reap;
use crate::host::{clock, procfs};
use crate::model::{Evidence, Outcome, ProcessFact, Rung, Scene, StackKind};

/// How long a program may take to print its stacks.
const DUMP: Duration = Duration::from_secs(1);
/// One look every so often whether it has ended.
const PULSE: Duration = Duration::from_millis(5);

/// Who is to print its stacks: the script's own Go programs of whom no goroutine was read, and for whom a gap
/// says so.
fn silent<'s>(scene: &'s Scene, is_go: &dyn Fn(i32) -> bool) -> Vec<&'s ProcessFact> {
    let is_missing = |pid: i32| {
        let what = format!("stacks of {pid}");
        let read =
            |stack: &crate::model::Stack| stack.pid == pid && stack.kind == StackKind::Goroutine;
        scene.gaps.iter().any(|gap| gap.what == what) && !scene.stacks.iter().any(read)
    };
    scene
        .processes
        .iter()
        .filter(|process| !process.engine_helper && process.container.is_empty())
        .filter(|process| !helpers::is_attached(&process.command))
        .filter(|process| is_missing(process.pid) && is_go(process.pid))
        .collect()
}

impl Watch<'_, '_> {
    /// Lets them print, each within its time and all within the ladder's.
    pub(super) fn ask_for_stacks(&mut self) {
        let Some(Outcome::TimedOut(timeout)) = &self.verdict else {
            return;
        };
        let Evidence::Seen(scene) = &timeout.evidence else {
            return;
        };
        let silent: Vec<(i32, String)> = silent(scene, &stacks::is_go)
            .into_iter()
            .map(|process| (process.pid, process.command.clone()))
            .collect();
        for (pid, command) in silent {
            let begun = clock::now();
            let limit = self.left_for(DUMP);
            let Some(process) = procfs::process(pid).filter(|_| !limit.is_zero()) else {
                continue;
            };
            // The number may have passed to another process.
            if process.command() != command
                || process.state == 'Z'
                || !procfs::signal(&process, libc::SIGQUIT)
            {
                continue;
            }
            let lives = || procfs::process(pid).is_some_and(|now| now.state != 'Z');
            let mut ended = !lives();
            while !ended && clock::now() - begun < limit {
                self.turn(Some(PULSE), Reap::All);
                ended = !lives();
            }
            self.step(
                begun,
                Rung::Quit {
                    pid,
                    command,
                    ended,
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Gap, Stack};

    fn scene(commands: &[&str]) -> Scene {
        let mut scene = Scene::default();
        for (pid, command) in (1..).zip(commands) {
            scene.processes.push(ProcessFact {
                pid,
                command: (*command).to_owned(),
                ..ProcessFact::default()
            });
            scene.gaps.push(Gap {
                what: format!("stacks of {pid}"),
                why: "layout unknown: go1.99: g.sched".to_owned(),
            });
        }
        scene
    }

    /// Of these Go programs, whose goroutines are unknown, these are asked.
    #[track_caller]
    fn check(commands: &[&str], asked: &[i32]) {
        let scene = scene(commands);
        let pids: Vec<i32> = silent(&scene, &|_| true).iter().map(|p| p.pid).collect();
        assert_eq!(pids, asked, "{commands:?}");
    }

    #[test]
    fn an_attached_client_of_an_engine_is_never_sent_a_signal() {
        check(&["invowk cmd build", "/usr/bin/other"], &[1, 2]);
        for attached in [
            "docker run --rm base true",
            "/usr/bin/podman run -d base",
            "docker --context far container run base",
            "docker exec -it one sh",
            "podman start -a one",
            "podman start --attach one",
            "docker attach one",
            "docker compose up",
            "/usr/libexec/docker/cli-plugins/docker-compose compose up",
        ] {
            check(&["invowk cmd build", attached], &[1]);
        }
        for detached in [
            "docker ps -a",
            "podman start one",
            "docker run --sig-proxy=false base",
        ] {
            check(&[detached], &[1]);
        }
    }

    #[test]
    fn only_go_programs_that_could_not_be_read_are_asked() {
        let mut scene = scene(&["a", "b", "c", "d", "e"]);
        scene.gaps.remove(0);
        scene.stacks.push(Stack {
            pid: 2,
            thread: 1,
            kind: StackKind::Goroutine,
            state: String::new(),
            frames: Vec::new(),
            stopped: None,
        });
        scene.processes[2].engine_helper = true;
        let pids: Vec<i32> = silent(&scene, &|pid| pid != 4)
            .iter()
            .map(|p| p.pid)
            .collect();
        assert_eq!(pids, [5]);
    }
}
