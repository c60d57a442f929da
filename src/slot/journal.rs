//! The private journal that local Podman keeps of an attempt: prepared when the first call of the attempt asks for it.
//!
//! Its files are beside the id files, since the monitors of containers read and write them for as long as they live;
//! the ledger's keeper deletes them. Reads no journal.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;

use super::serve::{Slot, path};
use crate::engine::containers_conf;
use crate::host::search;
use crate::ledger::intents::Ledger;
use crate::ledger::journal::JournalFiles;
use crate::model::{AttemptId, Bytes, EngineFacts};
use crate::wire::os_variables;

impl Slot<'_> {
    /// The variable and the file that lead Podman to the attempt's journal. `None` where no journal can be had: then
    /// nothing is proved by one, and the engine is asked.
    pub(super) fn journal(
        &self,
        facts: &EngineFacts,
        attempt: AttemptId,
    ) -> Option<(String, Bytes)> {
        if !containers_conf::applies(facts) {
            return None;
        }
        let files = JournalFiles::of(&Ledger::at(path(&self.setup.ledger)), attempt);
        let (variable, file) = match files.written_conf() {
            Some(written) => written,
            // Podman tells of a configuration of the user's that is wrong, and better than we could.
            None => self.write_conf(facts, &files).ok()?,
        };
        Some((variable.to_owned(), search::bytes(&file).into()))
    }

    fn write_conf(
        &self,
        facts: &EngineFacts,
        files: &JournalFiles,
    ) -> io::Result<(&'static str, std::path::PathBuf)> {
        let environment = os_variables(&self.setup.environment);
        let conf = containers_conf::with_journal(facts, &environment, &files.journal())
            .map_err(io::Error::other)?;
        let file = files.conf(conf.variable);
        if let Some(directory) = file.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
        }
        if let Err(error) = fs::write(&file, conf.text) {
            // Half of it must not be found by the next call.
            fs::remove_file(&file).ok();
            return Err(error);
        }
        Ok((conf.variable, file))
    }
}
