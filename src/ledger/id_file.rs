//! The files in which engines write the ids of what they make. What is no whole id proves nothing.

use std::fs;

use crate::model::Intent;

/// The id that the engine wrote for what an intent announced; `None` while it has not.
pub fn made(intent: &Intent) -> Option<String> {
    written_id(&intent.id_file)
}

/// An id as engines write it, whole: a file that holds anything else proves nothing.
pub fn written_id(file: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let id = text.trim();
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    is_digest(digits).then(|| digits.to_owned())
}

pub(super) fn is_image_id(id: &str) -> bool {
    id.starts_with("sha256:")
}

pub(super) fn is_digest(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The file beside an id file that lists the images there were before.
pub fn before_file(id_file: &str) -> String {
    format!("{id_file}.before")
}

pub(super) fn was_there_before(id_file: &str, id: &str) -> bool {
    // No such file: nothing had to be asked, as for a commit, which always makes a new image.
    let before = fs::read_to_string(before_file(id_file));
    before.is_ok_and(|text| text.lines().any(|line| line.trim() == id))
}
