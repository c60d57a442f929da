//! Cleaning against a fake engine: faults that no real engine has on demand. The fake keeps its things as files.

use std::path::Path;

use super::*;
use crate::engine::fake;
use crate::host::process::Bounded;
use crate::ledger::journal::JournalFiles;
use crate::ledger::proof::{Standing, before_file};
use crate::model::{EngineKind, Intent, Resource};

/// `$FAULT` runs first with the same arguments; when it exits, the call is over.
const ENGINE: &str = r#"
PATH=/usr/bin:/bin; cd "$(dirname "$0")"; echo "$*" >>log
[ ! -e fault ] || . ./fault
inspect() { # KIND, words of absence
    rc=0
    for id do
        if [ -s "$kind/$id" ]; then cat "$kind/$id"; elif [ -e "$kind/$id" ]; then echo "$id"; else echo "Error: $absent: $id" >&2; rc=1; fi
    done
    exit $rc
}
case "$1 $2" in
"ps -a" | "pod ps" | "network ls" | "volume ls") kind=${1%ps}; cat "$1.list" 2>/dev/null; exit 0 ;;
"container inspect") kind=container absent="No such container" ;;
"network inspect") kind=network absent="no such network" ;;
"volume inspect") kind=volume absent="no such volume" ;;
"image inspect") kind=image absent="no such image" ;;
esac
case "$1 $2 $4" in
"image inspect "*names*) cat "image/$5"; exit 0 ;;
esac
case "$1 $2" in
*" inspect") shift 4; inspect "$@" ;;
"rm -f") shift 3; for id do rm -f "container/$id"; done ;;
"network rm" | "volume rm") kind=$1; shift 2; for id do rm -f "$kind/$id"; done ;;
rmi*) shift; for id do rm -f "image/$id"; done ;;
*) exit 9 ;;
esac
"#;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// When all intents were written.
const BEGUN: Duration = Duration::from_secs(1_763_746_057);
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

struct Engine {
    place: tempfile::TempDir,
    intents: Vec<Intent>,
    kind: EngineKind,
    standing: Standing,
    unanswered: Option<usize>,
    acquired: Vec<Resource>,
}

impl Engine {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for kind in ["container", "network", "volume", "image"] {
            std::fs::create_dir(place.path().join(kind)).unwrap();
        }
        for kind in EngineKind::ALL {
            fake::client(place.path(), kind.command(), ENGINE);
        }
        Engine {
            place,
            intents: Vec::new(),
            kind: EngineKind::Docker,
            standing: Standing::Alive,
            unanswered: None,
            acquired: Vec::new(),
        }
    }

    /// Podman with a journal that says this; what it removes is written there, too.
    fn podman(journal: &[String]) -> Self {
        let engine = Engine {
            kind: EngineKind::Podman,
            ..Engine::new()
        };
        let fault = r#"
            case "$1" in rm) kind=container ;; volume) kind=volume ;; *) kind= ;; esac
            case "$kind $*" in *" rm "*) for id do
                [ ! -e "$kind/$id" ] || echo "{\"ID\":\"$id\",\"Name\":\"$id\",\"Status\":\"remove\",\"Type\":\"$kind\"}" >>"${CONTAINERS_CONF%/*}/journal"
            done ;; esac"#;
        engine
            .file("journal", &(journal.join("\n") + "\n"))
            .file("CONTAINERS_CONF", "")
            .file("fault", fault)
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn holds(self, things: &[&str]) -> Self {
        for thing in things {
            std::fs::write(self.path().join(thing), "").unwrap();
        }
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path().join(name), text).unwrap();
        self
    }

    /// An intent; with an id, the engine has written it to the intent's file.
    fn intent(mut self, kind: ResourceKind, name: &str, id: Option<&str>, existed: bool) -> Self {
        let file = self.path().join(format!("id{}", self.intents.len()));
        let id_file = id.map(|id| {
            std::fs::write(&file, id).unwrap();
            file.to_string_lossy().into_owned()
        });
        self.intents.push(Intent {
            kind,
            name: name.to_owned(),
            id_file: id_file.unwrap_or_default(),
            existed,
        });
        self
    }

    fn clean_with(&self, policy: CleanupPolicy, limit: Duration) -> Cleanup {
        let program = self.path().join(self.kind.command());
        let client = Client::named(self.kind, program, Vec::new());
        let owner = Owner {
            unanswered: self.unanswered,
            standing: self.standing,
            run: &"r1".parse().unwrap(),
            attempt: "3.1.1".parse().unwrap(),
            intents: &self.intents,
            intended_at: &self.intents.iter().map(|_| Some(BEGUN)).collect::<Vec<_>>(),
            acquired: &self.acquired,
            journal: JournalFiles::below(self.path()),
            watched: true,
            up_to: Image,
            scratch: Some(self.path()),
        };
        clean(&owner, &client, &mut Bounded, policy, limit)
    }

    fn clean(&self) -> Cleanup {
        let policy = CleanupPolicy {
            keep: false,
            keep_images: false,
        };
        self.clean_with(policy, Duration::from_secs(20))
    }

    fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn left(&self) -> String {
        let mut names = Vec::new();
        for kind in ["container", "network", "volume", "image"] {
            let entries = std::fs::read_dir(self.path().join(kind)).unwrap();
            names.extend(
                entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()),
            );
        }
        names.sort();
        names.join(" ")
    }
}

/// `removed: … gone: … kept: … left: …`, ids cut short.
fn show(cleanup: &Cleanup) -> String {
    let short = |r: &Resource| r.id.split_at(r.id.len().min(4)).0.to_owned();
    let list = |things: &[Resource]| things.iter().map(short).collect::<Vec<_>>().join(" ");
    let left: Vec<Resource> = cleanup
        .leftovers
        .iter()
        .map(|l| l.resource.clone())
        .collect();
    let parts = [
        ("removed", list(&cleanup.removed)),
        ("gone", list(&cleanup.gone)),
        ("kept", list(&cleanup.kept)),
        ("left", list(&left)),
    ];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    parts
        .map(|(name, text)| format!("{name}: {text}"))
        .collect::<Vec<_>>()
        .join(", ")
}

use ResourceKind::{Container, Image, Network, Volume};

#[test]
fn what_is_proved_is_removed_in_order_and_in_batches() {
    let engine = Engine::new()
        .holds(&["image/t:1", "volume/data", "network/n", "volume/theirs"])
        .holds(&[&format!("container/{A}"), &format!("container/{B}")])
        .file("ps.list", &format!("{A}\tx\tr1\t3.1.1\n"))
        .file(
            "network.list",
            "n\tnet\tr1\t3.1.1\nforeign\tother\tr1\t4.1.1\n",
        )
        .intent(Container, "x", Some(A), false)
        .intent(Container, "", Some(B), false)
        .intent(Network, "net", None, false)
        .intent(Volume, "data", None, false)
        .intent(Volume, "theirs", None, true)
        .intent(Image, "t:1", None, false);
    assert_eq!(show(&engine.clean()), "removed: aaaa bbbb n data t:1");
    assert_eq!(engine.left(), "theirs");
    let removals: Vec<String> = engine
        .calls()
        .into_iter()
        .filter(|call| call.contains("rm"))
        .filter(|call| !call.contains("--format"))
        .collect();
    assert_eq!(
        removals,
        [
            &format!("rm -f -v {A} {B}"),
            "network rm n",
            "volume rm data",
            "rmi t:1"
        ]
    );
}

#[test]
fn labels_that_were_given_and_are_not_there_are_told() {
    let engine = Engine::new()
        .holds(&[&format!("container/{A}"), &format!("container/{B}")])
        .file("ps.list", &format!("{A}\tx\tr1\t3.1.1\n"))
        .intent(Container, "x", Some(A), false)
        .intent(Container, "", Some(B), false);
    let cleanup = engine.clean();
    assert_eq!(show(&cleanup), "removed: aaaa bbbb");
    let unlabelled: Vec<&str> = cleanup.unlabelled.iter().map(|one| &*one.id).collect();
    assert_eq!(unlabelled, [B]);
}

#[test]
fn images_are_removed_one_by_one() {
    // Two spellings of one name in one call, and Podman removes a third.
    let engine = Engine::new()
        .holds(&["image/t:1", "image/u:1"])
        .intent(Image, "t:1", None, false)
        .intent(Image, "u:1", None, false);
    assert_eq!(show(&engine.clean()), "removed: t:1 u:1");
    let calls = engine.calls();
    for removal in ["rmi t:1", "rmi u:1"] {
        assert!(calls.iter().any(|call| call == removal), "{calls:?}");
    }
}

#[test]
fn what_went_by_itself_costs_two_questions() {
    let engine = Engine::new().intent(Container, "x", Some(A), false);
    assert_eq!(show(&engine.clean()), "gone: aaaa");
    assert_eq!(engine.calls().len(), 2);
}

#[test]
fn a_labelled_container_that_no_intent_explains_is_ours() {
    let list = format!("{A}\tx\tr1\t3.1.1\n{B}\ty\tr2\t3.1.1\n");
    let engine = Engine::new()
        .holds(&[&format!("container/{A}"), &format!("container/{B}")])
        .file("ps.list", &list);
    assert_eq!(show(&engine.clean()), "removed: aaaa");
    assert_eq!(engine.left(), B);
}

#[test]
fn no_proof_no_removal() {
    let engine = Engine::new()
        .holds(&[
            "volume/data",
            "image/t:1",
            "network/n",
            "container/x",
            "image/old",
            &format!("image/{A}"),
        ])
        .intent(Container, "x", Some("x"), false)
        .intent(Container, "x", None, false)
        .intent(Volume, "data", None, true)
        .intent(Image, "t:1", None, true)
        .intent(Network, "n", None, false)
        .intent(Image, "", Some(&format!("sha256:{A}\n")), false);
    let before = before_file(&engine.intents[5].id_file);
    std::fs::write(before, format!("{B}\n{A}\n")).unwrap();
    assert_eq!(show(&engine.clean()), "");
    assert_eq!(engine.left().split(' ').count(), 6);
}

#[test]
fn an_image_that_lost_its_name_is_removed_when_the_attempt_made_it() {
    let image = format!("image/sha256:{A}");
    let built = format!(
        r#"{{"Name":"{A}","Status":"build","Time":"2025-11-21T17:28:00.5Z","Type":"image"}}"#
    );
    for (names, made, removed) in [
        ("[]", "2025-11-21T17:27:59.1Z", 1),
        ("null", "2025-11-21T17:27:59.1Z", 1),
        // Somebody gave it a name; it was there before, and the cache gave it.
        (r#"["theirs:1"]"#, "2025-11-21T17:27:59.1Z", 0),
        ("[]", "2025-11-21T17:27:36.9Z", 0),
    ] {
        let facts = format!(r#"{{"names":{names},"made":"{made}"}}"#);
        let with = |engine: Engine, id| engine.file(&image, &facts).intent(Image, "t:1", id, false);
        // By the file that the engine wrote its id to; by the journal, where that file was the script's and is gone.
        let ways = [
            with(Engine::new(), Some(A)),
            with(Engine::podman(std::slice::from_ref(&built)), None),
        ];
        for engine in ways {
            let done = engine.clean();
            let shown: Vec<&str> = done.removed.iter().map(|one| one.id.as_str()).collect();
            assert_eq!(shown.len(), removed, "{facts} {shown:?}");
            assert_eq!(engine.left().is_empty(), removed == 1, "{facts}");
            assert!(done.leftovers.is_empty(), "{:?}", done.leftovers);
        }
    }
    let silent = Engine::new()
        .file(&image, "")
        .intent(Image, "t:1", Some(A), false);
    let done = silent.clean();
    assert!(done.removed.is_empty(), "an image of which nothing is told");
    assert_eq!(done.leftovers.len(), 1);
}

#[test]
fn an_untagged_build_is_ours_when_its_image_is_new() {
    let engine = Engine::new().holds(&[&format!("image/sha256:{A}")]).intent(
        Image,
        "",
        Some(&format!("sha256:{A}")),
        false,
    );
    std::fs::write(before_file(&engine.intents[0].id_file), B).unwrap();
    assert_eq!(show(&engine.clean()), "removed: sha2");
}

#[test]
fn what_is_kept_is_named() {
    let engine = || {
        Engine::new()
            .holds(&["image/t:1", &format!("container/{A}")])
            .intent(Container, "x", Some(A), false)
            .intent(Image, "t:1", None, false)
    };
    let limit = Duration::from_secs(20);
    for (keep, keep_images, expected) in [
        (true, false, "kept: aaaa t:1"),
        (false, true, "removed: aaaa, kept: t:1"),
    ] {
        let policy = CleanupPolicy { keep, keep_images };
        assert_eq!(show(&engine().clean_with(policy, limit)), expected);
    }
}

#[test]
fn an_engine_that_lies_about_a_removal_is_found_out() {
    let engine = Engine::new()
        .holds(&[&format!("container/{A}")])
        .intent(Container, "x", Some(A), false)
        .file("fault", r#"case "$1" in rm) exit 0;; esac"#);
    let cleanup = engine.clean();
    assert_eq!(show(&cleanup), "left: aaaa");
    assert_eq!(
        cleanup.leftovers[0].why,
        "the engine said that it removed it, but it is still there"
    );
    assert_eq!(cleanup.leftovers[0].remedy, format!("docker rm -f -v {A}"));
}

#[test]
fn one_that_resists_does_not_keep_the_others() {
    let engine = Engine::new()
        .holds(&["volume/a", "volume/b"])
        .intent(Volume, "a", None, false)
        .intent(Volume, "b", None, false)
        // The whole batch is refused, as Podman 4 does, and `a` alone, too.
        .file(
            "fault",
            r#"case "$*" in "volume rm a"*) echo "Error: volume a is in use" >&2; exit 2;; esac"#,
        );
    let cleanup = engine.clean();
    assert_eq!(show(&cleanup), "removed: b, left: a");
    assert_eq!(cleanup.leftovers[0].why, "Error: volume a is in use");
}

#[test]
fn doubt_removes_nothing_and_is_reported() {
    let engine = Engine::new()
        .holds(&[&format!("container/{A}")])
        .intent(Container, "x", Some(A), false)
        .file(
            "fault",
            r#"case "$2" in inspect) echo "error during connect: EOF" >&2; exit 1;; esac"#,
        );
    assert_eq!(show(&engine.clean()), "left: aaaa");
    assert_eq!(engine.left(), A);
    assert!(!engine.calls().iter().any(|call| call.starts_with("rm")));
}

#[test]
fn a_listing_that_fails_is_a_leftover_with_the_command_that_shows_it() {
    let engine = Engine::new().file(
        "fault",
        r#"case "$1" in ps) echo "Error: database is locked" >&2; exit 125;; esac"#,
    );
    let cleanup = engine.clean();
    assert_eq!(cleanup.leftovers.len(), 1);
    assert_eq!(
        cleanup.leftovers[0].remedy,
        "docker ps -a --filter label=dev.shakedown.run=r1 --filter label=dev.shakedown.attempt=3.1.1"
    );
}

#[test]
fn a_removal_by_somebody_else_is_waited_for() {
    let engine = Engine::new()
        .holds(&[&format!("container/{A}")])
        .intent(Container, "x", Some(A), false)
        .file(
            "fault",
            r#"case "$1 $2" in
            "rm -f") echo "Error response from daemon: removal of container x is already in progress" >&2; exit 1;;
            "container inspect") if [ $(grep -c "^container inspect" log) -ge 4 ]; then rm -f container/*; fi;;
            esac"#,
        );
    assert_eq!(show(&engine.clean()), "removed: aaaa");
}

#[test]
fn a_hanging_engine_holds_nobody_longer_than_the_limit() {
    let engine = Engine::new()
        .holds(&[&format!("container/{A}")])
        .intent(Container, "x", Some(A), false)
        .file("fault", "exec sleep 60");
    let policy = CleanupPolicy {
        keep: false,
        keep_images: false,
    };
    let cleanup = engine.clean_with(policy, Duration::from_millis(300));
    assert!(
        cleanup.duration < Duration::from_secs(5),
        "{:?}",
        cleanup.duration
    );
    assert_eq!(cleanup.leftovers.len(), 2);
}

fn event(status: &str, kind: ResourceKind, id: &str) -> String {
    format!(r#"{{"ID":"{id}","Name":"{id}","Status":"{status}","Type":"{kind}"}}"#)
}

#[test]
fn what_went_by_itself_costs_nothing_when_the_journal_shows_it() {
    let journal = [event("create", Container, A), event("remove", Container, A)];
    let engine = Engine::podman(&journal).intent(Container, "x", Some(A), false);
    assert_eq!(show(&engine.clean()), "gone: aaaa");
    assert_eq!(engine.calls(), [""; 0]);
}

#[test]
fn an_intent_that_came_to_nothing_is_asked_about() {
    let journal = [event("create", Container, A), event("remove", Container, A)];
    let engine = Engine::podman(&journal)
        .intent(Container, "x", Some(A), false)
        .intent(Container, "y", None, false);
    assert_eq!(show(&engine.clean()), "gone: aaaa");
    // The client may have been killed between making it and telling.
    assert_eq!(engine.calls().len(), 1, "{:?}", engine.calls());
}

#[test]
fn what_the_journal_shows_as_made_is_ours_without_any_intent() {
    let journal = [
        event("create", Volume, A),
        event("create", Volume, "data"),
        event("create", Container, B),
    ];
    let engine = Engine::podman(&journal).holds(&[
        &format!("volume/{A}"),
        "volume/data",
        "volume/theirs",
        &format!("container/{B}"),
    ]);
    assert_eq!(show(&engine.clean()), "removed: bbbb aaaa data");
    assert_eq!(engine.left(), "theirs");
    let asked = |call: &&String| call.contains("inspect");
    let calls = engine.calls();
    // Before: is it there? Afterwards the journal has the answer.
    assert_eq!(calls.iter().filter(asked).count(), 2, "{calls:?}");
}

#[test]
fn in_the_journal_of_a_killed_run_a_chosen_name_proves_nothing() {
    let journal = [event("create", Volume, A), event("create", Volume, "data")];
    let mut engine = Engine::podman(&journal).holds(&[&format!("volume/{A}"), "volume/data"]);
    engine.standing = Standing::Dead;
    assert_eq!(show(&engine.clean()), "removed: aaaa, left: data");
    assert_eq!(engine.left(), "data");
}

#[test]
fn the_name_of_a_killed_run_is_its_own_when_it_leads_to_the_image_that_was_built_for_it() {
    let mut engine = Engine::new()
        .file("image/built:1", &format!("sha256:{A}\n"))
        .file("image/tagged:1", &format!("sha256:{B}\n"))
        .intent(Image, "built:1", Some(&format!("sha256:{A}")), false)
        .intent(Image, "tagged:1", None, false);
    engine.standing = Standing::Dead;
    assert_eq!(show(&engine.clean()), "removed: buil, left: tagg");
    assert_eq!(engine.left(), "tagged:1");
}

#[test]
fn what_a_dead_slot_had_asked_for_is_waited_for() {
    let late = format!(
        r#"case "$1 $2" in "ps -a")
            if [ -e asked ]; then printf '{A}\tx\tr1\t3.1.1\n'; touch container/{A}; else touch asked; fi; exit 0
        esac"#
    );
    for (unanswered, expected) in [(None, ""), (Some(0), ""), (Some(1), "removed: aaaa")] {
        let mut engine = Engine::new()
            .file("fault", &late)
            .intent(Container, "x", None, false);
        engine.unanswered = unanswered;
        assert_eq!(show(&engine.clean()), expected);
    }
}

/// The container of a build's step is there.
fn with_a_step(unanswered: Option<usize>) -> Engine {
    let mut engine = Engine::new()
        .holds(&[&format!("container/{A}")])
        .intent(Image, "", None, false);
    engine.unanswered = unanswered;
    engine.acquired = vec![Resource {
        kind: Container,
        id: A.to_owned(),
        name: String::new(),
    }];
    engine
}

#[test]
fn a_step_that_stays_leaves_time_for_its_removal() {
    let policy = CleanupPolicy {
        keep: false,
        keep_images: false,
    };
    let cleanup = with_a_step(Some(0)).clean_with(policy, Duration::from_secs(6));
    assert_eq!(show(&cleanup), "removed: aaaa");
}

#[test]
fn the_engine_removes_a_step_itself_when_the_slot_of_its_build_has_died() {
    let ends = format!(
        r#"case "$1 $2" in "container inspect")
            if [ -e asked ]; then rm -f container/{A}; else touch asked; fi
        esac"#
    );
    for (unanswered, expected) in [(None, "removed: aaaa"), (Some(0), "gone: aaaa")] {
        let engine = with_a_step(unanswered).file("fault", &ends);
        assert_eq!(show(&engine.clean()), expected);
        let removes = engine.calls().iter().any(|call| call.starts_with("rm "));
        assert_eq!(removes, unanswered.is_none());
    }
}

#[test]
fn an_image_is_never_gone_by_the_journal() {
    let journal = [event("remove", Image, "t:1"), event("remove", Container, A)];
    let engine = Engine::podman(&journal)
        .holds(&["image/t:1"])
        .intent(Image, "t:1", None, false);
    assert_eq!(show(&engine.clean()), "removed: t:1");
}

#[test]
fn labels_and_journal_that_disagree_are_told() {
    let labels = r#"{"dev.shakedown.run":"r1","dev.shakedown.attempt":"3.1.1"}"#;
    let thing = |id: &str| format!(r#"{{"Id":"{id}","Names":["x"],"Labels":{labels}}}"#);
    let engine = Engine::podman(&[event("create", Container, A)])
        .holds(&[&format!("container/{A}"), &format!("container/{B}")])
        .file("ps.list", &format!("[{},{}]", thing(A), thing(B)));
    let cleanup = engine.clean();
    assert_eq!(show(&cleanup), "removed: aaaa bbbb");
    let unconfirmed: Vec<&str> = cleanup.unconfirmed.iter().map(|one| &*one.id).collect();
    assert_eq!(unconfirmed, [B]);
}

#[test]
fn only_a_build_that_was_killed_is_looked_after() {
    let failed = r#"{"Status":"build","Type":"image"}"#.to_owned();
    for (journal, expected) in [(&[failed][..], 0), (&[], 1)] {
        let mut engine = Engine::podman(journal).file("ps.list", "[]");
        let call = engine.path().join("call-1");
        std::fs::create_dir(&call).unwrap();
        engine.intents.push(Intent {
            kind: Image,
            name: String::new(),
            id_file: call.join("iid").to_string_lossy().into_owned(),
            existed: false,
        });
        engine.clean();
        let calls = engine.calls();
        let looks = calls.iter().filter(|call| call.contains("--external"));
        assert_eq!(looks.count(), expected, "{calls:?}");
    }
}

#[test]
fn what_came_into_being_before_a_killed_build_or_after_it_is_not_named() {
    let now = clock::since_1970().as_secs();
    let container = |id: &str, made: u64| {
        format!(
            r#"{{"Id":"{id}","Names":["base-working-container"],"Command":["buildah"],"Created":{made}}}"#
        )
    };
    let listed = [("aa", now - 60), ("bb", now), ("cc", now + 60)];
    let listed = listed.map(|(id, made)| container(id, made)).join(",");
    let mut engine = Engine::podman(&[]).file("ps.list", &format!("[{listed}]"));
    let call = engine.path().join("call-1");
    std::fs::create_dir(&call).unwrap();
    engine.intents.push(Intent {
        kind: Image,
        name: String::new(),
        id_file: call.join("iid").to_string_lossy().into_owned(),
        existed: false,
    });
    let left = engine.clean().leftovers;
    let containers = left.iter().filter(|left| left.resource.kind == Container);
    let ids: Vec<&str> = containers.map(|left| &*left.resource.id).collect();
    assert_eq!(ids, ["bb"]);
}
