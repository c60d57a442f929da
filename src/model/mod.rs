//! The nouns that every room shares: ids, facts, events, verdicts.
//!
//! Values only. Knows no clock, file, environment or process, and no other room. The types derive
//! serde because the record is made of these very facts; the record's version guards their shape.

mod bytes;
mod diagnostic;
pub mod duration;
mod engine;
mod event;
mod hash;
mod id;
mod outcome;
mod resource;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod seconds;
mod verdict;

pub use bytes::Bytes;
pub use diagnostic::Diagnostic;
pub use engine::{EngineFacts, EngineKind, Lane, Policy, Tool};
pub use event::{
    AttemptReport, AttemptStart, EngineState, Event, MachineDelta, RunFacts, Timings, TrialFacts,
};
pub use hash::Hash;
pub use id::{AttemptId, ParseIdError, RunId, SlotId};
pub use outcome::{
    EndedProcess, Evidence, Failure, Fault, FaultKind, How, Leak, Movement, Outcome, Place,
    ProcessFact, Timeout,
};
pub use resource::{Cleanup, Intent, Leftover, Presence, Resource, ResourceKind};
pub use rules::{
    AfterFailure, DEFERRED_LIMIT, DEFERRED_TOTAL, Demands, Detail, Dialect, Golden, Length,
};
pub use verdict::{Conclusion, Counts, Verdict};
