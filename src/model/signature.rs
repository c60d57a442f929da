//! What an engine says when something of a known kind goes wrong, as one entry of a catalogue. Held against
//! outputs by `classify`; here is only its shape.

use serde::{Deserialize, Serialize};

use super::EngineVersion;

/// Known trouble: how its words look, what it means, and whether a second try can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its name; unique.
    pub id: String,
    /// Whose words they are.
    pub scope: Scope,
    /// Only of these versions of the engine's server.
    pub versions: Option<EngineVersion>,
    /// A regular expression in Rust's syntax, held against each line.
    pub regex: String,
    /// Where the words are looked for.
    pub place: Where,
    /// The kind of trouble.
    pub class: TroubleClass,
    /// The machine or the configuration is wrong, not the script.
    pub env: bool,
    /// Exit codes of the client that it comes with; empty: any.
    pub exit: Vec<i32>,
    /// Engine commands after which another try is safe and can help: `run`, `network rm`.
    pub retry: Vec<String>,
    /// Tries beyond the first, at most.
    pub max: u32,
    /// The words prove that the thing they name does not exist.
    pub absent: bool,
    /// Commands for which the words say that the aim is reached, or about to be.
    pub benign_for: Vec<String>,
    /// Why it happens; empty when nobody wrote it down.
    pub cause: String,
    /// What to do; empty when nobody wrote it down.
    pub remedy: String,
}

/// Whose words a signature has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The failing program called Docker.
    Docker,
    /// It called Podman, local or behind a socket.
    Podman,
    /// It called Podman behind a socket.
    PodmanService,
    /// It called some engine.
    Any,
    /// The machine's, whatever was called.
    Host,
    /// A machine's within the script, whatever was called.
    Guest,
    /// A test harness's, whatever was called.
    Harness,
}

impl Scope {
    /// All of them, with the words that name them.
    pub const WORDS: [(&'static str, Scope); 7] = [
        ("docker", Scope::Docker),
        ("podman", Scope::Podman),
        ("podman-service", Scope::PodmanService),
        ("any", Scope::Any),
        ("host", Scope::Host),
        ("guest", Scope::Guest),
        ("harness", Scope::Harness),
    ];
}

/// Where the words of a signature are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// In the stderr of the program that made the line fail.
    #[default]
    Stderr,
    /// There as well; but such a line is never the cause of a failure.
    Warning,
    /// In the script's log.
    Log,
    /// In the stacks of a script that hangs.
    Stack,
}

impl Where {
    /// All of them, with the words that name them.
    pub const WORDS: [(&'static str, Where); 4] = [
        ("stderr", Where::Stderr),
        ("warning", Where::Warning),
        ("log", Where::Log),
        ("stack", Where::Stack),
    ];
}

/// The kind of trouble that a signature tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleClass {
    /// The engine failed, and may do better the next time.
    TransientEngine,
    /// Something ran out.
    ResourceExhaustion,
    /// Something was not done yet.
    Timing,
    /// Something is left from before.
    StaleState,
    /// Two want the same thing.
    ArtifactCollision,
    /// A mistake of the script's, the configuration's or the machine's.
    UserError,
    /// Something waits for ever.
    Hang,
}

impl TroubleClass {
    /// All of them, with the words that name them.
    pub const WORDS: [(&'static str, TroubleClass); 7] = [
        ("transient-engine", TroubleClass::TransientEngine),
        ("resource-exhaustion", TroubleClass::ResourceExhaustion),
        ("timing", TroubleClass::Timing),
        ("stale-state", TroubleClass::StaleState),
        ("artifact-collision", TroubleClass::ArtifactCollision),
        ("user-error", TroubleClass::UserError),
        ("hang", TroubleClass::Hang),
    ];
}
