//! One connection from its beginning to its end: moves bytes between a client and its engine, and carries over how
//! each of them ends. Knows nothing of what is said.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::conversation::{Awaited, Conversation, Witness};
use super::exchange::HELD;
use crate::host::clock;
use crate::host::duplex::{Side, Wish, wait};

/// So much is read at once, and so much may wait to be sent before more is read; in bytes.
const ROOM: usize = 128 * 1024;
/// How long the engine is heard out about what it makes for a client that is gone.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long a client that was refused may go on talking; it would miss the answer if it were cut off.
const REFUSED: Duration = Duration::from_secs(5);

/// A connection that lives.
struct Relay<W> {
    client: Side,
    engine: Side,
    conversation: Conversation<W>,
    buffer: Vec<u8>,
    /// When it is given up, once one side has nothing more to do with it.
    give_up: Option<Instant>,
    /// The attempt is over.
    stopped: bool,
}

/// Passes everything on until both sides have ended. `stop` ends with the attempt: then the client counts as gone.
pub(super) fn relay<W: Witness>(
    client: UnixStream,
    engine: UnixStream,
    witness: W,
    stop: &UnixStream,
) -> io::Result<()> {
    let mut relay = Relay {
        client: Side::new(client)?,
        engine: Side::new(engine)?,
        conversation: Conversation::new(witness),
        buffer: vec![0; ROOM],
        give_up: None,
        stopped: false,
    };
    loop {
        relay.move_bytes();
        if relay.is_over() {
            return Ok(());
        }
        relay.wait(stop)?;
    }
}

impl<W: Witness> Relay<W> {
    fn move_bytes(&mut self) {
        if self.reads_client() {
            let said = self.client.receive(&mut self.buffer);
            if !said.is_empty() {
                self.conversation.client_said(said);
            }
        }
        if self.client.is_over() || self.stopped {
            self.conversation.client_ended();
        }
        if self.reads_engine() {
            let said = self.engine.receive(&mut self.buffer);
            if !said.is_empty() {
                self.conversation.engine_said(said);
            }
        }
        if self.engine.is_over() {
            self.conversation.engine_ended();
        }
        self.client.send(&mut self.conversation.to_client);
        self.engine.send(&mut self.conversation.to_engine);
        if self.engine.is_over() && self.conversation.to_client.is_empty() {
            self.client.end();
        }
        if self.conversation.is_refused() && self.conversation.to_client.is_empty() {
            self.client.end();
            self.give_up.get_or_insert_with(|| clock::now() + REFUSED);
        }
        if self.is_left() {
            self.give_up
                .get_or_insert_with(|| clock::now() + LAST_WORDS);
        }
        // A server takes the end of what it hears for the end of its client, and may stop in the middle of its work. It
        // may of what it streams, and says so; what it makes at one stroke it is left to make.
        let makes = self.is_left() && self.conversation.awaits() == Some(Awaited::Answer);
        if self.conversation.is_all_sent() && !makes {
            self.engine.end();
        }
    }

    /// Nobody is there any more who waits for the engine's answer.
    fn is_left(&self) -> bool {
        self.stopped || self.client.is_gone()
    }

    fn is_over(&self) -> bool {
        let conversation = &self.conversation;
        if self.give_up.is_some_and(|at| at <= clock::now()) {
            return true;
        }
        if conversation.is_refused() {
            return conversation.to_client.is_empty() && (self.client.is_over() || self.is_left());
        }
        if self.engine.is_over() && conversation.to_client.is_empty() {
            // It may still listen.
            let heard_all = conversation.is_all_sent() && (self.client.is_over() || self.is_left());
            return self.engine.is_gone() || heard_all;
        }
        let heard_out = (self.client.is_over() || self.stopped) && conversation.is_all_sent();
        self.is_left() && heard_out && conversation.awaits().is_none()
    }

    fn reads_client(&self) -> bool {
        let held = self.conversation.held_for_engine();
        !self.stopped && self.conversation.to_engine.len() < ROOM && held < HELD + 2 * ROOM
    }

    fn reads_engine(&self) -> bool {
        !self.conversation.is_refused() && self.conversation.to_client.len() < ROOM
    }

    fn wait(&mut self, stop: &UnixStream) -> io::Result<()> {
        let of_client = Wish {
            reads: self.reads_client(),
            writes: !self.conversation.to_client.is_empty(),
        };
        let of_engine = Wish {
            reads: self.reads_engine(),
            writes: !self.conversation.to_engine.is_empty(),
        };
        let now = clock::now();
        let limit = self.give_up.map(|at| {
            at.saturating_duration_since(now)
                .max(Duration::from_millis(1))
        });
        let sides = [(&mut self.client, of_client), (&mut self.engine, of_engine)];
        // Once it has ended it would wake us again and again.
        let stop = Some(stop).filter(|_| !self.stopped);
        self.stopped |= wait(sides, stop, limit)?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
