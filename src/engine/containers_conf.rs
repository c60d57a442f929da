//! The configuration that local Podman gets for one attempt: the user's own, with a private event journal laid over.
//! Knows Podman's files and their order, not what the journal is read for.
//!
//! Podman from 4.5 on reads one more file last, named by `CONTAINERS_CONF_OVERRIDE`. Before, only `CONTAINERS_CONF`
//! exists, and it replaces every other file: so these are merged first, key by key as Podman does.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::host::process::variable;
use crate::model::{EngineFacts, EngineKind};

/// Podman forgets the older half of a journal that grows beyond this, in bytes; its default is 1 MB.
const JOURNAL_SIZE: i64 = 1 << 30;

/// Where distributions keep their defaults.
const DISTRIBUTION: &str = "/usr/share/containers/containers.conf";
/// Where the machine's administrator overrides them.
const MACHINE: &str = "/etc/containers/containers.conf";

/// What names a configuration to Podman, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainersConf {
    /// The variable that is to hold the file's path.
    pub variable: &'static str,
    /// The file's content, TOML.
    pub text: String,
}

/// A configuration of the user's that cannot be carried over, so Podman is left alone.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// It is there and cannot be read.
    #[error("cannot read `{}`: {source}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("expected TOML in `{}`: {source}", .file.display())]
    NoToml {
        /// Which.
        file: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
}

/// Whether an engine keeps the journal that it is told to: Podman that works in its client. A service has a
/// configuration of its own.
pub fn applies(facts: &EngineFacts) -> bool {
    facts.server == EngineKind::Podman && !facts.remote
}

/// The variable by which Podman of this version is told, and which a script may have taken for itself.
pub fn variable_for(version: &str) -> &'static str {
    if is_since_4_5(version) {
        "CONTAINERS_CONF_OVERRIDE"
    } else {
        "CONTAINERS_CONF"
    }
}

/// The configuration under which every event goes to `journal`.
pub fn with_journal(
    facts: &EngineFacts,
    environment: &[(OsString, OsString)],
    journal: &Path,
) -> Result<ContainersConf, ConfError> {
    let variable = variable_for(&facts.version);
    let has_override = variable != "CONTAINERS_CONF";
    let files = if has_override {
        named(environment, variable).into_iter().collect()
    } else {
        chain(environment, facts.rootless)
    };
    let mut conf = merged(&files)?;
    if has_override && !chooses_sysctls(environment, facts.rootless)? {
        // Writing it fails where the group is not mapped; without it a container has the kernel's own range.
        let none = Value::Array(Vec::new());
        lay_over(
            &mut conf,
            section("containers", [("default_sysctls", none)]),
        );
    }
    let keys = [
        ("events_logger", Value::from("file")),
        (
            "events_logfile_path",
            Value::from(journal.to_string_lossy().into_owned()),
        ),
        ("events_logfile_max_size", Value::from(JOURNAL_SIZE)),
    ];
    lay_over(&mut conf, section("engine", keys));
    Ok(ContainersConf {
        variable,
        text: conf.to_string(),
    })
}

/// Somebody nearer than the distribution has decided about sysctls.
fn chooses_sysctls(
    environment: &[(OsString, OsString)],
    rootless: bool,
) -> Result<bool, ConfError> {
    let mut files = chain(environment, rootless);
    files.retain(|file| file.path != Path::new(DISTRIBUTION));
    files.extend(named(environment, "CONTAINERS_CONF_OVERRIDE"));
    let conf = merged(&files)?;
    let containers = conf.get("containers").and_then(Value::as_table);
    Ok(containers.is_some_and(|containers| containers.contains_key("default_sysctls")))
}

fn is_since_4_5(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let first = numbers.next().flatten().unwrap_or_default();
    let second = numbers.next().flatten().unwrap_or_default();
    (first, second) >= (4, 5)
}

/// A file that Podman reads.
struct Source {
    path: PathBuf,
    /// Podman does not go on without a file that a variable names.
    must_exist: bool,
}

fn optional(path: PathBuf) -> Source {
    Source {
        path,
        must_exist: false,
    }
}

fn set(environment: &[(OsString, OsString)], name: &str) -> Option<PathBuf> {
    let value = variable(environment, name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

fn named(environment: &[(OsString, OsString)], name: &str) -> Option<Source> {
    let source = |path| Source {
        path,
        must_exist: true,
    };
    set(environment, name).map(source)
}

/// The files that Podman reads, the nearest last.
fn chain(environment: &[(OsString, OsString)], rootless: bool) -> Vec<Source> {
    if let Some(only) = named(environment, "CONTAINERS_CONF") {
        return vec![only];
    }
    let home = || set(environment, "HOME").map(|home| home.join(".config"));
    let own = set(environment, "XDG_CONFIG_HOME").or_else(home);
    let own = own.filter(|_| rootless);
    let own = own.map(|base| base.join("containers/containers.conf"));
    let mut files = vec![PathBuf::from(DISTRIBUTION)];
    for file in [Some(MACHINE.into()), own].into_iter().flatten() {
        let pieces = pieces(&file);
        files.push(file);
        files.extend(pieces);
    }
    files.into_iter().map(optional).collect()
}

/// `containers.conf.d/*.conf` beside a file, in the order of their names.
fn pieces(file: &Path) -> Vec<PathBuf> {
    let mut folder = file.as_os_str().to_owned();
    folder.push(".d");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .collect();
    found.sort();
    found
}

fn merged(files: &[Source]) -> Result<Table, ConfError> {
    let mut conf = Table::new();
    for Source { path, must_exist } in files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => continue,
            Err(source) => {
                let file = path.clone();
                return Err(ConfError::Unreadable { file, source });
            }
        };
        let table = text.parse::<Table>().map_err(|source| ConfError::NoToml {
            file: path.clone(),
            source,
        })?;
        lay_over(&mut conf, table);
    }
    Ok(conf)
}

fn section<const N: usize>(name: &str, keys: [(&str, Value); N]) -> Table {
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value));
    let section = Value::Table(keys.collect());
    std::iter::once((name.to_owned(), section)).collect()
}

/// Tables are merged, every other value is replaced.
fn lay_over(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user's home with these files below it.
    struct Home(tempfile::TempDir);

    impl Home {
        fn with(files: &[(&str, &str)]) -> Self {
            let place = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = place.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Home(place)
        }

        /// What Podman of this version is told; `set` are variables with files of this home.
        fn told(&self, version: &str, set: &[(&str, &str)]) -> Result<ContainersConf, ConfError> {
            let mut environment = vec![("HOME".into(), self.0.path().into())];
            for (name, file) in set {
                environment.push(((*name).into(), self.0.path().join(file).into()));
            }
            with_journal(&facts(version), &environment, Path::new("/ids/journal"))
        }

        fn table(&self, version: &str, set: &[(&str, &str)]) -> Table {
            self.told(version, set).unwrap().text.parse().unwrap()
        }
    }

    fn facts(version: &str) -> EngineFacts {
        let text = format!(
            r#"{{"kind":"podman","client":"/usr/bin/podman","client_version":"{version}","version":"{version}",
            "server":"podman","remote":false,"rootless":true,"storage_driver":"vfs",
            "oci_runtime":{{"name":"","version":"","path":""}},"network_helper":{{"name":"","version":"","path":""}},
            "endpoint":"","identity":"","reason":""}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_variable_is_the_one_that_the_version_knows() {
        for (version, expected) in [
            ("4.3.1", "CONTAINERS_CONF"),
            ("4.4.9", "CONTAINERS_CONF"),
            ("4.5.0", "CONTAINERS_CONF_OVERRIDE"),
            ("5.0.0-dev", "CONTAINERS_CONF_OVERRIDE"),
            ("nonsense", "CONTAINERS_CONF"),
        ] {
            assert_eq!(variable_for(version), expected, "{version}");
        }
    }

    #[test]
    fn an_old_podman_gets_what_it_would_have_read_with_the_journal_laid_over() {
        let home = Home::with(&[
            (
                ".config/containers/containers.conf",
                "[engine]\nruntime = \"runc\"\nevents_logger = \"journald\"\n[engine.runtimes]\na = [\"/a\"]\n",
            ),
            (
                ".config/containers/containers.conf.d/2.conf",
                "[engine]\nruntime = \"crun\"\n[engine.runtimes]\nb = [\"/b\"]\n",
            ),
            (
                ".config/containers/containers.conf.d/1.conf",
                "[containers]\nenv = [\"A=1\"]\n",
            ),
            (".config/containers/containers.conf.d/note.txt", "no toml"),
        ]);
        let conf = home.table("4.3.1", &[]);
        assert_eq!(conf["engine"]["runtime"].as_str(), Some("crun"));
        assert_eq!(conf["engine"]["events_logger"].as_str(), Some("file"));
        assert_eq!(
            conf["engine"]["events_logfile_path"].as_str(),
            Some("/ids/journal")
        );
        let runtimes = conf["engine"]["runtimes"].as_table().unwrap();
        assert!(runtimes.contains_key("a") && runtimes.contains_key("b"));
        assert_eq!(conf["containers"]["env"][0].as_str(), Some("A=1"));
    }

    #[test]
    fn a_file_that_the_user_names_is_the_only_one() {
        let home = Home::with(&[
            (
                "mine.conf",
                "[engine]\nruntime = \"mine\"\n[containers]\ndefault_sysctls = [\"a=1\"]\n",
            ),
            (
                ".config/containers/containers.conf",
                "[engine]\ncgroup_manager = \"other\"\n",
            ),
        ]);
        let conf = home.table("4.3.1", &[("CONTAINERS_CONF", "mine.conf")]);
        assert_eq!(conf["engine"]["runtime"].as_str(), Some("mine"));
        assert_eq!(conf["engine"].get("cgroup_manager"), None);
        assert_eq!(
            conf["containers"]["default_sysctls"][0].as_str(),
            Some("a=1")
        );
    }

    #[test]
    fn a_newer_podman_gets_an_override_and_the_users_own_is_carried_over() {
        let home = Home::with(&[("over.conf", "[engine]\nruntime = \"mine\"\n")]);
        let own = [("CONTAINERS_CONF_OVERRIDE", "over.conf")];
        let conf = home.table("5.4.2", &own);
        assert_eq!(conf["engine"]["runtime"].as_str(), Some("mine"));
        assert_eq!(conf["engine"]["events_logger"].as_str(), Some("file"));
        let plain = home.table("5.4.2", &[]);
        assert_eq!(
            plain["engine"].get("runtime"),
            None,
            "Podman reads its files itself"
        );
    }

    #[test]
    fn sysctls_are_set_where_nobody_has_chosen_them() {
        let home = Home::with(&[("over.conf", "[containers]\ndefault_sysctls = [\"a=1\"]\n")]);
        let sysctls = |set: &[(&str, &str)]| {
            let conf = home.table("5.4.2", set);
            let containers = conf.get("containers")?.as_table()?.clone();
            Some(containers.get("default_sysctls")?.as_array()?.len())
        };
        assert_eq!(
            sysctls(&[("CONTAINERS_CONF_OVERRIDE", "over.conf")]),
            Some(1)
        );
        assert_eq!(sysctls(&[("CONTAINERS_CONF", "over.conf")]), None);
    }

    #[test]
    fn what_cannot_be_carried_over_is_named() {
        let home = Home::with(&[("bad.conf", "[engine\n")]);
        let error = home
            .told("4.3.1", &[("CONTAINERS_CONF", "bad.conf")])
            .unwrap_err();
        assert!(
            error.to_string().starts_with("expected TOML in `"),
            "{error}"
        );
        let missing = home.told("4.3.1", &[("CONTAINERS_CONF", "none.conf")]);
        assert!(
            matches!(missing, Err(ConfError::Unreadable { .. })),
            "Podman fails too"
        );
        let folder = home.told("4.3.1", &[("CONTAINERS_CONF", ".")]).unwrap_err();
        assert!(folder.to_string().starts_with("cannot read `"), "{folder}");
    }
}
