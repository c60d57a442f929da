//! What scripts made in the engine, written down before it was made; and its removal, with proof.
//!
//! Nothing is removed on doubt, nothing by name alone unless it was new. Knows nothing of scripts and schedules.

pub mod labels;
