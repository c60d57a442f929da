//! Which quarantines hold today, and what is to be said of the others.

use super::brief::Brief;
use super::select::candidates;
use super::start::StartError;
use crate::config::Quarantine;
use crate::host::clock;
use crate::model::{Date, Event};

/// Those that are not over.
pub(super) fn in_force(all: &[Quarantine]) -> Vec<Quarantine> {
    let today = Date::of_unix(clock::since_1970().as_secs());
    let holds = |quarantine: &&Quarantine| quarantine.until >= today;
    all.iter().filter(holds).cloned().collect()
}

/// What is wrong with quarantines: they are over, or no script has such a name. A name is missed only where all
/// scripts are looked at: not when some were named.
pub(super) fn notes(brief: &Brief) -> Result<Vec<Event>, StartError> {
    let all = &brief.settings.quarantine;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let whole = brief.paths.is_empty() && !brief.selection.exact;
    let names: Vec<String> = if whole {
        let scripts = candidates(brief)?;
        scripts.into_iter().map(|script| script.name).collect()
    } else {
        Vec::new()
    };
    let today = Date::of_unix(clock::since_1970().as_secs());
    let note = |quarantine: &Quarantine| {
        let Quarantine {
            name,
            issue,
            until,
            line,
            ..
        } = quarantine;
        let which = format!("the quarantine of `{name}` (harness.toml:{line}, {issue})");
        if *until < today {
            Some(format!("{which} ended on {until}: it protects no more"))
        } else if whole && !names.iter().any(|found| name.matches(found)) {
            Some(format!("{which} is of no use: no script has such a name"))
        } else {
            None
        }
    };
    let notes = all.iter().filter_map(note);
    Ok(notes.map(|message| Event::Warning { message }).collect())
}
