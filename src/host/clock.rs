//! The clock. The one place that reads it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, on the clock that only moves forward.
#[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Time since 1970 on the wall clock; zero on a machine that thinks it is earlier.
#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the wall clock"
)]
pub fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
