//! Programs in the background: names that are taken, and names that nobody has.

use std::collections::{BTreeMap, BTreeSet};

use crate::script::{is_background, suggest};

use super::lines::Walk;
use super::shown;
use super::words::Word;

/// What the lines left in the background, by name.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// Surely started and not awaited since, each with its line.
    running: BTreeMap<Vec<u8>, u32>,
    /// Perhaps there: started by a line, and not surely awaited since.
    possible: BTreeSet<Vec<u8>>,
    /// Nobody knows which others there are.
    others: bool,
}

impl Jobs {
    /// A line may have started or awaited whatever it likes.
    pub(super) fn doubt(&mut self) {
        self.running.clear();
        self.others = true;
    }

    /// These words may start a program.
    pub(super) fn perhaps(&mut self, words: &[Word]) {
        if let Some((_, name)) = named(words) {
            self.possible.insert(name.to_vec());
        }
        let mark = |word: &Word| word.text.starts_with(b"&") || word.text.starts_with(&[1]);
        let last = words.last().filter(|word| word.is_unknown());
        self.others |= last.is_some_and(mark);
    }
}

/// The last word and the name in it, if it leaves a program in the background with a name.
fn named(words: &[Word]) -> Option<(&Word, &[u8])> {
    let last = words.last().filter(|word| is_background(&word.text))?;
    let name = last.text.strip_prefix(b"&")?.strip_suffix(b"&")?;
    Some((last, name))
}

/// A program is called with these words; `sure` says that it runs once the line is over.
pub(super) fn started(walk: &mut Walk<'_, '_>, words: &[Word], sure: bool) {
    walk.jobs.perhaps(words);
    let Some((word, name)) = named(words) else {
        return;
    };
    if let Some(line) = walk.jobs.running.get(name).filter(|_| !walk.kept) {
        let hint = format!("line {line} started the first, and no `wait` came since");
        let message = format!("duplicate background process name `{}`", shown(name));
        walk.mistake(word.col, message, hint);
    } else if sure {
        walk.jobs.running.insert(name.to_vec(), walk.line);
    }
}

/// A word names one of them.
pub(super) fn known(walk: &mut Walk<'_, '_>, word: &Word) {
    let Some(name) = word.known().filter(|name| !name.is_empty()) else {
        return;
    };
    // What is kept for the end of the script finds none at all, or those of others that are kept.
    if walk.kept || walk.jobs.others || walk.jobs.possible.contains(name) {
        return;
    }
    let names = walk.jobs.possible.iter();
    let names = names.filter_map(|name| str::from_utf8(name).ok());
    let hint = match suggest(name, names).as_slice() {
        [one] => format!("did you mean `{one}`?"),
        _ => format!("`exec PROGRAM &{}&` before it starts it", shown(name)),
    };
    let message = format!("unknown background process `{}`", shown(name));
    walk.mistake(word.col, message, hint);
}

/// Those that the words name are awaited, without a word all of them; `sure` says that they are gone then.
pub(super) fn awaited(walk: &mut Walk<'_, '_>, words: &[Word], sure: bool) {
    if walk.kept {
        return;
    }
    let jobs = &mut walk.jobs;
    let Some(name) = words.first().map(|word| word.known().unwrap_or_default()) else {
        jobs.running.clear();
        if sure {
            jobs.possible.clear();
            jobs.others = false;
        }
        return;
    };
    if name.is_empty() {
        jobs.running.clear();
    }
    jobs.running.remove(name);
    if sure {
        jobs.possible.remove(name);
    }
}
