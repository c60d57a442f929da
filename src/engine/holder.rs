//! Who has a name: the thing of that name in the engine, when it was made, and what its labels tell of its maker.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use crate::host::process::Runner;
use crate::model::ResourceKind;

/// The thing that has a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its id, or empty.
    pub id: String,
    /// When it was made, in the engine's words, to the second; or empty.
    pub made: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Asks who has it; `None` when nobody has, or it cannot be told.
pub fn of_name(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    name: &str,
    limit: Duration,
) -> Option<Holder> {
    let noun = kind.to_string();
    let completed = client.call(runner, &[&noun, "inspect", name], limit);
    if !completed.succeeded() {
        return None;
    }
    holder(&completed.stdout)
}

/// The engines agree neither on the case of keys nor on where labels are.
fn holder(stdout: &[u8]) -> Option<Holder> {
    let answer: Value = serde_json::from_slice(stdout).ok()?;
    // A pod is inspected alone, and answered without a list before Podman 5.
    let thing = answer.get(0).unwrap_or(&answer);
    let text = |keys: &[&str]| {
        let mut found = keys.iter().filter_map(|key| thing.get(key)?.as_str());
        found.next().unwrap_or_default().to_owned()
    };
    let labels = [
        &thing["Config"]["Labels"],
        &thing["Labels"],
        &thing["labels"],
    ];
    let labels = labels.into_iter().find_map(Value::as_object);
    let pairs = labels.into_iter().flatten();
    let made = text(&["Created", "CreatedAt", "created"]);
    let to_the_second = made.split_once('.').map_or(made.as_str(), |(head, _)| head);
    thing.is_object().then(|| Holder {
        id: text(&["Id", "ID", "id"]),
        made: to_the_second.trim_end_matches('Z').replace('T', " "),
        labels: pairs
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = holder(text.as_bytes()).map(|holder| {
            let labels: Vec<String> = holder
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("{} | {} | {}", holder.id, holder.made, labels.join(" "))
        });
        assert_eq!(shown.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn the_holder_of_a_name_is_read_from_each_engines_answer() {
        check(
            r#"[{"Id":"aa","Created":"2026-11-21T17:07:29.28983Z","Config":{"Labels":{"a":"1"}}}]"#,
            "aa | 2026-11-21 17:07:29 | a=1",
        );
        check(
            r#"[{"name":"n","id":"bb","created":"2026-11-21T17:07:29Z","labels":{"a":"1"}}]"#,
            "bb | 2026-11-21 17:07:29 | a=1",
        );
        check(
            r#"[{"CreatedAt":"2026-11-21T17:07:29Z","Labels":null,"Name":"v"}]"#,
            " | 2026-11-21 17:07:29 | ",
        );
        check(r#"{"Id":"cc","Labels":{"a":"1"}}"#, "cc |  | a=1");
        for nothing in ["", "[]", "null", "[1]"] {
            check(nothing, "");
        }
    }
}
