//! Which line a slot is at, in a file that others may read at any time: a write to the page cache costs
//! a microsecond and wakes nobody. Whoever outlives a crashed slot reads where it stood.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::model::Place;

const NAME: &str = ".progress";

/// The slot's side.
#[derive(Debug)]
pub struct Progress {
    file: Option<File>,
}

impl Progress {
    /// Opens the file in the slot's directory. Without it there is no progress, and no harm.
    pub fn open(directory: &Path) -> Self {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(NAME))
            .ok();
        Progress { file }
    }

    /// Notes the line. The length first, so that a longer text of before does not shine through.
    pub fn write(&self, place: &Place) {
        let Some(file) = &self.file else { return };
        let Ok(json) = serde_json::to_vec(place) else {
            return;
        };
        let text = [format!("{:08}", json.len()).as_bytes(), &json].concat();
        // Progress is a courtesy: a full disk must not end a script.
        drop(file.write_all_at(&text, 0));
    }
}

/// Where the slot with this directory stood last.
pub fn read(directory: &Path) -> Option<Place> {
    let text = std::fs::read(directory.join(NAME)).ok()?;
    let (length, rest) = text.split_at_checked(8)?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    serde_json::from_slice(rest.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read_back_even_when_it_is_shorter() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()), None);
        let progress = Progress::open(directory.path());
        let place = |line, text: &str| Place {
            file: "a.txtar".to_owned(),
            line,
            text: text.as_bytes().into(),
        };
        for place in [place(3, "exec sleep 1000"), place(12, "stop")] {
            progress.write(&place);
            assert_eq!(read(directory.path()), Some(place));
        }
    }
}
