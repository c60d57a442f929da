//! What a command line was understood to mean, and the same command line with the flags by which the engine tells
//! us what it made. Pure; knows no flag but those that it inserts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::ledger::labels;
use crate::model::{AttemptId, Intent, ResourceKind, RunId};

/// What a command line was understood to mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What it will make, if it succeeds.
    pub made: Vec<Made>,
    /// The flag that sends it to another engine than the run's.
    pub elsewhere: Option<String>,
    /// The archive that it will load images from.
    pub archive: Option<Archive>,
    pub(super) insertion: Option<Insertion>,
}

/// Where an archive of images is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

/// One thing that a call will make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What.
    pub kind: ResourceKind,
    /// Its name as the engine will know it, or empty.
    pub name: String,
    /// Where its id will be written.
    pub id: IdFile,
    /// What must be asked before it is made.
    pub question: Question,
}

/// Where the engine writes an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdFile {
    /// Nowhere: it is known by label or name.
    None,
    /// In a file of ours, by this name.
    Ours(&'static str),
    /// In the file that the script names.
    Given(PathBuf),
}

/// What must be known before a thing is made, for afterwards nobody could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nothing: the engine refuses to make it twice, or tells its id.
    None,
    /// Is there one of this name?
    Name,
    /// Which images are there? An untagged build may end in an old one.
    Images,
}

/// Flags to insert right after the subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insertion {
    pub(super) at: usize,
    /// The flag and the name of our file.
    pub(super) id_flag: Option<(&'static str, &'static str)>,
    pub(super) marks: Marks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    None,
    Labels,
    /// A commit copies the container's labels to the image, and every container of that image would then carry
    /// them: they are blanked.
    Blank,
    /// A step of a build that fails leaves its container behind, without a name or label of ours: Docker is
    /// asked to remove it. Podman does so by itself.
    NoSteps,
}

/// Where and for whom a call is rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// An empty directory for this call's id files.
    pub directory: PathBuf,
    /// The script's directory, for paths that it gives.
    pub cwd: PathBuf,
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: AttemptId,
}

impl Reading {
    /// Whether anything is about to be made that has to be written down.
    pub fn makes_something(&self) -> bool {
        !self.made.is_empty() || self.archive.is_some()
    }

    /// The arguments for the real client.
    pub fn rewrite(&self, words: &[OsString], seat: &Seat) -> Vec<OsString> {
        let Some(Insertion { at, id_flag, marks }) = &self.insertion else {
            return words.to_vec();
        };
        let mut inserted = Vec::new();
        if let Some((flag, file)) = id_flag {
            let mut word = OsString::from(format!("--{flag}="));
            word.push(seat.directory.join(file));
            inserted.push(word);
        }
        match marks {
            Marks::None => {}
            Marks::NoSteps => inserted.push("--force-rm".into()),
            Marks::Labels => {
                let labels = labels::of(&seat.run, seat.attempt);
                inserted.extend(labels.map(|label| OsString::from(format!("--label={label}"))));
            }
            // One each: Podman reads a second pair in one instruction as part of the first value.
            Marks::Blank => inserted.extend(
                [labels::RUN, labels::ATTEMPT].map(|key| format!("--change=LABEL {key}=").into()),
            ),
        }
        let (head, tail) = words.split_at(*at);
        head.iter()
            .cloned()
            .chain(inserted)
            .chain(tail.iter().cloned())
            .collect()
    }

    /// What goes into the ledger, in the order of `made`. Whether a thing existed is for the caller to find out.
    pub fn intents(&self, seat: &Seat) -> Vec<Intent> {
        let intent = |made: &Made| Intent {
            kind: made.kind,
            name: made.name.clone(),
            id_file: made.id.path(seat),
            existed: false,
        };
        self.made.iter().map(intent).collect()
    }
}

impl IdFile {
    fn path(&self, seat: &Seat) -> String {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        match self {
            IdFile::None => String::new(),
            IdFile::Ours(file) => path(&seat.directory.join(file)),
            IdFile::Given(file) => path(&seat.cwd.join(file)),
        }
    }
}
