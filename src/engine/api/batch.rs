//! Are many things of one kind there? One list tells it of all at once. A list is only believed when it is whole and the
//! engine had no warnings; what it does not tell is for the exact question.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::Api;
use super::presence::{escaped, is_anonymous};
use crate::model::{Presence, ResourceKind};

/// The answers in the order of `ids`; `None` when no list tells it, or this one did not.
pub fn presences(
    api: &mut Api,
    kind: ResourceKind,
    ids: &[String],
    limit: Duration,
) -> Option<Vec<Presence>> {
    let path = match kind {
        ResourceKind::Container => "/containers/json?all=true&",
        ResourceKind::Network => "/networks?",
        // All of them: Podman joins filters for several names by "and", and then finds none.
        ResourceKind::Volume => "/volumes",
        ResourceKind::Pod | ResourceKind::Image | ResourceKind::Directory => return None,
    };
    let by_id = kind != ResourceKind::Volume;
    if ids.len() < 2 || (by_id && !ids.iter().all(|id| is_anonymous(id))) {
        return None;
    }
    let filters = serde_json::json!({ "id": ids }).to_string();
    let target = if by_id {
        format!("{path}filters={}", escaped(&filters))
    } else {
        path.to_owned()
    };
    let answer = api.get(&target, limit).ok()?;
    let listed = (answer.status == 200).then(|| listed(kind, &answer.body))??;
    let answer = |id: &String| {
        if listed.contains(id) {
            Presence::Present
        } else {
            Presence::Absent
        }
    };
    Some(ids.iter().map(answer).collect())
}

/// The ids in a list, or the names of volumes.
fn listed(kind: ResourceKind, body: &[u8]) -> Option<BTreeSet<String>> {
    let mut list: Value = serde_json::from_slice(body).ok()?;
    let mut key = "Id";
    if kind == ResourceKind::Volume {
        key = "Name";
        let warnings = list.get("Warnings").and_then(Value::as_array);
        if warnings.is_some_and(|warnings| !warnings.is_empty()) {
            return None;
        }
        list = list.get_mut("Volumes")?.take();
        // So Docker tells that there is none.
        if list.is_null() {
            list = Value::Array(Vec::new());
        }
    }
    let id = |thing: &Value| Some(thing.get(key)?.as_str()?.to_owned());
    list.as_array()?.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_list_is_believed() {
        let check = |kind, body: &str, expected: Option<&[&str]>| {
            let found = listed(kind, body.as_bytes());
            let expected = expected.map(|all| all.iter().map(|id| (*id).to_owned()).collect());
            assert_eq!(found, expected, "{body}");
        };
        let (container, volume) = (ResourceKind::Container, ResourceKind::Volume);
        check(container, "[]", Some(&[]));
        check(
            container,
            r#"[{"Id":"aa"},{"Id":"bb"}]"#,
            Some(&["aa", "bb"]),
        );
        for nothing in [
            "",
            "null",
            "{}",
            r#"{"message":"busy"}"#,
            r#"[{"Id":"aa"},{}]"#,
        ] {
            check(container, nothing, None);
        }
        check(
            volume,
            r#"{"Volumes":[{"Name":"v"}],"Warnings":null}"#,
            Some(&["v"]),
        );
        check(volume, r#"{"Volumes":null,"Warnings":[]}"#, Some(&[]));
        check(
            volume,
            r#"{"Volumes":[],"Warnings":["driver x does not answer"]}"#,
            None,
        );
        check(volume, r#"{"message":"busy"}"#, None);
    }
}
