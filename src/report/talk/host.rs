//! The circumstances of an attempt in one line: engine, neighbours, pressure, disk. Only what is known.

use super::block::Block;
use crate::model::{EngineState, Evidence, MachineDelta, Timings};
use crate::report::paint::count;

/// What was around an attempt.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// `podman 4.9.3 rootless, serial`; empty without an engine.
    pub(super) engine: &'a str,
    /// Attempts in the moment it began, itself included.
    pub(super) together: Option<u32>,
    pub(super) machine: &'a MachineDelta,
    pub(super) timings: &'a Timings,
    /// The words that run it again, its name aside.
    pub(super) repeat: &'a [String],
}

/// `podman 4.9.3 rootless, serial`
pub(super) fn engine(state: &EngineState) -> String {
    match state {
        EngineState::Selected { facts, policy, .. } => format!("{}, {policy}", facts.title()),
        EngineState::Missing { .. } => String::new(),
    }
}

impl Surroundings<'_> {
    /// Says what is known.
    pub(super) fn host(&self, evidence: &Evidence, block: &mut Block) {
        let mut parts = Vec::new();
        if !self.engine.is_empty() {
            parts.push(self.engine.to_owned());
        }
        if let Some(together) = self.together {
            let together = usize::try_from(together).unwrap_or(usize::MAX);
            parts.push(format!("{} at once", count(together, "script")));
        }
        let whole = (self.timings.script + self.timings.ladder).as_micros();
        if let Some(stalled) = self.machine.cpu_stall_us.filter(|_| whole > 0) {
            // Readings are shared between attempts, so they may cover a little more than this one.
            let share = (u128::from(stalled) * 100 / whole).min(100);
            parts.push(format!("cpu stall {share} %"));
        }
        if let Some(kills) = self.machine.oom_kills {
            parts.push(format!("oom kills {kills}"));
        }
        if let Evidence::Seen(scene) = evidence
            && let Some(free) = scene.machine.as_ref().and_then(|now| now.disk_free_bytes)
        {
            parts.push(format!("disk {} free", bytes(free)));
        }
        if !parts.is_empty() {
            block.line("HOST", &parts.join(", "));
        }
    }
}

/// `11 GB`, `512 MB`: powers of ten, as harness.toml has them.
fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.iter().find(|(size, _)| number >= *size);
    unit.map_or_else(
        || format!("{number} B"),
        |(size, unit)| format!("{} {unit}", number / size),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (number, expected) in [
            (11_400_000_000, "11 GB"),
            (999_999_999, "999 MB"),
            (1000, "1 kB"),
            (999, "999 B"),
        ] {
            assert_eq!(bytes(number), expected);
        }
    }
}
