//! The catalogue of known trouble, and what it knows of a failed attempt. The entries are in signatures.toml;
//! they are read when an attempt fails for the first time, for a run that passes needs none.

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::model::{
    AttemptReport, EngineFacts, EngineKind, EngineVersion, Evidence, FailedProgram, Outcome, Scope,
    Signature, TroubleClass, Where,
};

/// The entries as their file has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    signature: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    id: String,
    engine: Scope,
    #[serde(default)]
    versions: String,
    regex: String,
    #[serde(default)]
    r#where: Where,
    class: TroubleClass,
    #[serde(default)]
    env: bool,
    #[serde(default)]
    exit: Vec<i32>,
    #[serde(default)]
    retry: Vec<String>,
    #[serde(default)]
    max: u32,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    benign_for: Vec<String>,
    cause: String,
    remedy: String,
    #[expect(dead_code, reason = "for those who read the file")]
    source: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "each entry is tested with it"))]
    example: String,
}

impl Entry {
    fn signature(self) -> Signature {
        Signature {
            id: self.id,
            scope: self.engine,
            versions: EngineVersion::parse(&self.versions),
            regex: self.regex,
            place: self.r#where,
            class: self.class,
            env: self.env,
            exit: self.exit,
            retry: self.retry,
            max: self.max,
            absent: self.absent,
            benign_for: self.benign_for,
            cause: self.cause,
            remedy: self.remedy,
        }
    }
}

fn entries() -> Vec<Entry> {
    let file: File =
        toml::from_str(include_str!("signatures.toml")).expect("a test reads the same file");
    file.signature
}

static OURS: LazyLock<Entries> =
    LazyLock::new(|| Entries::new(entries().into_iter().map(Entry::signature).collect()));

/// Signatures with their expressions, compiled together.
#[derive(Debug)]
struct Entries {
    signatures: Vec<Signature>,
    set: RegexSet,
}

/// Large alternatives with Unicode classes are not small.
const COMPILED: usize = 64 << 20;

impl Entries {
    fn new(signatures: Vec<Signature>) -> Entries {
        let set = RegexSetBuilder::new(signatures.iter().map(|signature| &signature.regex))
            .size_limit(COMPILED)
            .build()
            .expect("each expression was compiled where it was read");
        Entries { signatures, set }
    }

    /// The first entry that some line of the text fits.
    fn first(&self, text: &[u8], fits: &dyn Fn(&Signature) -> bool) -> Option<&Signature> {
        let lines = text.split(|byte| *byte == b'\n');
        let found = lines.filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let here = |at: &usize| fits(&self.signatures[*at]);
            self.set.matches(line).into_iter().find(here)
        });
        let cause = |at: &usize| self.signatures[*at].place != Where::Warning;
        Some(&self.signatures[found.filter(cause).min()?])
    }
}

/// All signatures of a run: the user's own, then ours.
#[derive(Debug)]
pub struct Catalogue {
    own: Vec<Signature>,
    compiled: std::cell::OnceCell<Entries>,
}

impl Catalogue {
    /// With these before ours. Each expression must be one that compiles.
    pub fn new(own: Vec<Signature>) -> Catalogue {
        let compiled = std::cell::OnceCell::new();
        Catalogue { own, compiled }
    }

    /// What is known of an attempt that did not pass; `engine`: the engine of the run.
    pub fn find(&self, report: &AttemptReport, engine: Option<&EngineFacts>) -> Option<&Signature> {
        let texts = texts(report);
        if texts.is_empty() {
            return None;
        }
        let program = report.failed.as_ref();
        // Scripts without an engine are spared the reading of a catalogue that is about engines.
        let ours = (report.engine_calls > 0).then(|| &*OURS);
        let own = (!self.own.is_empty())
            .then(|| self.compiled.get_or_init(|| Entries::new(self.own.clone())));
        own.into_iter().chain(ours).find_map(|entries| {
            texts.iter().find_map(|(place, text)| {
                let fits = |signature: &Signature| {
                    is_there(signature.place, *place)
                        && is_meant(signature, program, engine)
                        && has_exit(signature, program)
                };
                entries.first(text, &fits)
            })
        })
    }
}

/// A warning is looked for where errors are, so that its line is not taken for one.
fn is_there(wanted: Where, place: Where) -> bool {
    wanted == place || (wanted == Where::Warning && place == Where::Stderr)
}

/// What an attempt that did not pass left to be read.
fn texts(report: &AttemptReport) -> Vec<(Where, Vec<u8>)> {
    let stderr = report.failed.as_ref();
    let stderr = stderr.map(|program| (Where::Stderr, program.stderr.0.clone()));
    match &report.outcome {
        Outcome::Passed | Outcome::Skipped { .. } | Outcome::Cancelled => Vec::new(),
        Outcome::Failed(_) => {
            let log = (Where::Log, report.log.0.clone());
            stderr.into_iter().chain([log]).collect()
        }
        Outcome::Faulted(fault) => {
            let said = [fault.message.as_bytes(), b"\n", &fault.detail.0].concat();
            stderr.into_iter().chain([(Where::Stderr, said)]).collect()
        }
        Outcome::TimedOut(timeout) => {
            let Evidence::Seen(scene) = &timeout.evidence else {
                return Vec::new();
            };
            let frames = scene.stacks.iter().flat_map(|stack| &stack.frames);
            let frames: Vec<&str> = frames.map(String::as_str).collect();
            vec![(Where::Stack, frames.join("\n").into_bytes())]
        }
    }
}

/// Whether the signature is about who was called, in the version that is here.
fn is_meant(
    signature: &Signature,
    program: Option<&FailedProgram>,
    engine: Option<&EngineFacts>,
) -> bool {
    let called = program.and_then(|program| program.call.as_ref());
    // Where scripts may use both engines, the run's facts say nothing about the other one.
    let engine = engine.filter(|facts| called.is_none_or(|call| call.engine == facts.kind));
    let server = engine.map(|facts| facts.server);
    let server = server.or(called.map(|call| call.engine));
    let scoped = match signature.scope {
        Scope::Docker => server == Some(EngineKind::Docker),
        Scope::Podman => server == Some(EngineKind::Podman),
        Scope::PodmanService => {
            server == Some(EngineKind::Podman) && engine.is_some_and(|facts| facts.remote)
        }
        Scope::Any => server.is_some(),
        Scope::Host | Scope::Guest | Scope::Harness => return true,
    };
    // Words in a stderr are an engine's only if the program called one.
    let in_stderr = matches!(signature.place, Where::Stderr | Where::Warning);
    let spoken = !in_stderr || called.is_some() || program.is_none();
    let version = engine.map_or("", |facts| facts.version.as_str());
    let versions = signature.versions.as_ref();
    scoped && spoken && versions.is_none_or(|wanted| wanted.holds(version))
}

/// A program between the client and the script has an exit code of its own, and a warning comes with any.
fn has_exit(signature: &Signature, program: Option<&FailedProgram>) -> bool {
    let direct = program.filter(|program| program.call.as_ref().is_some_and(|call| call.direct));
    let exit = direct.and_then(|program| program.exit);
    let any = signature.exit.is_empty() || signature.place == Where::Warning;
    any || exit.is_none_or(|exit| signature.exit.contains(&exit))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::samples;

    /// The engine that an entry is about.
    fn engine(scope: Scope) -> EngineFacts {
        let podman = samples::podman();
        match scope {
            Scope::Podman => podman,
            Scope::PodmanService => EngineFacts {
                remote: true,
                ..podman
            },
            Scope::Docker | Scope::Any | Scope::Host | Scope::Guest | Scope::Harness => {
                EngineFacts {
                    kind: EngineKind::Docker,
                    server: EngineKind::Docker,
                    version: "28.0.0".to_owned(),
                    ..podman
                }
            }
        }
    }

    fn found<'c>(
        catalogue: &'c Catalogue,
        report: &AttemptReport,
        engine: Option<&EngineFacts>,
    ) -> Option<&'c str> {
        catalogue.find(report, engine).map(|s| s.id.as_str())
    }

    #[test]
    fn every_entry_is_the_first_that_fits_its_example() {
        let mut ids = BTreeSet::new();
        let (mut wrong, mut checked) = (Vec::new(), 0);
        for entry in entries() {
            let example = entry.example.clone();
            let versions = entry.versions.clone();
            let signature = entry.signature();
            assert!(ids.insert(signature.id.clone()), "{} twice", signature.id);
            let facts = EngineFacts {
                version: match versions.as_str() {
                    "" => "4.3.1".to_owned(),
                    known => known.trim_start_matches(['<', '>', '=']).to_owned() + ".0",
                },
                ..engine(signature.scope)
            };
            let facts = match signature.versions.as_ref().map(|wanted| wanted.compare) {
                Some(crate::model::Comparison::Below) => EngineFacts {
                    version: "4.3.1".to_owned(),
                    ..facts
                },
                _ => facts,
            };
            let fits = |candidate: &Signature| {
                candidate.place == signature.place
                    && is_meant(candidate, None, Some(&facts))
                    && (candidate.exit.is_empty()
                        || signature.exit.is_empty()
                        || candidate
                            .exit
                            .iter()
                            .any(|exit| signature.exit.contains(exit)))
            };
            let set = &OURS.set;
            let first = set.matches(example.as_bytes()).into_iter();
            let first = first
                .map(|at| &OURS.signatures[at])
                .find(|candidate| fits(candidate));
            checked += 1;
            if first.map(|first| &first.id) != Some(&signature.id) {
                wrong.push((signature.id, first.map(|first| first.id.clone())));
            }
        }
        assert_eq!(wrong, []);
        assert!(checked > 90, "{checked} entries");
    }

    #[test]
    fn what_may_be_tried_again_says_how_often_and_after_which_command() {
        for entry in entries() {
            assert_eq!(entry.retry.is_empty(), entry.max == 0, "{}", entry.id);
            assert!(
                entry.versions.is_empty() || EngineVersion::parse(&entry.versions).is_some(),
                "{}",
                entry.id
            );
            assert!(
                !entry.cause.is_empty() && !entry.remedy.is_empty(),
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn only_the_words_of_the_engine_that_was_called_count() {
        let catalogue = Catalogue::new(Vec::new());
        let docker = engine(Scope::Docker);
        let dead = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        let report = samples::called(EngineKind::Docker, "run", 125, dead);
        assert_eq!(
            found(&catalogue, &report, Some(&docker)),
            Some("docker-cannot-connect")
        );
        // Podman does not say that, and neither does a program that called nobody.
        let podman = samples::podman();
        let other = samples::called(EngineKind::Podman, "run", 125, dead);
        assert_eq!(found(&catalogue, &other, Some(&podman)), None);
        let mut alone = report.clone();
        alone.failed.as_mut().unwrap().call = None;
        assert_eq!(found(&catalogue, &alone, Some(&docker)), None);
    }

    #[test]
    fn a_code_that_never_comes_with_the_words_speaks_against_it() {
        let catalogue = Catalogue::new(Vec::new());
        let podman = samples::podman();
        let words = "Error: network is being used";
        for (exit, expected) in [(2, Some("podman-network-in-use")), (77, None)] {
            let report = samples::called(EngineKind::Podman, "network rm", exit, words);
            assert_eq!(
                found(&catalogue, &report, Some(&podman)),
                expected,
                "{exit}"
            );
        }
        // Behind a program of the script's own the code is that program's.
        let mut report = samples::called(EngineKind::Podman, "network rm", 77, words);
        let call = report.failed.as_mut().unwrap().call.as_mut().unwrap();
        call.direct = false;
        assert_eq!(
            found(&catalogue, &report, Some(&podman)),
            Some("podman-network-in-use")
        );
    }

    #[test]
    fn a_warning_that_quotes_an_error_is_not_the_cause() {
        let catalogue = Catalogue::new(Vec::new());
        let podman = samples::podman();
        let warning = r#"time="x" level=warning msg="Failed to determine if an image is a parent: image not known, ignoring the error""#;
        let report = samples::called(EngineKind::Podman, "rmi", 125, warning);
        assert_eq!(found(&catalogue, &report, Some(&podman)), None);
        let both = format!(
            "{warning}
Error: x: image not known
"
        );
        let report = samples::called(EngineKind::Podman, "rmi", 125, &both);
        assert_eq!(
            found(&catalogue, &report, Some(&podman)),
            Some("absent-image")
        );
    }

    #[test]
    fn the_version_of_the_server_decides_too() {
        let catalogue = Catalogue::new(Vec::new());
        let locked = "Error: beginning transaction: database is locked";
        let report = samples::called(EngineKind::Podman, "run", 125, locked);
        for (version, expected) in [("5.4.2", Some("podman-sqlite-locked")), ("4.3.1", None)] {
            let facts = EngineFacts {
                version: version.to_owned(),
                ..samples::podman()
            };
            assert_eq!(
                found(&catalogue, &report, Some(&facts)),
                expected,
                "{version}"
            );
        }
    }

    #[test]
    fn the_users_own_entries_go_first_and_need_no_engine() {
        let ours = entries().swap_remove(0).signature();
        let own = Signature {
            id: "own".to_owned(),
            scope: Scope::Host,
            regex: "(?i)cannot connect".to_owned(),
            exit: Vec::new(),
            versions: None,
            ..ours
        };
        let catalogue = Catalogue::new(vec![own]);
        let docker = engine(Scope::Docker);
        let dead = "Cannot connect to the Docker daemon at unix:///x.";
        let report = samples::called(EngineKind::Docker, "run", 125, dead);
        assert_eq!(found(&catalogue, &report, Some(&docker)), Some("own"));
        let mut plain = report;
        plain.engine_calls = 0;
        plain.failed.as_mut().unwrap().call = None;
        assert_eq!(found(&catalogue, &plain, None), Some("own"));
    }
}
