//! The hang zoo: each script of `fixtures/hangs` hangs for one reason, and the record must name it.
//!
//! The first line says class and resource; who must be named wrote its id to a file of the script's name. It is
//! done as the user who runs the tests, mostly root, and again as the ordinary user who owns rootless Podman.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::engines::Engine;
use super::project::{Project, Record, eventually, nothing_left_of, package};

/// Long enough for python3 to start on a busy machine. Container scripts say their own.
const DEADLINE: &str = "3s";
/// Most of a script's time is spent waiting for its deadline.
const WIDTH: u32 = 8;
/// Kinds that only root can set up, and only where it may mount.
const ROOT_ONLY: &[&str] = &["dead_fuse"];
/// At least so many kinds, those of engines aside.
const KINDS: usize = 24;

/// What the first line of a script promises: `# hang: CLASS RESOURCE`.
#[derive(Debug)]
struct Kind {
    name: String,
    text: String,
    class: String,
    resource: Regex,
}

impl Kind {
    #[track_caller]
    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let promise = first.strip_prefix("# hang: ");
        let promise = promise.and_then(|promise| promise.split_once(' '));
        let (class, resource) = promise.unwrap_or_else(|| panic!("{name}: {first}"));
        Kind {
            class: class.to_owned(),
            resource: Regex::new(resource).unwrap(),
            name,
            text,
        }
    }

    fn is_of_engine(&self) -> bool {
        self.name.starts_with("container_")
    }

    /// An engine's attached client stands for its container, and does not write its own id.
    fn client(&self, seen: &Value) -> Option<i64> {
        let is_client = |process: &&Value| {
            let command = process["command"].as_str().unwrap_or_default();
            command.contains(" run --cidfile=")
        };
        let processes = seen["processes"]
            .as_array()
            .filter(|_| self.is_of_engine())?;
        processes.iter().find(is_client)?["pid"].as_i64()
    }

    /// How the record deviates; nothing when all is as promised.
    fn deviation(&self, record: &Record, pids: &Path) -> Option<String> {
        let (verdict, reason) = record.verdict(&self.name);
        if verdict == "skipped" {
            eprintln!("SKIPPED: {}: {reason}", self.name);
            // Those of one engine alone are skipped on the other.
            let required = !self.is_of_engine() && std::env::var("CI").is_ok_and(|ci| ci == "true");
            return required.then(|| format!("{}: must not be skipped in CI: {reason}", self.name));
        }
        let report = record.report(&self.name);
        let why = &report["outcome"]["timed_out"]["why"];
        let noted = fs::read_to_string(pids.join(&self.name)).ok();
        let noted = noted.and_then(|pid| pid.trim().parse::<i64>().ok());
        let mut found = String::new();
        let mut expect = |what: &str, holds: bool| {
            if !holds {
                write!(found, " {what};").unwrap();
            }
        };
        expect("verdict", verdict == "hung" || verdict == "slow");
        expect("class", why["class"] == self.class.as_str());
        let resource = why["resource"].as_str().unwrap_or("none");
        expect("resource", self.resource.is_match(resource));
        let seen = &report["outcome"]["timed_out"]["evidence"]["seen"];
        let expected = noted.or_else(|| self.client(seen));
        expect(
            "holder",
            expected.is_some() && why["holder"].as_i64() == expected,
        );
        expect(
            "sentence",
            !why["sentence"].as_str().unwrap_or("\n").contains('\n'),
        );
        expect(
            "leftovers",
            report["cleanup"]["leftovers"] == Value::Array(Vec::new()),
        );
        let gone = |pid: i64| !Path::new(&format!("/proc/{pid}")).exists();
        eventually("the holder is gone", || {
            noted.is_none_or(gone).then_some(())
        });
        let shown = || format!("  noted: {noted:?}\n  why: {why:#}\n{}", shown(seen));
        (!found.is_empty()).then(|| {
            format!(
                "{}: deviates in{found} ({verdict}: {reason})\n{}",
                self.name,
                shown()
            )
        })
    }
}

/// The parts of the evidence that the sentence is made of.
fn shown(seen: &Value) -> String {
    let parts = [
        "processes",
        "others",
        "threads",
        "pipes",
        "locks",
        "sockets",
        "containers",
        "gaps",
    ];
    let line = |part: &str| format!("  {part}: {}\n", seen[part]);
    parts.map(line).concat()
}

fn kinds(wanted: impl Fn(&Kind) -> bool) -> Vec<Kind> {
    let folder = fs::read_dir(package().join("fixtures/hangs")).unwrap();
    let mut kinds: Vec<Kind> = folder
        .map(|entry| Kind::read(&entry.unwrap().path()))
        .collect();
    kinds.retain(wanted);
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    kinds
}

/// Adds the scripts, and the settings for them.
fn fill(project: Project, kinds: &[Kind]) -> Project {
    let pids = project.path("pids");
    fs::create_dir(&pids).unwrap();
    let settings = format!(
        "scripts = [\"scripts\"]\ndeadline = \"{DEADLINE}\"\n[policy]\nwidth = {WIDTH}\n[environment]\nPIDS = {:?}\nBASE = \"localhost/shakedown/base:1\"\n",
        pids.display().to_string()
    );
    let project = project.file("harness.toml", settings);
    let add = |project: Project, kind: &Kind| project.script(&kind.name, &kind.text);
    kinds.iter().fold(project, add)
}

/// Tells all deviations at once.
#[track_caller]
fn check(kinds: &[Kind], project: &Project) {
    let record = project.record();
    let pids = project.path("pids");
    let deviations: Vec<String> = kinds
        .iter()
        .filter_map(|kind| kind.deviation(&record, &pids))
        .collect();
    assert!(
        deviations.is_empty(),
        "{} of {} kinds\n{}",
        deviations.len(),
        kinds.len(),
        deviations.join("\n")
    );
    nothing_left_of(record.run());
}

/// Root, who may mount in a namespace of its own.
fn can_mount() -> bool {
    let mut command = std::process::Command::new("unshare");
    let unshared = command.args(["--mount", "true"]).output();
    rustix::process::geteuid().is_root()
        && Path::new("/dev/fuse").exists()
        && unshared.is_ok_and(|done| done.status.success())
}

#[test]
fn each_kind_of_hang_is_named_with_its_holder_and_resource() {
    let mount = can_mount();
    let kinds =
        kinds(|kind| !kind.is_of_engine() && (mount || !ROOT_ONLY.contains(&kind.name.as_str())));
    assert!(kinds.len() >= KINDS, "{} kinds", kinds.len());
    if !mount {
        eprintln!("SKIPPED: {ROOT_ONLY:?}: not root, or mounting is not permitted");
    }
    let project = fill(Project::new(), &kinds);
    project
        .target()
        .limit(Duration::from_secs(200))
        .finish()
        .expect_code(101);
    check(&kinds, &project);
}

/// The kinds of an engine, as its owner.
fn on_engine(engine: Engine, wanted: impl Fn(&Kind) -> bool) {
    if !engine.usable() {
        return;
    }
    let kinds = kinds(wanted);
    let project = fill(engine.project(), &kinds);
    engine.target(&project).finish().expect_code(101);
    check(&kinds, &project);
    engine.expect_clean(project.record().run());
}

#[test]
fn each_kind_of_hang_on_docker_is_named() {
    on_engine(Engine::Docker, Kind::is_of_engine);
}

#[test]
fn each_kind_of_hang_is_named_for_an_ordinary_user_and_on_podman() {
    on_engine(Engine::Podman, |kind| {
        !ROOT_ONLY.contains(&kind.name.as_str())
    });
}
