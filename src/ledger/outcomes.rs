//! The images in which an owner's builds and commits ended, whatever their names are by now. Proves nothing: an image may
//! have been there before.

use std::collections::BTreeSet;
use std::time::Duration;

use super::id_file::{is_image_id, was_there_before, written_id};
use super::journal::Journal;
use super::proof::Owner;
use crate::model::ResourceKind;

/// Each with the time, since 1970, when its call began; the latest first. By their id files, and where these were the
/// script's own and are gone or were written again, by the journal.
pub(super) fn of(owner: &Owner, journal: &Journal) -> Vec<(String, Duration)> {
    let calls = owner.intents.iter().zip(owner.intended_at);
    let calls = calls.filter_map(|(intent, at)| Some((intent, (*at)?)));
    let calls: Vec<_> = calls
        .filter(|(intent, _)| intent.kind == ResourceKind::Image)
        .collect();
    let written = calls
        .iter()
        .rev()
        .filter_map(|(intent, begun)| Some((written_id(&intent.id_file)?, *begun)));
    let built = journal.built().filter_map(|(id, ended)| {
        let begun = calls.iter().map(|(_, begun)| *begun);
        // The last call before its end: too late rather than too early.
        let begun = begun.filter(|begun| *begun <= ended).max()?;
        Some((id.to_owned(), begun))
    });
    let found = written.chain(built);
    found
        .map(|(id, begun)| (format!("sha256:{id}"), begun))
        .collect()
}

/// The images that the engine said it made for the owner, as `sha256:…`.
pub(super) fn answered(owner: &Owner) -> BTreeSet<String> {
    let answered = owner.acquired.iter();
    let answered =
        answered.filter(|made| made.kind == ResourceKind::Image && is_image_id(&made.id));
    let intended = owner.intended();
    let written = intended
        .filter(|intent| intent.kind == ResourceKind::Image && !intent.existed)
        .filter_map(|intent| {
            let id = written_id(&intent.id_file)?;
            (!was_there_before(&intent.id_file, &id)).then(|| format!("sha256:{id}"))
        });
    answered
        .map(|made| made.id.clone())
        .chain(written)
        .collect()
}
