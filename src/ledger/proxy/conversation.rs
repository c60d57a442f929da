//! What passes between a client and its engine on one connection: every byte goes on unchanged, and whoever watches
//! is asked before a request that makes something goes on, and told what came of it before the client hears.
//!
//! Bytes in, bytes out; knows no socket. What it cannot understand it passes on unread, and says so.

use super::exchange::{Exchange, Step, Turn};
use crate::engine::http::{Ambiguous, RequestHead};

/// What is to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// None: it passes.
    None,
    /// It is judged when its head has come.
    Head,
    /// It is judged when its body has come too, and held back until then.
    Whole,
}

/// What follows of a request that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It passes; the answer is of no interest.
    Pass,
    /// It passes; the answer is held back until it is whole, and told.
    PassAndHear,
    /// It passes; the answer is told piece by piece.
    PassAndWatch,
    /// It does not pass; the client is told this.
    Refuse(String),
}

/// Who watches a conversation. Each call may ask the engine elsewhere; this conversation waits meanwhile.
pub(super) trait Witness {
    /// What has to be known of a request.
    fn interest(&mut self, head: &RequestHead) -> Interest;
    /// Whether it passes. The body is `None` where it was not wanted, or is too long to be held back.
    fn judge(&mut self, head: &RequestHead, body: Option<&[u8]>) -> Judgement;
    /// The answer to what was judged; its body is `None` when it was too long to be held back, or never came.
    fn hear(&mut self, status: u16, body: Option<&[u8]>);
    /// A piece of an answer that is watched.
    fn watch(&mut self, status: u16, data: &[u8]);
    /// A watched answer is over; what was judged has come to its end.
    fn watched(&mut self);
    /// From here on the conversation is not understood.
    fn lost(&mut self, why: &'static str);
}

/// One connection.
#[derive(Debug)]
pub(super) struct Conversation<W> {
    witness: W,
    /// What came and has not been looked at.
    from_client: Vec<u8>,
    from_engine: Vec<u8>,
    /// What is to be sent.
    pub(super) to_engine: Vec<u8>,
    pub(super) to_client: Vec<u8>,
    state: State,
    client_is_over: bool,
}

#[derive(Debug)]
enum State {
    Talking(Box<Exchange>),
    /// Everything passes: another protocol, an answer up to the connection's end, or something not understood.
    Opaque,
    /// Nothing passes any more: the client is told, and then heard to its end.
    Refused,
}

impl<W: Witness> Conversation<W> {
    pub(super) fn new(witness: W) -> Self {
        Conversation {
            witness,
            from_client: Vec::new(),
            from_engine: Vec::new(),
            to_engine: Vec::new(),
            to_client: Vec::new(),
            state: State::Talking(Box::new(Exchange::new())),
            client_is_over: false,
        }
    }

    /// Bytes of the client have come.
    pub(super) fn client_said(&mut self, bytes: &[u8]) {
        match self.state {
            State::Talking(_) => self.from_client.extend_from_slice(bytes),
            State::Opaque => self.to_engine.extend_from_slice(bytes),
            State::Refused => {}
        }
        self.advance();
    }

    /// Bytes of the engine have come.
    pub(super) fn engine_said(&mut self, bytes: &[u8]) {
        match self.state {
            State::Talking(_) => self.from_engine.extend_from_slice(bytes),
            State::Opaque => self.to_client.extend_from_slice(bytes),
            State::Refused => {}
        }
        self.advance();
    }

    /// The engine says nothing more. What was held back goes on, and the witness learns that there is no more.
    pub(super) fn engine_ended(&mut self) {
        if let State::Talking(exchange) = &mut self.state {
            exchange.break_off(&mut self.witness);
            self.open();
        }
    }

    /// The client says nothing more; it may still listen.
    pub(super) fn client_ended(&mut self) {
        self.client_is_over = true;
        self.advance();
    }

    /// All that the client said has been sent, and there will be no more.
    pub(super) fn is_all_sent(&self) -> bool {
        self.client_is_over && self.held_for_engine() == 0
    }

    /// How much is held back or waits to be sent to the engine, in bytes.
    pub(super) fn held_for_engine(&self) -> usize {
        self.from_client.len() + self.to_engine.len()
    }

    /// The client was refused: when it has heard so, the conversation is over.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused)
    }

    /// What is still to come of a request that makes something.
    pub(super) fn awaits(&self) -> Option<Awaited> {
        match &self.state {
            State::Talking(exchange) => exchange.awaits(),
            State::Opaque | State::Refused => None,
        }
    }

    fn advance(&mut self) {
        while let State::Talking(exchange) = &mut self.state {
            let mut turn = Turn {
                exchange,
                witness: &mut self.witness,
                from_client: &mut self.from_client,
                from_engine: &mut self.from_engine,
                to_engine: &mut self.to_engine,
                to_client: &mut self.to_client,
            };
            match turn.step() {
                Ok(Step::Made) => {}
                // Half a request makes nothing; what the engine thinks of it is the engine's business.
                Ok(Step::Waiting) if self.client_is_over && exchange.is_before_request() => {
                    self.to_engine.append(&mut self.from_client);
                    return;
                }
                Ok(Step::Waiting) => return,
                Ok(Step::Opens) => self.open(),
                Ok(Step::Refused(why)) => self.refuse(&why),
                Err(Ambiguous(why)) => {
                    self.witness.lost(why);
                    self.open();
                }
            }
        }
    }

    fn open(&mut self) {
        self.state = State::Opaque;
        self.to_engine.append(&mut self.from_client);
        self.to_client.append(&mut self.from_engine);
    }

    fn refuse(&mut self, why: &str) {
        self.to_client
            .extend_from_slice(refusal(500, why).as_bytes());
        self.from_client.clear();
        self.state = State::Refused;
    }
}

/// An answer in the engine's stead, in the form of both engines' errors.
pub(super) fn refusal(status: u16, why: &str) -> String {
    let reason = match status {
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let body = serde_json::json!({ "message": why, "cause": why, "response": status }).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// What is still to come of a request that makes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// One answer: the engine makes the thing even if nobody waits.
    Answer,
    /// A stream of answers: the engine stops when its client goes.
    Stream,
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
