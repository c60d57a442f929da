//! A script's variables, in the order in which they were first set.

use crate::script::Variables;

/// Names with their values; few enough that a list is the fastest map.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Environment {
    /// From a list in which a later duplicate wins, in the place of the first.
    pub(super) fn new(list: &[(Vec<u8>, Vec<u8>)]) -> Environment {
        let mut environment = Environment {
            entries: Vec::with_capacity(list.len() + 1),
        };
        for (name, value) in list {
            environment.set(name, value);
        }
        environment
    }

    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) {
        match self.entries.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.entries.push((name.to_vec(), value.to_vec())),
        }
    }

    pub(super) fn entries(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.entries
    }

    /// What a program gets: everything, and its directory as `PWD`.
    pub(super) fn for_program(&self, directory: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut entries = Vec::with_capacity(self.entries.len() + 1);
        entries.extend_from_slice(&self.entries);
        entries.push((b"PWD".to_vec(), directory.to_vec()));
        entries
    }
}

impl Variables for Environment {
    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let entry = self.entries.iter().find(|(known, _)| known == name);
        entry.map(|(_, value)| value.as_slice())
    }
}
