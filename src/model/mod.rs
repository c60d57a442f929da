//! The nouns that every room shares: ids, facts, events, verdicts.
//!
//! Values only. Knows no clock, file, environment or process, and no other room. The types derive
//! serde because the record is made of these very facts; the record's version guards their shape.

mod bytes;
mod diagnostic;
pub mod duration;
mod engine;
mod event;
mod evidence;
mod finding;
mod hang;
mod hash;
mod id;
mod outcome;
mod resource;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod seconds;
mod verdict;
mod why;

pub use bytes::Bytes;
pub use diagnostic::Diagnostic;
pub use engine::{EngineFacts, EngineKind, Lane, Policy, Tool};
pub use event::{
    AttemptReport, AttemptStart, EngineState, Event, MachineDelta, Reaped, RunFacts, ShardFacts,
    Timings, TrialFacts,
};
pub use evidence::{
    ContainerFact, Descriptor, Evidence, Gap, LockFact, LockKind, MachineNow, PipeEnd, PipeFact,
    ProcessFact, Scene, SocketFact, Stack, StackKind, ThreadFact, Wait,
};
pub use finding::Finding;
pub use hang::{Hold, LadderStep, Look, QuietSample, Rung, StillRunning};
pub use hash::Hash;
pub use id::{AttemptId, ParseIdError, RunId, SlotId};
pub use outcome::{
    EndedProcess, Failure, Fault, FaultKind, How, Leak, Movement, Outcome, Place, Timeout,
};
pub use resource::{Cleanup, Intent, Leftover, Presence, Resource, ResourceKind};
pub use rules::{
    AfterFailure, DEFERRED_LIMIT, DEFERRED_TOTAL, Demands, Detail, Dialect, Golden, LeakRule,
    Length,
};
pub use verdict::{Conclusion, Counts, Verdict};
pub use why::{HangClass, Why};
