//! What a condition asks for: Go's standard table and our additions about the engine and the sandbox.
//!
//! Only what follows from the build is answered here. Must not look at the machine: programs and
//! engines are asked for by the interpreter.

use std::env::consts;

use crate::model::{EngineVersion, Length};

/// The Go release whose script language this is; `[goN.M]` holds up to it.
const GO_RELEASE: (u64, u64) = (1, 27);

const KNOWN_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const UNIX: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

const KNOWN_ARCH: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What the standard conditions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The operating system, by Go's name.
    pub os: &'static str,
    /// The architecture, by Go's name.
    pub arch: &'static str,
    /// How much of a script is to run.
    pub length: Length,
}

impl Facts {
    /// The facts of the machine that this program was compiled for, in a run of this length.
    pub fn of_this_build(length: Length) -> Self {
        Self {
            os: go_os(consts::OS),
            arch: go_arch(consts::ARCH, cfg!(target_endian = "little")),
            length,
        }
    }
}

fn go_os(os: &'static str) -> &'static str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

fn go_arch(arch: &'static str, little: bool) -> &'static str {
    match (arch, little) {
        ("x86", _) => "386",
        ("x86_64", _) => "amd64",
        ("aarch64", true) => "arm64",
        ("aarch64", false) => "arm64be",
        ("arm", false) => "armbe",
        ("loongarch64", _) => "loong64",
        ("mips", true) => "mipsle",
        ("mips64", true) => "mips64le",
        ("powerpc", _) => "ppc",
        ("powerpc64", true) => "ppc64le",
        ("powerpc64", false) => "ppc64",
        ("riscv32", _) => "riscv",
        ("wasm32", _) => "wasm",
        (other, _) => other,
    }
}

/// A condition as people are told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionFacts {
    /// As it is written, without brackets; what the writer chooses is in capitals.
    pub name: &'static str,
    /// When it holds.
    pub about: &'static str,
    /// Whether testscript knows nothing of it.
    pub addition: bool,
}

type Holds = fn(&Facts) -> bool;

/// Go's conditions that are single words, but for names of systems and architectures.
static STANDARD: &[(&str, &str, Holds)] = &[
    ("short", "the run is short: --short", |facts| {
        facts.length == Length::Short
    }),
    // As in Go: nobody asks the net, but a short run leaves it alone.
    ("net", "the run is not short", |facts| {
        facts.length != Length::Short
    }),
    ("link", "the system has hard links", |facts| {
        facts.os != "plan9"
    }),
    ("symlink", "the system has symbolic links", |facts| {
        facts.os != "plan9"
    }),
    ("unix", "the system is of the Unix family", |facts| {
        UNIX.contains(&facts.os)
    }),
    ("gc", "always", |_| true),
    ("gccgo", "never", |_| false),
];

/// Ours that are single words.
static ADDITIONS: &[(&str, &str, Addition)] = &[
    ("docker", "the script's engine is Docker", Addition::Docker),
    ("podman", "the script's engine is Podman", Addition::Podman),
    ("engine", "there is an engine", Addition::Engine),
    (
        "container-available",
        "there is an engine",
        Addition::Engine,
    ),
    (
        "rootless",
        "the engine runs without root",
        Addition::Rootless,
    ),
    (
        "in-sandbox",
        "the harness runs inside Flatpak or Snap",
        Addition::Sandbox,
    ),
];

/// Conditions of which a part is the writer's.
const OPEN: [ConditionFacts; 5] = [
    open("exec:PROGRAM", "the program is found in PATH", false),
    open(
        "SYSTEM",
        "Go's name of the system: linux, darwin, windows",
        false,
    ),
    open("ARCHITECTURE", "Go's name of it: amd64, arm64", false),
    open(
        "goN.M",
        "up to Go's release 1.27, whose language this is",
        false,
    ),
    open(
        "engine:>=5.0",
        "the engine's version compares so: >= > <= < =",
        true,
    ),
];

const fn open(name: &'static str, about: &'static str, addition: bool) -> ConditionFacts {
    ConditionFacts {
        name,
        about,
        addition,
    }
}

/// All conditions of the language, Go's first.
pub fn conditions() -> impl Iterator<Item = ConditionFacts> {
    let standard = STANDARD
        .iter()
        .map(|(name, about, _)| open(name, about, false));
    let ours = ADDITIONS
        .iter()
        .map(|(name, about, _)| open(name, about, true));
    let theirs = OPEN.into_iter().filter(|one| !one.addition);
    let more = OPEN.into_iter().filter(|one| one.addition);
    standard.chain(theirs).chain(ours).chain(more)
}

/// What the standard table says of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standard {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It holds when this program is found; the interpreter knows where to look.
    Exec(Vec<u8>),
    /// It is not in the table.
    Unknown,
}

impl From<bool> for Standard {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Looks a condition up in Go's table. `text` has neither brackets nor `!`.
pub fn standard(text: &[u8], facts: &Facts) -> Standard {
    if let Some(program) = text.strip_prefix(b"exec:") {
        return Standard::Exec(program.to_vec());
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Standard::Unknown;
    };
    if let Some((_, _, holds)) = STANDARD.iter().find(|(name, _, _)| *name == text) {
        return holds(facts).into();
    }
    if text == facts.os || text == facts.arch {
        return Standard::True;
    }
    if KNOWN_OS.contains(&text) || KNOWN_ARCH.contains(&text) {
        return Standard::False;
    }
    go_release(text).map_or(Standard::Unknown, Standard::from)
}

/// Whether `goN.M` holds; `None` when the text is no such thing.
fn go_release(text: &str) -> Option<bool> {
    let (major, minor) = text.strip_prefix("go")?.split_once('.')?;
    let is_number = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() && !part.starts_with('0')
    };
    if !is_number(major) || !is_number(minor) {
        return None;
    }
    // A number too large to read is a release that is yet to come.
    let number = |part: &str| part.parse().unwrap_or(u64::MAX);
    Some((number(major), number(minor)) <= GO_RELEASE)
}

/// A condition of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// The engine is Docker.
    Docker,
    /// The engine is Podman.
    Podman,
    /// The engine runs without root.
    Rootless,
    /// There is an engine.
    Engine,
    /// The harness runs inside Flatpak or Snap.
    Sandbox,
    /// The engine's version compares so.
    EngineVersion(EngineVersion),
}

/// Reads one of our conditions. `text` has neither brackets nor `!`.
pub fn addition(text: &[u8]) -> Option<Addition> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some((_, _, addition)) = ADDITIONS.iter().find(|(name, _, _)| *name == text) {
        return Some(addition.clone());
    }
    EngineVersion::parse(text.strip_prefix("engine:")?).map(Addition::EngineVersion)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Facts = Facts {
        os: "linux",
        arch: "amd64",
        length: Length::Whole,
    };

    #[track_caller]
    fn check(texts: &[&str], wanted: &Standard) {
        for text in texts {
            assert_eq!(&standard(text.as_bytes(), &LINUX), wanted, "{text}");
        }
    }

    #[test]
    fn the_standard_table_is_gos() {
        let holds = [
            "net", "link", "symlink", "linux", "unix", "amd64", "gc", "go1.1", "go1.27",
        ];
        check(&holds, &Standard::True);
        let fails = [
            "short", "gccgo", "windows", "darwin", "arm64", "386", "go1.28", "go2.1",
        ];
        check(&fails, &Standard::False);
        check(&["go99999999999999999999.1"], &Standard::False);
    }

    #[test]
    fn every_condition_that_is_listed_is_known() {
        let written = |name: &'static str| match name {
            "exec:PROGRAM" => "exec:sh",
            "SYSTEM" => "windows",
            "ARCHITECTURE" => "arm64",
            "goN.M" => "go1.20",
            name => name,
        };
        for listed in conditions() {
            let text = written(listed.name).as_bytes();
            let unknown = standard(text, &LINUX) == Standard::Unknown;
            assert_eq!(unknown, listed.addition, "{}", listed.name);
            assert_eq!(addition(text).is_some(), listed.addition, "{}", listed.name);
        }
    }

    #[test]
    fn a_short_run_is_short_and_leaves_the_net_alone() {
        let length = Length::Short;
        let short = Facts { length, ..LINUX };
        assert_eq!(standard(b"short", &short), Standard::True);
        assert_eq!(standard(b"net", &short), Standard::False);
    }

    #[test]
    fn what_is_not_in_the_table_is_unknown() {
        let unknown = ["", "root", "GOOS:linux", "Linux", "!x", "a][b", "docker"];
        check(&unknown, &Standard::Unknown);
        let not_releases = [
            "go1", "go1.0", "go0.1", "go1.2.3", "go1.x", "go1.", "go+1.2",
        ];
        check(&not_releases, &Standard::Unknown);
    }

    #[test]
    fn a_program_is_handed_back() {
        check(&["exec:git"], &Standard::Exec(b"git".to_vec()));
        check(&["exec:"], &Standard::Exec(Vec::new()));
    }

    #[test]
    fn other_systems_have_their_own_truths() {
        let mac = Facts {
            os: "darwin",
            arch: "arm64",
            length: Length::Whole,
        };
        assert_eq!(standard(b"unix", &mac), Standard::True);
        assert_eq!(standard(b"linux", &mac), Standard::False);
        assert_eq!(standard(b"arm64", &mac), Standard::True);
        let windows = Facts {
            os: "windows",
            arch: "amd64",
            length: Length::Whole,
        };
        assert_eq!(standard(b"unix", &windows), Standard::False);
    }

    #[test]
    fn this_build_has_gos_names() {
        let facts = Facts::of_this_build(Length::Whole);
        assert!(KNOWN_OS.contains(&facts.os), "{facts:?}");
        assert!(KNOWN_ARCH.contains(&facts.arch), "{facts:?}");
        assert_eq!(go_os("macos"), "darwin");
        assert_eq!(go_arch("powerpc64", true), "ppc64le");
        assert_eq!(go_arch("s390x", false), "s390x");
    }

    #[test]
    fn the_additions_are_known_by_name() {
        assert_eq!(addition(b"docker"), Some(Addition::Docker));
        assert_eq!(addition(b"podman"), Some(Addition::Podman));
        assert_eq!(addition(b"rootless"), Some(Addition::Rootless));
        assert_eq!(addition(b"engine"), Some(Addition::Engine));
        assert_eq!(addition(b"container-available"), Some(Addition::Engine));
        assert_eq!(addition(b"in-sandbox"), Some(Addition::Sandbox));
        for text in [
            "",
            "linux",
            "container",
            "sandbox",
            "engine:",
            "engine:5",
            "engine:>=",
            "engine:>=x",
            "engine:>=5.",
            "engine:==5",
            "engine:>=+5",
            "engine:>=99999999999",
        ] {
            assert_eq!(addition(text.as_bytes()), None, "{text}");
        }
    }

    #[track_caller]
    fn check_version(condition: &str, version: &str, holds: bool) {
        let Some(Addition::EngineVersion(wanted)) = addition(condition.as_bytes()) else {
            panic!("{condition} is no demand on a version");
        };
        assert_eq!(wanted.holds(version), holds, "{condition} {version}");
    }

    #[test]
    fn versions_compare_by_number_as_far_as_the_script_says() {
        check_version("engine:>=5.0", "5.0.3", true);
        check_version("engine:>=5.0", "4.9.10", false);
        check_version("engine:>=5.0", "28.1.1", true);
        check_version("engine:>= 5.0", "5", true);
        check_version("engine:>5.0", "5.0.3", false);
        check_version("engine:>5.0", "5.1.0", true);
        check_version("engine:<=5.0", "5.0.3", true);
        check_version("engine:<5", "5.0.0", false);
        check_version("engine:<5", "4.10", true);
        check_version("engine:=5.0", "5.0.3", true);
        check_version("engine:=5.0.1", "5.0.3", false);
    }

    #[test]
    fn what_follows_the_numbers_does_not_count() {
        check_version("engine:>=5.0", "5.0.0-rc1", true);
        check_version("engine:>=20.10", "20.10.24+dfsg1", true);
        check_version("engine:=5.0", "v5.0", true);
        check_version("engine:>=0", "dev", false);
        check_version("engine:>=0", "", false);
    }
}
