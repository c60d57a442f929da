//! Finds scripts in folders. What is named itself is a script or a folder of them, whatever it is called.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Pattern;
use crate::plan;

/// A script that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The trial's name.
    pub name: String,
    /// The file as it is shown: below the folder as the user wrote it.
    pub file: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A folder or file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// It cannot be read.
    #[error("cannot read `{shown}`: {source}")]
    Unreadable {
        /// As the user wrote it.
        shown: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody named it, and it cannot be read.
    #[error(
        "cannot read `{shown}`: {source}\n  hint: no path was given, and `{shown}` is the default of `scripts` in harness.toml"
    )]
    NoDefault {
        /// Its name.
        shown: String,
        /// What the system said.
        source: io::Error,
    },
    /// It can be read once only, or not at all: a script is read by whoever plans it, and by whoever runs it.
    #[error(
        "expected a file or folder of scripts, and `{shown}` is neither\n  hint: pipe it in: shakedown run - <{shown}"
    )]
    NoFile {
        /// As the user wrote it.
        shown: String,
    },
    /// There is no script in it.
    #[error("no txtar nor txt scripts found in dir {shown}")]
    Empty {
        /// As the user wrote it.
        shown: String,
    },
}

impl DiscoverError {
    /// The same, where nobody named a folder or file.
    pub(super) fn of_default(self) -> Self {
        match self {
            DiscoverError::Unreadable { shown, source } => {
                DiscoverError::NoDefault { shown, source }
            }
            other @ (DiscoverError::NoDefault { .. }
            | DiscoverError::NoFile { .. }
            | DiscoverError::Empty { .. }) => other,
        }
    }
}

/// All scripts of the folders (searched recursively, sorted) and files, relative to `base`. `-` is the
/// script that came on standard input, if one did.
pub(super) fn discover(
    roots: &[String],
    base: &Path,
    exclude: &[Pattern],
    stdin: Option<&Path>,
) -> Result<Vec<Discovered>, DiscoverError> {
    let mut found = Vec::new();
    for root in roots {
        if let Some(path) = stdin.filter(|_| root == "-") {
            found.push(Discovered {
                name: "stdin".to_owned(),
                file: "<stdin>".to_owned(),
                path: path.to_owned(),
            });
            continue;
        }
        let path = base.join(root);
        let unreadable = |source| DiscoverError::Unreadable {
            shown: root.clone(),
            source,
        };
        let kind = fs::metadata(&path).map_err(unreadable)?.file_type();
        if kind.is_dir() {
            let before = found.len();
            walk(&path, Path::new(""), root, &mut found).map_err(unreadable)?;
            found.retain(|script| !exclude.iter().any(|pattern| pattern.matches(&script.name)));
            if found.len() == before {
                return Err(DiscoverError::Empty {
                    shown: root.clone(),
                });
            }
        } else if !kind.is_file() {
            return Err(DiscoverError::NoFile {
                shown: root.clone(),
            });
        } else {
            let file_name = path.file_name().map(PathBuf::from).unwrap_or_default();
            // A file that is named is a script whatever its extension.
            let name =
                plan::name(&file_name).unwrap_or_else(|| file_name.to_string_lossy().into_owned());
            found.push(Discovered {
                name,
                file: root.clone(),
                path,
            });
        }
    }
    let names = plan::names(found.iter().map(|script| script.name.clone()));
    for (script, name) in found.iter_mut().zip(names) {
        script.name = name;
    }
    Ok(found)
}

fn walk(folder: &Path, below: &Path, root: &str, found: &mut Vec<Discovered>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let below = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !is_hidden(&entry.file_name()) {
                walk(&entry.path(), &below, root, found)?;
            }
        } else if let Some(name) = plan::name(&below)
            && (kind.is_file() || may_be_read(&entry.path()))
        {
            let file = Path::new(root).join(&below).to_string_lossy().into_owned();
            found.push(Discovered {
                name,
                file,
                path: entry.path(),
            });
        }
    }
    Ok(())
}

/// `.git`, `.shakedown` and the like hold no scripts of anybody's suite.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Opening a FIFO would wait for ever. A link that leads nowhere is kept: whoever reads it tells so.
fn may_be_read(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |facts| facts.is_file())
}

/// The one script of this exact name, found without looking at the others; `None` when it takes a search.
pub(super) fn find_exact(
    name: &str,
    roots: &[String],
    base: &Path,
    exclude: &[Pattern],
) -> Option<Discovered> {
    let below_hidden = name
        .split('/')
        .rev()
        .skip(1)
        .any(|part| part.starts_with('.'));
    if name.contains('#') || below_hidden || exclude.iter().any(|pattern| pattern.matches(name)) {
        return None;
    }
    let mut found = Vec::new();
    for root in roots.iter().filter(|root| base.join(root).is_dir()) {
        for extension in ["txtar", "txt"] {
            let below = format!("{name}.{extension}");
            let path = base.join(root).join(&below);
            if path.is_file() {
                let file = Path::new(root).join(&below).to_string_lossy().into_owned();
                found.push(Discovered {
                    name: name.to_owned(),
                    file,
                    path,
                });
            }
        }
    }
    // Two of one name were numbered when they were listed.
    if found.len() == 1 { found.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[track_caller]
    fn check(files: &[&str], roots: &[&str], expected: &[(&str, &str)]) {
        let root = tree(files);
        let roots: Vec<String> = roots.iter().map(|&root| root.to_owned()).collect();
        let found = discover(
            &roots,
            root.path(),
            &[Pattern::new("skipped*").unwrap()],
            None,
        )
        .unwrap();
        let seen: Vec<(&str, &str)> = found
            .iter()
            .map(|s| (s.name.as_str(), s.file.as_str()))
            .collect();
        assert_eq!(seen, expected);
        for script in found.iter().filter(|script| !script.name.contains('#')) {
            if let Some(exact) = find_exact(&script.name, &roots, root.path(), &[]) {
                assert_eq!(exact, *script);
            }
        }
    }

    #[test]
    fn scripts_are_found_in_folders_sorted_and_named_by_their_path() {
        check(
            &[
                "s/b.txtar",
                "s/a.txt",
                "s/deep/c.txtar",
                "s/notes.md",
                "s/skipped.txtar",
            ],
            &["s"],
            &[
                ("a", "s/a.txt"),
                ("b", "s/b.txtar"),
                ("deep/c", "s/deep/c.txtar"),
            ],
        );
    }

    #[test]
    fn hidden_folders_are_searched_only_if_they_are_named() {
        let files = ["s/a.txt", "s/.git/b.txt", "s/deep/.x/c.txt", "s/.d.txt"];
        check(&files, &["s"], &[(".d", "s/.d.txt"), ("a", "s/a.txt")]);
        check(&files, &["s/.git"], &[("b", "s/.git/b.txt")]);
        let root = tree(&files);
        let exact = |name| find_exact(name, &["s".to_owned()], root.path(), &[]);
        assert_eq!(exact("deep/.x/c"), None);
        assert!(exact(".d").is_some());
    }

    #[test]
    fn what_is_no_file_is_no_script() {
        let root = tree(&["s/a.txt", "other/script"]);
        let at = |name: &str| root.path().join(name);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("s/fifo.txt"), fifo, 0o600.into(), 0).unwrap();
        for (to, link) in [
            ("../other/script", "s/link.txt"),
            ("../other", "s/folder.txt"),
            ("../other", "s/folder"),
            ("fifo.txt", "s/pipe.txt"),
            ("nowhere", "s/lost.txt"),
        ] {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        let names = |typed: &str| {
            let found = discover(&[typed.to_owned()], root.path(), &[], None).unwrap();
            let names: Vec<String> = found.into_iter().map(|script| script.name).collect();
            names.join(" ")
        };
        assert_eq!(names("s"), "a link lost");
        let typed = ["s/fifo.txt".to_owned()];
        let error = discover(&typed, root.path(), &[], None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a file or folder of scripts, and `s/fifo.txt` is neither\n  hint: pipe it in: shakedown run - <s/fifo.txt"
        );
    }

    #[test]
    fn names_that_are_taken_are_numbered() {
        check(
            &["x/bar.txtar", "y/bar.txtar"],
            &["x", "y"],
            &[("bar", "x/bar.txtar"), ("bar#1", "y/bar.txtar")],
        );
        check(
            &["x/bar.txtar"],
            &["x/bar.txtar"],
            &[("bar", "x/bar.txtar")],
        );
    }

    #[test]
    fn a_folder_without_scripts_and_a_missing_one_are_errors() {
        let root = tree(&["s/notes.md"]);
        let error = |name: &str| {
            discover(&[name.to_owned()], root.path(), &[], None)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error("s"), "no txtar nor txt scripts found in dir s");
        assert_eq!(
            error("gone"),
            "cannot read `gone`: No such file or directory (os error 2)"
        );
    }
}
