//! Who still holds an output pipe whose command has ended.

use crate::host::procfs;
use crate::model::{Leak, Place};

/// Names the holders of the pipes, among this slot's descendants.
pub(super) fn leak(place: Place, pipes: &[u64]) -> Leak {
    let descendants =
        procfs::descendants(rustix::process::getpid().as_raw_nonzero().get(), &|_| true);
    let mut holders: Vec<(i32, String)> = pipes
        .iter()
        .flat_map(|pipe| procfs::writers(*pipe, descendants.iter()))
        .map(|process| (process.pid, process.command()))
        .collect();
    holders.sort();
    holders.dedup();
    Leak {
        place,
        holders,
        descriptors: Vec::new(),
    }
}
