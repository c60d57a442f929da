//! What the scheduler is told, and what it asks for.

use std::time::Duration;

use super::admission::{Health, Sight, Turned};
use super::lanes::Width;
use crate::model::{AttemptId, SlotId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The engine is known: so many container attempts may run at once.
    EngineReady(Width),
    /// There is no engine: container attempts cannot run.
    NoEngine,
    /// The engine is stuck: no container attempt may start any more.
    EngineDown,
    /// A slot is up.
    SlotOpened(SlotId),
    /// A slot is gone. What it had not begun will be assigned again. What it had begun and has not been told
    /// to have ended, is lost and counts as failed.
    SlotLost(SlotId),
    /// The slot began to execute this attempt.
    Started(AttemptId),
    /// The attempt is over, its resources are gone.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// What comes of it.
        ending: Ending,
    },
    /// A recalled attempt came back untouched.
    Recalled(AttemptId),
    /// A plain attempt called the engine and waits.
    Held(AttemptId),
    /// Nothing more may start.
    Cancelled,
    /// The engine was used, by an attempt or to find it; told before the end of either.
    Used {
        /// What that tells of the engine.
        health: Health,
        /// The machine lacks room for containers.
        short: bool,
    },
    /// A look at engine and machine is over.
    Looked(Sight),
    /// The time of [`super::Scheduler::next_wake`] has come.
    Tick,
}

/// What comes of an attempt that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its lap is over, and well.
    Fine,
    /// Its lap is over, and not well.
    Failed,
    /// Its lap is not over: the trial is tried again, as the next attempt of this lap.
    Again {
        /// Not before so long from now.
        after: Duration,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Find out which engine there is.
    DetectEngine,
    /// Start a slot with this number.
    OpenSlot(SlotId),
    /// Send the attempt to the slot; it executes it after what it has.
    Assign(SlotId, AttemptId),
    /// Ask the slot to give the attempt back.
    Recall(SlotId, AttemptId),
    /// Let the held attempt go on: the container lane has room for it.
    Admit(AttemptId),
    /// Find out whether the engine answers and the machine has room.
    Look,
    /// Say what became of admission to the container lane.
    Turned(Turned),
    /// The trial cannot run: there is no engine for it. This would have been its first attempt.
    GiveUp(AttemptId),
    /// This never starts, and nothing of its trial that would have come later: the run was stopped.
    Drop(AttemptId),
    /// Every lap of this trial is over or dropped: nothing more of it will start.
    Settle(u32),
    /// Nothing runs and nothing waits.
    Finish,
}
