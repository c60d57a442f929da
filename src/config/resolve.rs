//! Lays what was typed over the settings, and keeps where each printed value came from.
//!
//! The order, highest first: command line, environment, script header, harness.toml, default.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{CleanupWhen, Dialect, EngineChoice, FlakyResult, LeakRule, OnHang, Settings, Width};
use crate::model::{EngineFacts, EngineKind, Policy};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of harness.toml.
    File {
        /// As the user knows it.
        file: String,
        /// From 1.
        line: u32,
    },
    /// A `#:` line of a script.
    Header {
        /// The script's file.
        file: String,
        /// From 1.
        line: u32,
    },
    /// A variable of the environment.
    Environment(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { file, line } | Origin::Header { file, line } => {
                write!(f, "{file}:{line}")
            }
            Origin::Environment(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// A value that knows where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A default.
    pub fn default_of(value: T) -> Self {
        let origin = Origin::Default;
        Sourced { value, origin }
    }

    /// A clause for reports: `chosen by --engine`, `chosen in harness.toml:3`, `the default`.
    pub fn clause(&self) -> String {
        match &self.origin {
            Origin::Default => "the default".to_owned(),
            origin @ (Origin::File { .. } | Origin::Header { .. }) => format!("chosen in {origin}"),
            origin @ (Origin::Environment(_) | Origin::Flag(_)) => format!("chosen by {origin}"),
        }
    }
}

/// A value and why it holds, as a clause for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasoned<T> {
    /// The value.
    pub value: T,
    /// Why, as a clause.
    pub reason: String,
}

/// What was typed for this run, over whatever harness.toml says. `None` and `false`: nothing typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--engine`
    pub engine: Option<Sourced<EngineChoice>>,
    /// `--policy`
    pub policy: Option<Sourced<Policy>>,
    /// `--deadline`
    pub deadline: Option<Sourced<Duration>>,
    /// `--dialect`
    pub dialect: Option<Dialect>,
    /// `--state-dir`
    pub state_dir: Option<String>,
    /// `--test-threads`
    pub width: Option<NonZeroU32>,
    /// `--require-engine`
    pub require_engine: bool,
    /// `--strict`
    pub strict: bool,
    /// `--keep`
    pub cleanup: Option<CleanupWhen>,
    /// `--on-hang`
    pub on_hang: Option<OnHang>,
    /// `--leak`
    pub leak: Option<Sourced<LeakRule>>,
    /// `--retries`
    pub retries: Option<Sourced<u32>>,
    /// `--flaky-result`
    pub flaky: Option<FlakyResult>,
}

/// A policy that the engine does not bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}` ({origin}) is not possible on {engine}: expected `serial` or `gated`")]
pub struct PolicyRefused {
    /// What was asked for.
    pub policy: Policy,
    /// By whom.
    pub origin: Origin,
    /// The engine, as a title.
    pub engine: String,
}

impl Settings {
    /// These settings with what was typed laid over them.
    #[must_use]
    pub fn resolve(mut self, typed: &Overrides) -> Settings {
        if let Some(engine) = &typed.engine {
            self.engine.choice = engine.clone();
        }
        if let Some(deadline) = &typed.deadline {
            self.deadline = deadline.clone();
        }
        if let Some(dialect) = typed.dialect {
            self.dialect = dialect;
        }
        if let Some(state_dir) = &typed.state_dir {
            self.state_dir.clone_from(state_dir);
        }
        if let Some(width) = typed.width {
            self.policy.width = Width::Of(width);
        }
        if let Some(on_hang) = typed.on_hang {
            self.on_hang = on_hang;
        }
        if let Some(leak) = &typed.leak {
            self.leak = leak.clone();
        }
        if let Some(retries) = &typed.retries {
            self.retry.failures = retries.clone();
        }
        if let Some(flaky) = typed.flaky {
            self.retry.flaky = flaky;
        }
        if let Some(when) = typed.cleanup {
            self.cleanup.when = when;
        }
        self.policy.forced.clone_from(&typed.policy);
        self.engine.require |= typed.require_engine;
        self.cleanup.strict |= typed.strict;
        self
    }

    /// The deadline of a script whose header says `header`: below what was typed, above the rest.
    pub fn deadline_for(&self, header: Option<Sourced<Duration>>) -> Sourced<Duration> {
        match (&self.deadline.origin, header) {
            (Origin::Default | Origin::File { .. } | Origin::Header { .. }, Some(header)) => header,
            (Origin::Environment(_) | Origin::Flag(_), _) | (_, None) => self.deadline.clone(),
        }
    }

    /// The rule for leaks of a script whose header says `header`, by the same order.
    pub fn leak_for(&self, header: Option<LeakRule>) -> LeakRule {
        match (&self.leak.origin, header) {
            (Origin::Default | Origin::File { .. } | Origin::Header { .. }, Some(header)) => header,
            (Origin::Environment(_) | Origin::Flag(_), _) | (_, None) => self.leak.value,
        }
    }

    /// How many scripts of this group may run at once.
    pub fn limit_of(&self, group: &str) -> u32 {
        self.groups.get(group).copied().unwrap_or(1)
    }

    /// How often a script whose header says `header` is tried again, by the same order.
    pub fn retries_for(&self, header: Option<u32>) -> u32 {
        let failures = &self.retry.failures;
        match (&failures.origin, header) {
            (Origin::Default | Origin::File { .. } | Origin::Header { .. }, Some(header)) => header,
            (Origin::Environment(_) | Origin::Flag(_), _) | (_, None) => failures.value,
        }
    }

    /// The policy of the container lane on this engine, and why.
    pub fn policy_for(&self, engine: &EngineFacts) -> Result<Reasoned<Policy>, PolicyRefused> {
        let socket = engine.server == EngineKind::Podman && engine.remote;
        let (own, default) = match (engine.server, socket) {
            (EngineKind::Docker, _) => (&self.policy.docker, "the default for Docker"),
            (EngineKind::Podman, false) => (
                &self.policy.podman,
                "the default for local Podman, which fails under starts that overlap",
            ),
            (EngineKind::Podman, true) => (
                &self.policy.podman_socket,
                "the default for Podman behind a socket, which fails under starts that overlap",
            ),
        };
        let policy = self.policy.forced.as_ref().unwrap_or(own);
        if socket && policy.value == Policy::Parallel {
            return Err(PolicyRefused {
                policy: policy.value,
                origin: policy.origin.clone(),
                engine: format!("{} behind a socket", engine.title()),
            });
        }
        let reason = match policy.origin {
            Origin::Default => default.to_owned(),
            Origin::File { .. }
            | Origin::Header { .. }
            | Origin::Environment(_)
            | Origin::Flag(_) => policy.clause(),
        };
        Ok(Reasoned {
            value: policy.value,
            reason,
        })
    }
}
