//! Who still holds an output pipe whose command has ended.

use crate::host::procfs;
use crate::model::{Leak, Place};

/// Names the holders of the pipes, among this slot's descendants, and their descriptors.
pub(super) fn leak(place: Place, pipes: &[u64]) -> Leak {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let mut leak = Leak {
        place,
        holders: Vec::new(),
        descriptors: Vec::new(),
    };
    for process in procfs::descendants(me, &|_| true) {
        let ends = pipes
            .iter()
            .flat_map(|pipe| procfs::writing_ends(process.pid, *pipe));
        let before = leak.descriptors.len();
        leak.descriptors.extend(ends.map(|fd| (process.pid, fd)));
        if leak.descriptors.len() > before {
            leak.holders.push((process.pid, process.command()));
        }
    }
    leak.holders.sort();
    leak.descriptors.sort_unstable();
    leak
}
