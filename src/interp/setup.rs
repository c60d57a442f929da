//! What a script starts with: its variables, its files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::script::{Dialect, Script, expand, go_text, path};

use super::environment::Environment;
use super::halt::{Halt, fail, text};
use super::os_error;

/// What [`execute`](super::execute) is given beside the script.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The work directory: absolute, without symbolic links, existing, empty.
    pub work_dir: PathBuf,
    /// The variables, as from [`initial_environment`]; a later duplicate wins.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the script starts; usually the work directory.
    pub directory: PathBuf,
    /// How much of the log is kept.
    pub detail: Detail,
    /// The work directory is going to be kept, so the log tells where it is.
    pub show_work_dir: bool,
    /// What a failed line means for the rest.
    pub on_failure: OnFailure,
    /// Long tests are to be skipped: `[short]`.
    pub short: bool,
    /// Whether registered programs may be called without `exec`.
    pub bare_programs: BarePrograms,
    /// What a file that occurs twice in the archive means.
    pub duplicate_names: DuplicateNames,
}

/// How much of the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Sections in which nothing failed are one line each.
    #[default]
    Sections,
    /// Everything, and the variables first.
    Everything,
}

/// What a failed line means for the rest of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is the last one.
    #[default]
    Stop,
    /// The next line follows.
    Continue,
}

/// Whether registered programs may be called without `exec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BarePrograms {
    /// They may.
    #[default]
    Allowed,
    /// They may not (Go: `RequireExplicitExec`).
    Refused,
}

/// What a file that occurs twice in the archive means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateNames {
    /// The later one replaces the earlier one.
    #[default]
    LastWins,
    /// A mistake (Go: `RequireUniqueNames`).
    Refused,
}

impl Setup {
    /// A setup with the defaults of Go's testscript.
    pub fn new(work_dir: PathBuf, environment: Vec<(Vec<u8>, Vec<u8>)>) -> Setup {
        Setup {
            directory: work_dir.clone(),
            work_dir,
            environment,
            detail: Detail::default(),
            show_work_dir: false,
            on_failure: OnFailure::default(),
            short: false,
            bare_programs: BarePrograms::default(),
            duplicate_names: DuplicateNames::default(),
        }
    }
}

/// What the initial variables are made of.
#[derive(Debug, Clone, Default)]
pub struct InitialValues {
    /// The work directory.
    pub work_dir: PathBuf,
    /// `PATH`: the harness's, with the directories of registered programs and shims in front.
    pub path: Vec<u8>,
    /// `GOCOVERDIR` of the harness; empty is as good as unset.
    pub gocoverdir: Vec<u8>,
    /// `GORACE` of the harness; empty is as good as unset.
    pub gorace: Vec<u8>,
    /// The engine's command, if there is one.
    pub engine: Option<Vec<u8>>,
    /// Unique to run, trial and attempt.
    pub tag: Vec<u8>,
    /// The run.
    pub run_id: Vec<u8>,
}

/// The variables of a new script, in the order in which they are shown. Nothing else is inherited.
pub fn initial_environment(values: &InitialValues, dialect: Dialect) -> Vec<(Vec<u8>, Vec<u8>)> {
    let work_dir = values.work_dir.as_os_str().as_bytes();
    let tmp = path::join(work_dir, b".tmp");
    let mut list: Vec<(&[u8], &[u8])> = vec![
        (b"WORK", work_dir),
        (b"PATH", &values.path),
        (b"GOTRACEBACK", b"system"),
        (b"HOME", b"/no-home"),
        (b"TMPDIR", &tmp),
        (b"devnull", b"/dev/null"),
        (b"/", b"/"),
        (b":", b":"),
        (b"$", b"$"),
    ];
    let inherited: [(&[u8], &Vec<u8>); 2] = [
        (b"GOCOVERDIR", &values.gocoverdir),
        (b"GORACE", &values.gorace),
    ];
    for (name, value) in inherited {
        if !value.is_empty() {
            list.push((name, value));
        }
    }
    list.push((b"exe", b""));
    if dialect == Dialect::Shakedown {
        list.extend(
            values
                .engine
                .iter()
                .map(|engine| (b"ENGINE".as_slice(), engine.as_slice())),
        );
        list.push((b"TAG", &values.tag));
        list.push((b"RUN_ID", &values.run_id));
    }
    let owned = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
    list.into_iter().map(owned).collect()
}

/// A failure while the files were written; the line is that of the marker to blame, or 0.
pub(super) struct UnpackFailure {
    pub(super) line: u32,
    pub(super) halt: Halt,
}

/// Makes `.tmp` and writes the archive's files below the work directory.
pub(super) fn unpack(
    script: &Script,
    setup: &Setup,
    environment: &Environment,
) -> Result<(), UnpackFailure> {
    // As Go does, the system's refusals are not blamed on a line.
    let system = |halt| UnpackFailure { line: 0, halt };
    let work_dir = setup.work_dir.as_os_str().as_bytes();
    let tmp = path::join(work_dir, b".tmp");
    make_directories(&tmp).map_err(system)?;
    let mut last_parent = work_dir.to_vec();
    for file in &script.archive.files {
        let name = expand(&file.name, environment);
        let target = path::clean(&path::absolute(work_dir, &name));
        if !is_inside(&target, work_dir) {
            let name = go_text::quote(&file.name);
            return Err(UnpackFailure {
                line: file.line,
                halt: Halt::Failed(text!("file ", name, " is outside working directory")),
            });
        }
        let parent = path::parent(&target);
        if parent != last_parent {
            make_directories(&parent).map_err(system)?;
            last_parent = parent;
        }
        let unique = setup.duplicate_names == DuplicateNames::Refused;
        match write_new(&target, &file.data, unique) {
            Err(Halt::Failed(_)) if unique && to_path(&target).exists() => {
                let why = " (because RequireUniqueNames is enabled)";
                return fail!(file.name, " would overwrite ", target, why).map_err(system);
            }
            other => other.map_err(system)?,
        }
    }
    Ok(())
}

/// Whether a clean path is the directory or below it.
fn is_inside(target: &[u8], directory: &[u8]) -> bool {
    let below = target.strip_prefix(directory);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn write_new(target: &[u8], data: &[u8], unique: bool) -> Result<(), Halt> {
    let mut options = OpenOptions::new();
    options.write(true);
    if unique {
        options.create_new(true);
    } else {
        options.create(true).truncate(true);
    }
    let failed = |operation| move |error: io::Error| os_error::failure(operation, target, &error);
    let mut file = options.open(to_path(target)).map_err(failed("open"))?;
    file.write_all(data).map_err(failed("write"))
}

/// Makes a directory with its parents; one that exists is fine.
pub(super) fn make_directories(target: &[u8]) -> Result<(), Halt> {
    // The common case is one new directory in one that exists.
    let Err(error) = fs::create_dir(to_path(target)) else {
        return Ok(());
    };
    let failed = |error: &io::Error| os_error::failure("mkdir", target, error);
    match fs::metadata(to_path(target)) {
        Ok(known) if known.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(&Errno::NOTDIR.into())),
        Err(_) => {}
    }
    let parent = path::parent(target);
    let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    if !missing.contains(&error.kind()) || parent == target {
        return Err(failed(&error));
    }
    make_directories(&parent)?;
    fs::create_dir(to_path(target)).map_err(|error| failed(&error))
}

/// Bytes as a path of the system.
pub(super) fn to_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Bytes as a path of the system, owned.
pub(super) fn to_path_buf(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}
