//! What a condition asks for: Go's standard table and our additions about the engine and the sandbox.
//!
//! Only what follows from the build is answered here. Must not look at the machine: programs and
//! engines are asked for by the interpreter.

use std::env::consts;

use crate::model::Length;

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
    match text {
        "short" => (facts.length == Length::Short).into(),
        // As in Go: nobody asks the net, but a short run leaves it alone.
        "net" => (facts.length != Length::Short).into(),
        "gc" => Standard::True,
        "gccgo" => Standard::False,
        "link" | "symlink" => (facts.os != "plan9").into(),
        "unix" => UNIX.contains(&facts.os).into(),
        _ if text == facts.os || text == facts.arch => Standard::True,
        _ if KNOWN_OS.contains(&text) || KNOWN_ARCH.contains(&text) => Standard::False,
        _ => match go_release(text) {
            Some(holds) => holds.into(),
            None => Standard::Unknown,
        },
    }
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

/// `engine:>=5.0`: a demand on the engine's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// The operator.
    pub compare: Comparison,
    /// The version as the script has it; what it leaves out is not compared.
    pub version: Vec<u32>,
}

/// An operator between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `=`
    Same,
}

const OPERATORS: [(&str, Comparison); 5] = [
    // The longer ones first: `>` begins `>=`.
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
    ("=", Comparison::Same),
];

/// Reads one of our conditions. `text` has neither brackets nor `!`.
pub fn addition(text: &[u8]) -> Option<Addition> {
    match text {
        b"docker" => Some(Addition::Docker),
        b"podman" => Some(Addition::Podman),
        b"rootless" => Some(Addition::Rootless),
        b"engine" | b"container-available" => Some(Addition::Engine),
        b"in-sandbox" => Some(Addition::Sandbox),
        _ => {
            let text = std::str::from_utf8(text).ok()?.strip_prefix("engine:")?;
            engine_version(text).map(Addition::EngineVersion)
        }
    }
}

fn engine_version(text: &str) -> Option<EngineVersion> {
    let text = text.trim();
    let (version, compare) = OPERATORS
        .into_iter()
        .find_map(|(sign, compare)| Some((text.strip_prefix(sign)?, compare)))?;
    let version = version
        .trim()
        .split('.')
        .map(number)
        .collect::<Option<_>>()?;
    Some(EngineVersion { compare, version })
}

/// Digits only: Rust's own reading accepts a sign.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl EngineVersion {
    /// Whether an engine of this version is meant. Only as many parts are compared as the script
    /// gives, so `=5.0` holds for 5.0.3 and `>5.0` does not. What follows the numbers (`-rc1`, `+dfsg`)
    /// does not count; a version that starts with no number satisfies nothing.
    pub fn holds(&self, version: &str) -> bool {
        let version = version.trim();
        let version = version.strip_prefix('v').unwrap_or(version);
        let end = version
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(version.len());
        let (numbers, _) = version.split_at(end);
        let mut found: Vec<u32> = numbers.split('.').map_while(number).collect();
        if found.is_empty() {
            return false;
        }
        found.resize(self.version.len(), 0);
        match self.compare {
            Comparison::AtLeast => found >= self.version,
            Comparison::Above => found > self.version,
            Comparison::AtMost => found <= self.version,
            Comparison::Below => found < self.version,
            Comparison::Same => found == self.version,
        }
    }
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
