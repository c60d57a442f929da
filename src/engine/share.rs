//! One detection for all processes of a run that share a run id, as under nextest, which starts one process for
//! each trial. The first probes, the others read its answer. Does not know how the probing is done.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::detect::Detection;
use crate::host::flock;

/// The answer's file within the directory of the run.
const ANSWER: &str = "engine.json";

/// The run's detection: what is written in `directory`, else what `probe` finds, which is then written there.
///
/// Whoever waits longer than `limit` for the one that probes probes by itself, and so does everybody when the
/// directory cannot be used: sharing saves time and decides nothing.
pub fn shared(directory: &Path, limit: Duration, probe: impl FnOnce() -> Detection) -> Detection {
    if let Some(known) = read(directory) {
        return known;
    }
    let lock = fs::create_dir_all(directory)
        .and_then(|()| flock::lock(&directory.join("engine.lock"), limit));
    let Ok(Some(_lock)) = lock else {
        return read(directory).unwrap_or_else(probe);
    };
    if let Some(known) = read(directory) {
        return known;
    }
    let detection = probe();
    // A failure to write costs the others a probe of their own.
    write(directory, &detection).ok();
    detection
}

fn read(directory: &Path) -> Option<Detection> {
    let bytes = fs::read(directory.join(ANSWER)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Renamed into place, so that nobody reads a half.
fn write(directory: &Path, detection: &Detection) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec(detection)?)?;
    let answer: PathBuf = directory.join(ANSWER);
    file.persist(answer)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    fn nothing_found() -> Detection {
        Detection {
            selected: None,
            tried: vec!["docker: no `docker` in PATH".to_owned()],
        }
    }

    #[test]
    fn only_one_of_many_probes() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("runs/r1");
        let (probes, barrier) = (AtomicU32::new(0), Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let found = shared(&directory, Duration::from_secs(20), || {
                        probes.fetch_add(1, Ordering::Relaxed);
                        nothing_found()
                    });
                    assert_eq!(found, nothing_found());
                });
            }
        });
        assert_eq!(probes.into_inner(), 1);
    }

    #[test]
    fn whoever_cannot_share_probes_alone() {
        let found = shared(Path::new("/proc/nowhere"), Duration::ZERO, nothing_found);
        assert_eq!(found, nothing_found());
        let place = tempfile::tempdir().unwrap();
        let _held = flock::lock(&place.path().join("engine.lock"), Duration::ZERO)
            .unwrap()
            .unwrap();
        assert_eq!(
            shared(place.path(), Duration::from_millis(20), nothing_found),
            nothing_found()
        );
        assert!(read(place.path()).is_none());
    }
}
