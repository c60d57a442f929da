//! Calls of the real client: which words, which environment. Knows the two dialects, not what is asked.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::api::Api;
use crate::host::process::{Completed, Invocation, Runner};
use crate::model::{EngineFacts, EngineKind};

/// A client program, its dialect and the environment that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    program: PathBuf,
    kind: EngineKind,
    dialect: EngineKind,
    environment: Vec<(OsString, OsString)>,
    /// The engine's own unix socket, and what serves it.
    socket: Option<(PathBuf, EngineKind)>,
}

impl Client {
    /// The client of a detected engine, under the environment that it was detected with.
    pub fn of(facts: &EngineFacts, environment: Vec<(OsString, OsString)>) -> Self {
        // A `docker` that reaches Podman without a service is Podman's own program by another name.
        let emulated = facts.server == EngineKind::Podman && !facts.remote;
        Client {
            program: PathBuf::from(&facts.client),
            kind: facts.kind,
            dialect: if emulated {
                EngineKind::Podman
            } else {
                facts.kind
            },
            environment,
            socket: facts.socket().map(|path| (path.into(), facts.server)),
        }
    }

    /// A client of which nothing but its name is known; its dialect is its name's.
    pub fn named(
        kind: EngineKind,
        program: PathBuf,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        Client {
            program,
            kind,
            dialect: kind,
            environment,
            socket: None,
        }
    }

    /// The same client, of an engine that can be asked over its own socket as well.
    #[must_use]
    pub fn with_socket(mut self, facts: &EngineFacts) -> Self {
        self.socket = facts.socket().map(|path| (path.into(), facts.server));
        self
    }

    /// The engine's own unix socket, where it has one that can be reached from here, and what serves it.
    pub fn api(&self) -> Option<(Api, EngineKind)> {
        let (path, server) = self.socket.as_ref()?;
        Some((Api::at(path), *server))
    }

    /// The same, with a variable set for it.
    #[must_use]
    pub fn with(mut self, name: &str, value: OsString) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value));
        self
    }

    /// By which name it is called.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// What people type: `docker` or `podman`.
    pub fn command(&self) -> &'static str {
        self.kind.command()
    }

    /// Whose flags it takes.
    pub fn dialect(&self) -> EngineKind {
        self.dialect
    }

    /// The variables that it is called with.
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// The program, absolute.
    pub fn program(&self) -> &std::path::Path {
        &self.program
    }

    /// A call of the client. It runs in `/`, so that no relative path means anything.
    pub fn invocation<I, S>(&self, arguments: I) -> Invocation
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Invocation {
            program: self.program.clone(),
            arguments: arguments
                .into_iter()
                .map(|word| word.as_ref().to_owned())
                .collect(),
            environment: self.environment.clone(),
            directory: Some(PathBuf::from("/")),
        }
    }

    /// Calls it, bounded.
    pub fn call<S: AsRef<OsStr>>(
        &self,
        runner: &mut dyn Runner,
        arguments: &[S],
        limit: Duration,
    ) -> Completed {
        runner.run(&self.invocation(arguments), limit)
    }
}
