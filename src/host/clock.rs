//! The clock: the one place that reads it. Knows nothing of what is timed.

use std::time::Instant;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
pub fn now() -> Instant {
    Instant::now()
}
