//! The variables of a script: what they are at first, and how they are read and set. Knows no process.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Setup;
use crate::host::search;
use crate::script::Dialect;

/// How compose is told what a project is called.
const COMPOSE: &[u8] = b"COMPOSE_PROJECT_NAME";

/// The environment that a script starts with, in the order in which it is shown.
pub fn environment(setup: &Setup, dialect: Dialect) -> Vec<(Vec<u8>, Vec<u8>)> {
    let work = search::bytes(&setup.work_dir);
    let tmp = search::bytes(&setup.work_dir.join(".tmp"));
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let mut variables = vec![
        pair("WORK", &work),
        pair("PATH", &setup.search_path),
        pair("GOTRACEBACK", b"system"),
        pair("HOME", b"/no-home"),
        pair("TMPDIR", &tmp),
        pair("devnull", b"/dev/null"),
        pair("/", b"/"),
        pair(":", b":"),
        pair("$", b"$"),
    ];
    variables.extend(setup.go_variables.iter().cloned());
    variables.push(pair("exe", b""));
    if dialect != Dialect::Testscript {
        variables.extend(setup.engine_variables.iter().cloned());
    }
    variables.extend(setup.variables.iter().cloned());
    if dialect != Dialect::Testscript {
        let engine = setup.engine.map_or("", |engine| engine.command());
        variables.push(pair("ENGINE", engine.as_bytes()));
        variables.push(pair("TAG", setup.tag.as_bytes()));
        variables.push(pair("RUN_ID", setup.run_id.as_bytes()));
        // Two scripts in folders of the same name would else share a project, and remove each other's containers.
        let own = setup.variables.iter().any(|(name, _)| name == COMPOSE);
        if !own {
            variables.push((COMPOSE.to_vec(), setup.tag.as_bytes().to_vec()));
        }
    }
    variables.extend(setup.typed.iter().cloned());
    variables
}

/// A script's variables now. A list, as in Go: a later entry wins, the first one gives the place.
#[derive(Debug)]
pub(super) struct Environment {
    variables: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Environment {
    pub(super) fn new(variables: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let mut environment = Environment {
            variables: Vec::with_capacity(variables.len()),
        };
        for (name, value) in variables {
            environment.set(&name, value);
        }
        environment
    }

    /// The value; `None` when the variable was never set.
    pub(super) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    pub(super) fn set(&mut self, name: &[u8], value: Vec<u8>) {
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name.to_vec(), value)),
        }
    }

    /// Every variable once, in the order in which they were first set.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// What a program gets: all of it, and where it is.
    pub(super) fn for_program<'a>(&'a self, directory: &'a Path) -> Vec<(&'a [u8], &'a [u8])> {
        let mut variables = Vec::with_capacity(self.variables.len() + 2);
        variables.extend(self.iter());
        variables.push((b"PWD".as_slice(), directory.as_os_str().as_bytes()));
        variables
    }
}
