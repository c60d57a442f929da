//! Trial names: the script's path below its folder, without the extension.

use std::collections::BTreeSet;
use std::path::Path;

/// The extensions of scripts, as Go's testscript has them.
const EXTENSIONS: [&str; 2] = ["txtar", "txt"];

/// The name of a script at this path below its folder; `None` when it is no script by its extension.
pub fn name(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?;
    let stem = path.with_extension("");
    EXTENSIONS
        .contains(&extension)
        .then(|| stem.to_string_lossy().into_owned())
}

/// Makes names unique: one that is taken gets `#1`, `#2`, … until it is free.
pub fn names(wanted: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let free = |taken: &BTreeSet<String>, wanted: String| {
        if !taken.contains(&wanted) {
            return wanted;
        }
        let numbered = (1..).map(|number: u32| format!("{wanted}#{number}"));
        numbered
            .into_iter()
            .find(|name| !taken.contains(name))
            .unwrap_or(wanted)
    };
    wanted
        .into_iter()
        .map(|wanted| {
            let name = free(&taken, wanted);
            taken.insert(name.clone());
            name
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(name(Path::new(path)).as_deref(), expected);
    }

    #[test]
    fn a_name_is_the_path_without_the_extension() {
        check("run.txtar", Some("run"));
        check("container/run.txt", Some("container/run"));
        check("a.b.txtar", Some("a.b"));
        check("a.txtar.txt", Some("a.txtar"));
        check("notes.md", None);
        check("txtar", None);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let wanted = ["a", "a", "b", "a#1", "a"].map(str::to_owned);
        assert_eq!(names(wanted), ["a", "a#1", "b", "a#1#1", "a#2"]);
    }
}
