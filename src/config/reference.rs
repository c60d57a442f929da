//! The settings as text, for the help and docs/harness-toml.md.

use std::fmt::Write;

use super::settings;
use super::tries::LISTS;

/// Every setting with its section, what it expects, its default and what it is for, as Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    let mut last = None;
    for setting in settings() {
        let section = setting.section;
        if last != Some(section) {
            let title = match section {
                "" => "At the top of the file".to_owned(),
                section if LISTS.iter().any(|(list, _)| *list == section) => {
                    format!("`[[{section}]]`")
                }
                section => format!("`[{section}]`"),
            };
            let gap = if last.is_some() { "\n" } else { "" };
            writeln!(text, "{gap}## {title}").expect("writing to a string cannot fail");
            last = Some(section);
        }
        let default = match setting.default {
            "" => String::new(),
            default => format!(" Default: `{default}`."),
        };
        writeln!(
            text,
            "\n### `{}`\n\n{}\n\nExpects {}.{default}",
            setting.key, setting.about, setting.expected
        )
        .expect("writing to a string cannot fail");
    }
    text
}
