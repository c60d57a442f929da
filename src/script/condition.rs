//! Conditions as values. The standard ones are decided here from given facts; what needs a file or
//! the engine is handed back for the interpreter to ask. Knows no world.
//!
//! The order of look-up is fixed: standard, then the user's own, then ours, so that a script never
//! changes its meaning because we add a name.

use std::fmt;

/// What a standard condition can depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The operating system in Go's words.
    pub goos: &'static str,
    /// The architecture in Go's words.
    pub goarch: &'static str,
    /// Long tests are to be skipped; also turns `net` off.
    pub short: bool,
}

impl Facts {
    /// From Rust's names of system and architecture (`std::env::consts`).
    pub fn new(os: &str, arch: &str, short: bool) -> Facts {
        let big_endian = cfg!(target_endian = "big");
        Facts {
            goos: goos(os),
            goarch: goarch(arch, big_endian),
            short,
        }
    }
}

/// A standard condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standard<'a> {
    /// Decided.
    Known(bool),
    /// `exec:PROG`: whether the script could run this program.
    Exec(&'a str),
}

/// A condition of ours, about the engine of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// `docker`: the scripts' client is Docker's.
    Docker,
    /// `podman`: the scripts' client is Podman's.
    Podman,
    /// `rootless`: the engine runs without root.
    Rootless,
    /// `engine`: there is one.
    Engine,
    /// `engine:>=5.0`: there is one of such a version.
    EngineVersion(VersionRange),
}

/// The newest Go release whose testscript we follow. `go1.1` to `go1.27` hold and later ones do not:
/// no Go compiler built us, and a script asks so to learn what it may expect of the language.
const GO_RELEASE: u32 = 27;

const KNOWN_OS: [&str; 17] = [
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

/// Of the known systems, those that are no `unix`.
const OTHER_OS: [&str; 5] = ["js", "nacl", "plan9", "windows", "zos"];

const KNOWN_ARCH: [&str; 24] = [
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

/// The standard condition of this name, if it is one.
pub fn standard<'a>(name: &'a str, facts: &Facts) -> Option<Standard<'a>> {
    let known = match name {
        "short" => facts.short,
        "net" => !facts.short,
        // Every system we run on has links; `gc` is Go's own compiler.
        "link" | "symlink" | "gc" => true,
        "unix" => !OTHER_OS.contains(&facts.goos),
        "gccgo" => false,
        os if KNOWN_OS.contains(&os) => os == facts.goos,
        arch if KNOWN_ARCH.contains(&arch) => arch == facts.goarch,
        _ => match name.strip_prefix("exec:") {
            Some(program) => return Some(Standard::Exec(program)),
            None => go_release(name)?,
        },
    };
    Some(Standard::Known(known))
}

/// `goN.M`: that release or a later one.
fn go_release(name: &str) -> Option<bool> {
    let (major, minor) = name.strip_prefix("go")?.split_once('.')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        // A number too large for us is a release that is far away.
        (digits && !text.is_empty()).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (major, minor) = (number(major)?, number(minor)?);
    Some(major == 1 && minor <= GO_RELEASE)
}

/// The condition of ours with this name, if it is one; an error if it is one that cannot be read.
pub fn addition(name: &str) -> Option<Result<Addition, String>> {
    match name {
        "docker" => Some(Ok(Addition::Docker)),
        "podman" => Some(Ok(Addition::Podman)),
        "rootless" => Some(Ok(Addition::Rootless)),
        "engine" => Some(Ok(Addition::Engine)),
        _ => {
            let range = name.strip_prefix("engine:")?;
            Some(VersionRange::parse(range).map(Addition::EngineVersion))
        }
    }
}

/// Versions on one side of a given one, such as `>=5.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    comparison: Comparison,
    version: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Before,
    AtMost,
    /// Equal as far as written: `=5` is every 5.
    Within,
    AtLeast,
    After,
}

impl VersionRange {
    fn parse(text: &str) -> Result<VersionRange, String> {
        // Longer signs first: `>=` also starts with `>`.
        let signs = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::After),
            ("<", Comparison::Before),
            ("=", Comparison::Within),
        ];
        let found = signs
            .into_iter()
            .find_map(|(sign, comparison)| Some((text.strip_prefix(sign)?.trim(), comparison)));
        let (number, comparison) = found.unwrap_or((text, Comparison::Within));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !number.split('.').all(plain) {
            return Err(format!(
                "expected a version such as `>=5.0`, found `{text}`"
            ));
        }
        Ok(VersionRange {
            comparison,
            version: numbers(number),
        })
    }

    /// Whether a version as an engine tells it (`20.10.24+dfsg1`) is among them.
    pub fn contains(&self, version: &str) -> bool {
        let mut version = numbers(version);
        let mut bound = self.version.clone();
        if self.comparison == Comparison::Within {
            version.truncate(bound.len());
        }
        let length = version.len().max(bound.len());
        version.resize(length, 0);
        bound.resize(length, 0);
        match self.comparison {
            Comparison::Before => version < bound,
            Comparison::AtMost => version <= bound,
            Comparison::Within => version == bound,
            Comparison::AtLeast => version >= bound,
            Comparison::After => version > bound,
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.comparison {
            Comparison::Before => "<",
            Comparison::AtMost => "<=",
            Comparison::Within => "=",
            Comparison::AtLeast => ">=",
            Comparison::After => ">",
        })?;
        let parts: Vec<String> = self.version.iter().map(u64::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// The leading numbers of a version: `5.0.0-dev` is 5, 0, 0.
fn numbers(version: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    for part in version.split('.') {
        let end = part.bytes().position(|b| !b.is_ascii_digit());
        let (digits, rest) = part.split_at(end.unwrap_or(part.len()));
        let Ok(number) = digits.parse() else { break };
        numbers.push(number);
        if !rest.is_empty() {
            break;
        }
    }
    numbers
}

fn goos(os: &str) -> &'static str {
    match os {
        "macos" => "darwin",
        other => find(&KNOWN_OS, other),
    }
}

fn goarch(arch: &str, big_endian: bool) -> &'static str {
    match (arch, big_endian) {
        ("x86", _) => "386",
        ("x86_64", _) => "amd64",
        ("aarch64", false) => "arm64",
        ("aarch64", true) => "arm64be",
        ("arm", true) => "armbe",
        ("loongarch64", _) => "loong64",
        ("mips", false) => "mipsle",
        ("mips64", false) => "mips64le",
        ("powerpc", _) => "ppc",
        ("powerpc64", false) => "ppc64le",
        ("powerpc64", true) => "ppc64",
        ("riscv32", _) => "riscv",
        ("wasm32" | "wasm64", _) => "wasm",
        (other, _) => find(&KNOWN_ARCH, other),
    }
}

/// Names that are the same in both languages; empty when Go has none.
fn find(known: &[&'static str], name: &str) -> &'static str {
    known
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(short: bool) -> Facts {
        Facts {
            goos: "linux",
            goarch: "amd64",
            short,
        }
    }

    #[track_caller]
    fn check(name: &str, expected: Option<bool>) {
        let expected = expected.map(Standard::Known);
        assert_eq!(standard(name, &facts(false)), expected, "{name}");
    }

    #[test]
    fn the_system_and_the_architecture_are_conditions() {
        check("linux", Some(true));
        check("unix", Some(true));
        check("windows", Some(false));
        check("amd64", Some(true));
        check("arm64", Some(false));
        check("GOOS:linux", None);
        check("Linux", None);
        check("", None);
        check("root", None);
    }

    #[test]
    fn rust_names_are_translated() {
        let pairs = [
            ("linux", "x86_64", "linux", "amd64"),
            ("macos", "aarch64", "darwin", "arm64"),
            ("freebsd", "riscv64", "freebsd", "riscv64"),
            ("haiku", "avr", "", ""),
        ];
        for (os, arch, goos, goarch) in pairs {
            let facts = Facts::new(os, arch, false);
            assert_eq!((facts.goos, facts.goarch), (goos, goarch));
        }
    }

    #[test]
    fn short_turns_the_net_off() {
        for (name, short) in [("short", true), ("net", false)] {
            assert_eq!(standard(name, &facts(true)), Some(Standard::Known(short)));
            check(name, Some(!short));
        }
    }

    #[test]
    fn go_conditions_follow_the_release_of_the_language() {
        check("gc", Some(true));
        check("gccgo", Some(false));
        check("go1.1", Some(true));
        check("go1.27", Some(true));
        check("go1.28", Some(false));
        check("go2.1", Some(false));
        check("go1.99999999999", Some(false));
        for name in ["go1", "go1.", "go01.1", "go1.0", "go1.2.3", "go1.x"] {
            check(name, None);
        }
    }

    #[test]
    fn a_program_is_looked_for_by_the_interpreter() {
        assert_eq!(
            standard("exec:a/b", &facts(false)),
            Some(Standard::Exec("a/b"))
        );
        check("exec", None);
    }

    #[test]
    fn additions_are_about_the_engine() {
        assert_eq!(addition("docker"), Some(Ok(Addition::Docker)));
        assert_eq!(addition("engine"), Some(Ok(Addition::Engine)));
        assert_eq!(addition("dockers"), None);
        assert_eq!(
            addition("engine:>=x"),
            Some(Err(
                "expected a version such as `>=5.0`, found `>=x`".to_owned()
            ))
        );
    }

    #[test]
    fn versions_compare_by_number() {
        let cases = [
            (">=5.0", "5.0.0", true),
            (">=5.0", "4.9.9", false),
            (">=5.0", "10.1", true),
            (">=5", "5.0.0-dev", true),
            (">5", "5.0.0", false),
            (">5", "5.0.1", true),
            ("<=4.3", "4.3.0", true),
            ("<=4.3", "4.3.1", false),
            ("<20.11", "20.10.24+dfsg1", true),
            ("=5", "5.4.2", true),
            ("5.4", "5.4.2", true),
            ("=5.4.2", "5.4", false),
            ("=5", "6", false),
        ];
        for (range, version, expected) in cases {
            let range = VersionRange::parse(range).unwrap();
            assert_eq!(range.contains(version), expected, "{range} {version}");
        }
    }
}
