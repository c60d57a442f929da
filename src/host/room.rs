//! What the machine has left for containers: space on a disk, memory. What cannot be learnt is `None`.

use std::fs;
use std::path::Path;

/// Bytes that this user may still write where `path` lies.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

/// How much of the last 10 s all tasks spent waiting for memory, in percent (`full avg10` of
/// `/proc/pressure/memory`).
pub fn memory_pressure() -> Option<f64> {
    read_pressure(&fs::read_to_string("/proc/pressure/memory").ok()?)
}

fn read_pressure(text: &str) -> Option<f64> {
    let full = text.lines().find_map(|line| line.strip_prefix("full "))?;
    let share = full
        .split(' ')
        .find_map(|word| word.strip_prefix("avg10="))?;
    share.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_read_as_the_kernel_writes_it() {
        let text = "some avg10=12.50 avg60=3.00 avg300=1.00 total=123\nfull avg10=7.25 avg60=1.00 avg300=0.50 total=45\n";
        assert_eq!(read_pressure(text), Some(7.25));
        assert_eq!(read_pressure("some avg10=1.00 total=1\n"), None);
        assert_eq!(read_pressure(""), None);
    }

    #[test]
    fn a_directory_has_free_bytes_and_what_is_not_there_has_none() {
        assert!(free_bytes(Path::new("/")).is_some());
        assert_eq!(free_bytes(Path::new("/nonexistent/at/all")), None);
    }
}
