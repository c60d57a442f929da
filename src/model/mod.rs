//! The nouns that every room shares: ids, facts, events, verdicts.
//!
//! Values only. Knows no clock, file, environment or process, and no other room. The types derive
//! serde because the record is made of these very facts; the record's version guards their shape.

mod bytes;
mod date;
mod diagnostic;
pub mod duration;
mod engine;
mod event;
mod evidence;
mod finding;
mod hang;
mod hash;
mod id;
mod judgement;
mod outcome;
mod resource;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod seconds;
mod signature;
mod verdict;
mod version;
mod why;

pub use bytes::Bytes;
pub use date::Date;
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
pub use judgement::{
    Again, Artefacts, Bearing, FailureKind, Judgement, Known, Quarantined, Spread, Tally,
};
pub use outcome::{
    EndedProcess, EngineCall, FailedProgram, Failure, Fault, FaultKind, How, Leak, Movement,
    Outcome, Place, Timeout,
};
pub use resource::{Cleanup, Intent, Leftover, Presence, Resource, ResourceKind};
pub use rules::{
    AfterFailure, DEFERRED_LIMIT, DEFERRED_TOTAL, Demands, Detail, Dialect, FlakyResult, Golden,
    LeakRule, Length,
};
pub use signature::{Scope, Signature, TroubleClass, Where};
pub use verdict::{Conclusion, Counts, Effect, Verdict};
pub use version::{Comparison, EngineVersion};
pub use why::{HangClass, Why};
