//! The script's processes: what each is, its age, its container, and last of all the command lines.

use std::collections::BTreeMap;

use super::{Enough, Say, Subject};
use crate::diagnose::Around;
use crate::engine::helpers;
use crate::host::procfs::{Proc, Process};
use crate::model::{Finding, ProcessFact};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let proc = &subject.proc;
    let mut found = Vec::new();
    for process in proc.bare_descendants(subject.slot) {
        let fact = fact(proc, &process);
        say.say(Finding::Process(fact.clone()))?;
        found.push((process, fact));
    }
    for (process, bare) in &mut found {
        process.words = proc.words(process.pid);
        say.say(Finding::Process(ProcessFact {
            command: process.command(),
            engine_helper: helpers::serves_others(process),
            ..bare.clone()
        }))?;
    }
    Ok(())
}

/// What is known of a process by itself.
pub(super) fn fact(proc: &Proc, process: &Process) -> ProcessFact {
    let age = proc.uptime();
    ProcessFact {
        pid: process.pid,
        parent: process.parent,
        state: process.state,
        command: process.command(),
        wchan: proc.wait_channel(process.pid),
        cpu: process.cpu,
        io_bytes: proc.io_bytes(process.pid).ok(),
        engine_helper: helpers::serves_others(process),
        age: age.map(|uptime| uptime.saturating_sub(process.started_at())),
        line: 0,
        adopted: false,
        container: container(&proc.control_groups(process.pid).unwrap_or_default()),
    }
}

/// Says for each process which line of the script it comes from, and whether it lost its parent. The kernel knows
/// neither: a line's own process is known, its descendants follow from it, and so does its process group, in which
/// orphans remain.
pub(in crate::diagnose) fn place(proc: &Proc, processes: &mut [ProcessFact], around: Around<'_>) {
    let mut lines: BTreeMap<i32, u32> = BTreeMap::new();
    for process in processes {
        let of = |pid: i32| {
            around
                .started
                .get(&pid)
                .or_else(|| lines.get(&pid))
                .copied()
        };
        let group = || proc.bare_process(process.pid).ok().map(|known| known.group);
        let line = of(process.pid)
            .or_else(|| of(process.parent))
            .or_else(|| of(group()?));
        process.line = line.unwrap_or_default();
        process.adopted =
            process.parent == around.slot && !around.started.contains_key(&process.pid);
        lines.extend(line.map(|line| (process.pid, line)));
    }
}

/// The container that a control group belongs to: engines put the id of 64 hexadecimal digits into its
/// path. What watches the container (`libpod-conmon-ID.scope`) is outside of it.
fn container(groups: &str) -> String {
    let id = |part: &str| {
        let name = part.strip_suffix(".scope").unwrap_or(part);
        let id = name.rsplit('-').next().unwrap_or(name);
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_id && !name.contains("conmon")).then(|| id.to_owned())
    };
    groups
        .lines()
        .flat_map(|line| line.split('/').skip(1))
        .find_map(id)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_down_and_orphans_keep_their_groups() {
        let directory = tempfile::tempdir().unwrap();
        // Pid, parent, group: the slot is 1.
        let tree = [
            (10, 1, 10),
            (11, 10, 10),
            (12, 11, 12),
            (13, 1, 20),
            (14, 1, 14),
        ];
        let mut processes = Vec::new();
        for (pid, parent, group) in tree {
            let folder = directory.path().join(pid.to_string());
            std::fs::create_dir(&folder).unwrap();
            let stat =
                format!("{pid} (x) S {parent} {group} 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 5 0");
            std::fs::write(folder.join("stat"), stat).unwrap();
            processes.push(ProcessFact {
                pid,
                parent,
                ..ProcessFact::default()
            });
        }
        // 20 has ended; 13, of its group, lives on.
        let around = Around {
            slot: 1,
            work_root: directory.path(),
            started: &BTreeMap::from([(10, 3), (20, 7)]),
        };
        place(&Proc::at(directory.path()), &mut processes, around);
        let placed = processes
            .iter()
            .map(|process| (process.line, process.adopted));
        let expected = [(3, false), (3, false), (3, false), (7, true), (0, true)];
        assert_eq!(placed.collect::<Vec<_>>(), expected);
    }

    const ID: &str = "c0ffee12c0ffee12c0ffee12c0ffee12c0ffee12c0ffee12c0ffee12c0ffee12";

    #[track_caller]
    fn check(group: &str, expected: &str) {
        assert_eq!(container(&group.replace("ID", ID)), expected);
    }

    #[test]
    fn the_container_is_read_off_the_control_group() {
        check("0::/system.slice/docker-ID.scope", ID);
        check("12:memory:/docker/ID\n0::/", ID);
        check(
            "0::/user.slice/user@1000.service/libpod-ID.scope/container",
            ID,
        );
        check("0::/libpod_parent/libpod-ID", ID);
        check("0::/user.slice/libpod-conmon-ID.scope", "");
        check("0::/libpod_parent/conmon", "");
        check("0::/user.slice/session-1.scope", "");
        check("", "");
    }
}
