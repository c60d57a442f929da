//! Copies of the user's registry credentials for one attempt, made at the attempt's first call of an engine.
//!
//! Only what a `login` would write is copied; the rest of Docker's directory (contexts, plug-ins, builders) is linked.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::environment::Copies;
use crate::host::process::variable;
use crate::model::EngineKind;

/// The attempt's copies below `directory`, for the client that is about to run. What cannot be copied is not
/// replaced: the client then works on the user's own, as without us.
pub(super) fn copies(
    directory: &Path,
    client: EngineKind,
    harness: &[(OsString, OsString)],
) -> Copies {
    let docker = directory.join("docker");
    let auth = directory.join("auth.json");
    match client {
        EngineKind::Docker => Copies {
            docker_config: copy_docker(&docker, harness).ok().map(|()| docker),
            auth_file: None,
        },
        EngineKind::Podman => Copies {
            docker_config: None,
            auth_file: copy_auth(&auth, harness).ok().map(|()| auth),
        },
    }
}

fn path(harness: &[(OsString, OsString)], name: &str) -> Option<PathBuf> {
    let value = variable(harness, name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

fn docker_directory(harness: &[(OsString, OsString)]) -> Option<PathBuf> {
    let home = || path(harness, "HOME").map(|home| home.join(".docker"));
    path(harness, "DOCKER_CONFIG").or_else(home)
}

/// Built aside and renamed, for two calls of one attempt may come at once.
fn copy_docker(target: &Path, harness: &[(OsString, OsString)]) -> io::Result<()> {
    if target.is_dir() {
        return Ok(());
    }
    let parent = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(parent)?;
    let aside = tempfile::tempdir_in(parent)?;
    let source = docker_directory(harness);
    let entries = source.map(fs::read_dir).and_then(Result::ok);
    for entry in entries.into_iter().flatten().flatten() {
        let copy = aside.path().join(entry.file_name());
        if entry.file_name() == "config.json" {
            fs::copy(entry.path(), &copy)?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600))?;
        } else {
            symlink(entry.path(), &copy)?;
        }
    }
    match fs::rename(aside.path(), target) {
        // Another call was faster; its copy is as good.
        Err(_) if target.is_dir() => Ok(()),
        renamed => renamed,
    }
}

/// Podman reads one file when it is named, and several when none is: they are joined, the first one wins.
fn copy_auth(target: &Path, harness: &[(OsString, OsString)]) -> io::Result<()> {
    if target.is_file() {
        return Ok(());
    }
    let named = path(harness, "REGISTRY_AUTH_FILE");
    let usual = || {
        let runtime =
            path(harness, "XDG_RUNTIME_DIR").map(|base| base.join("containers/auth.json"));
        let home = path(harness, "HOME");
        let config =
            path(harness, "XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
        let config = config.map(|base| base.join("containers/auth.json"));
        let docker = docker_directory(harness).map(|base| base.join("config.json"));
        [runtime, config, docker].into_iter().flatten().collect()
    };
    let sources: Vec<PathBuf> = named.map_or_else(usual, |file| vec![file]);
    let mut joined = Map::from_iter([("auths".to_owned(), Value::Object(Map::new()))]);
    for source in sources {
        let text = fs::read(source).unwrap_or_default();
        if let Ok(Value::Object(content)) = serde_json::from_slice(&text) {
            join(&mut joined, &content);
        }
    }
    let parent = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(parent)?;
    // The file of this crate is private to its user from the start.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(&serde_json::to_vec(&joined)?)?;
    file.persist(target)?;
    Ok(())
}

fn join(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for key in ["auths", "credHelpers", "credsStore"] {
        match (into.get_mut(key), from.get(key)) {
            (Some(Value::Object(have)), Some(Value::Object(more))) => {
                for (name, value) in more {
                    have.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            (None, Some(value)) => {
                into.insert(key.to_owned(), value.clone());
            }
            (Some(_), _) | (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<(OsString, OsString)>) {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = place.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let environment = vec![("HOME".into(), place.path().into())];
        (place, environment)
    }

    #[test]
    fn dockers_directory_is_a_copy_where_it_is_written_and_a_link_elsewhere() {
        let (place, environment) = home(&[
            (".docker/config.json", "{}"),
            (".docker/cli-plugins/docker-x", ""),
        ]);
        let to = place.path().join("attempt");
        let copy = copies(&to, EngineKind::Docker, &environment)
            .docker_config
            .unwrap();
        fs::write(copy.join("config.json"), "changed").unwrap();
        assert_eq!(
            fs::read_to_string(place.path().join(".docker/config.json")).unwrap(),
            "{}"
        );
        assert!(copy.join("cli-plugins/docker-x").is_file());
        let again = copies(&to, EngineKind::Docker, &environment)
            .docker_config
            .unwrap();
        assert_eq!(
            fs::read_to_string(again.join("config.json")).unwrap(),
            "changed"
        );
    }

    #[test]
    fn podmans_files_are_joined_and_the_first_wins() {
        let (place, mut environment) = home(&[
            (
                "run/containers/auth.json",
                r#"{"auths":{"a":{"auth":"1"}}}"#,
            ),
            (
                ".docker/config.json",
                r#"{"auths":{"a":{"auth":"2"},"b":{"auth":"3"}},"credHelpers":{"c":"x"},"psFormat":"y"}"#,
            ),
        ]);
        environment.push(("XDG_RUNTIME_DIR".into(), place.path().join("run").into()));
        let copy = copies(
            &place.path().join("attempt"),
            EngineKind::Podman,
            &environment,
        )
        .auth_file
        .unwrap();
        assert_eq!(
            fs::read_to_string(&copy).unwrap(),
            r#"{"auths":{"a":{"auth":"1"},"b":{"auth":"3"}},"credHelpers":{"c":"x"}}"#
        );
        assert_eq!(
            fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_user_without_credentials_gets_empty_ones() {
        let (place, environment) = home(&[]);
        let to = place.path().join("attempt");
        assert!(
            copies(&to, EngineKind::Docker, &environment)
                .docker_config
                .unwrap()
                .is_dir()
        );
        let auth = copies(&to, EngineKind::Podman, &environment)
            .auth_file
            .unwrap();
        assert_eq!(fs::read_to_string(auth).unwrap(), r#"{"auths":{}}"#);
    }
}
