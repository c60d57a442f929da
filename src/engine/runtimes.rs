//! What OCI runtimes hold by themselves. A step of a build that was killed is known to no client of Podman: only the
//! runtime has it, with the path of its bundle, which is below the `TMPDIR` of the build.
//!
//! Reads the runtimes' state files; decides nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::host::process::{Invocation, user, variable};
use crate::host::search;

/// The runtimes that builds use.
const RUNTIMES: [&str; 2] = ["runc", "crun"];

/// A container that a runtime holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// `runc` or `crun`.
    pub runtime: &'static str,
    /// Where the runtime keeps its state.
    pub root: PathBuf,
    /// The runtime's name for it.
    pub id: String,
    /// Its bundle.
    pub bundle: PathBuf,
}

impl Held {
    /// The runtime still has it.
    pub fn is_there(&self) -> bool {
        self.root.join(&self.id).exists()
    }

    /// The command that a person types to remove it.
    pub fn remedy(&self) -> String {
        let Held {
            runtime, root, id, ..
        } = self;
        format!("{runtime} --root {} delete --force {id}", root.display())
    }

    /// The same for ourselves; `None` without the runtime's program.
    pub fn deletion(&self, environment: &[(OsString, OsString)]) -> Option<Invocation> {
        use std::os::unix::ffi::OsStrExt;
        let path = variable(environment, "PATH")?;
        let words = ["delete", "--force", &self.id].map(OsString::from);
        let root = ["--root".into(), self.root.clone().into_os_string()];
        Some(Invocation {
            program: search::executable(self.runtime.as_bytes(), path.as_bytes())?,
            arguments: root.into_iter().chain(words).collect(),
            environment: environment.to_vec(),
            directory: Some("/".into()),
        })
    }
}

/// Everything that this user's runtimes hold with a bundle below a directory.
pub fn held_below(directory: &Path, environment: &[(OsString, OsString)]) -> Vec<Held> {
    let mut found = Vec::new();
    // Whatever is below `/` or `/tmp` is everybody's.
    if !directory.is_absolute() || directory.components().count() < 3 {
        return found;
    }
    for base in bases(environment) {
        for runtime in RUNTIMES {
            found.extend(held(runtime, &base.join(runtime)));
        }
    }
    found.retain(|held| held.bundle.starts_with(directory));
    found
}

/// Where runtimes keep their state, by Podman's choice of a runtime directory.
fn bases(environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let user = user();
    if user == 0 {
        return vec!["/run".into()];
    }
    let set = variable(environment, "XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = [
        format!("/run/user/{user}"),
        format!("/tmp/podman-run-{user}"),
    ];
    let mut bases: Vec<PathBuf> = set.into_iter().chain(usual.map(PathBuf::from)).collect();
    bases.sort();
    bases.dedup();
    bases
}

fn held(runtime: &'static str, root: &Path) -> Vec<Held> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let held = entries.filter_map(|entry| {
        let id = entry.file_name().into_string().ok()?;
        let state = ["state.json", "status"].map(|name| entry.path().join(name));
        let text = state.iter().find_map(|file| fs::read(file).ok())?;
        let bundle = bundle(&serde_json::from_slice(&text).ok()?)?;
        Some(Held {
            runtime,
            root: root.to_owned(),
            id,
            bundle,
        })
    });
    held.collect()
}

/// runc has it among its labels, crun by its name.
fn bundle(state: &Value) -> Option<PathBuf> {
    let lists = [&state["labels"], &state["config"]["labels"]];
    let labels = lists.into_iter().filter_map(Value::as_array).flatten();
    let mut labels = labels.filter_map(Value::as_str);
    let label = labels.find_map(|label| label.strip_prefix("bundle="));
    label
        .or_else(|| state["bundle"].as_str())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runtime_holds_is_known_by_its_bundle() {
        let place = tempfile::tempdir().unwrap();
        let work = place.path().join("work/script-a");
        let put = |path: &str, text: String| {
            let file = place.path().join("run").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let ours = work.join(".tmp/buildah1");
        put(
            "runc/one/state.json",
            format!(
                r#"{{"config":{{"labels":["x=y","bundle={}"]}}}}"#,
                ours.display()
            ),
        );
        put(
            "crun/two/status",
            format!(r#"{{"pid":1,"bundle":"{}"}}"#, ours.display()),
        );
        put(
            "runc/other/state.json",
            format!(
                r#"{{"config":{{"labels":["bundle={}-b/x"]}}}}"#,
                work.display()
            ),
        );
        put("runc/torn/state.json", "{".to_owned());
        put("runc/odd/state.json", "{}".to_owned());
        let environment = [("XDG_RUNTIME_DIR".into(), place.path().join("run").into())];
        let found: Vec<String> = RUNTIMES
            .iter()
            .flat_map(|runtime| held(runtime, &place.path().join("run").join(runtime)))
            .filter(|held| held.bundle.starts_with(&work))
            .map(|held| held.remedy())
            .collect();
        let root = place.path().join("run");
        assert_eq!(
            found,
            [
                format!("runc --root {}/runc delete --force one", root.display()),
                format!("crun --root {}/crun delete --force two", root.display()),
            ]
        );
        if user() != 0 {
            assert_eq!(held_below(&work, &environment).len(), 2);
        }
        for broad in ["", "/", "/tmp", "relative/path/to/work"] {
            assert_eq!(held_below(Path::new(broad), &environment), [], "{broad}");
        }
    }
}
