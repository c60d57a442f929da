//! One request and its answer: what has come of them, what of it may go on, and what is told to whom.

use super::conversation::{Awaited, Interest, Judgement, Witness};
use crate::engine::http::{self, Ambiguous, Body, Framing, RequestHead, ResponseHead};

/// More of a body is not held back, in bytes: what creating calls say and hear is far smaller.
pub(super) const HELD: usize = 4 << 20;

/// One request and its answer. The next begins when both are over, so nothing is mixed up however they are sent.
#[derive(Debug)]
pub(super) struct Exchange {
    request: Request,
    answer: Answer,
    method: String,
    hears: Hears,
    /// The client was told by us to go on; the engine's own word is kept from it.
    told_to_go_on: bool,
}

#[derive(Debug)]
enum Request {
    Head,
    /// Its bytes wait in `from_client`, of which so many have been seen.
    Held {
        head: RequestHead,
        body: Body,
        data: Vec<u8>,
        seen: usize,
    },
    Passing(Body),
    Over,
}

#[derive(Debug)]
enum Answer {
    Head,
    /// Its bytes wait in `from_engine`, of which so many have been seen.
    Held {
        status: u16,
        framing: Framing,
        body: Body,
        data: Vec<u8>,
        seen: usize,
    },
    Passing {
        status: u16,
        body: Body,
    },
    Over,
}

/// What the witness wants of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    Nothing,
    Whole,
    Pieces,
}

impl Exchange {
    pub(super) fn new() -> Self {
        Exchange {
            request: Request::Head,
            answer: Answer::Head,
            method: String::new(),
            hears: Hears::Nothing,
            told_to_go_on: false,
        }
    }

    /// Nothing of a request has gone on to the engine.
    pub(super) fn is_before_request(&self) -> bool {
        matches!(self.request, Request::Head | Request::Held { .. })
    }

    /// What is still to come of a request that makes something.
    pub(super) fn awaits(&self) -> Option<Awaited> {
        match self.hears {
            Hears::Whole if !self.is_before_request() => Some(Awaited::Answer),
            Hears::Pieces if !self.is_before_request() => Some(Awaited::Stream),
            Hears::Nothing | Hears::Whole | Hears::Pieces => None,
        }
    }

    /// The engine says nothing more. Only a body that ends with the connection is whole now.
    pub(super) fn break_off(&mut self, witness: &mut impl Witness) {
        if self.awaits().is_none() {
            return;
        }
        match &self.answer {
            Answer::Held {
                status,
                data,
                framing: Framing::Close,
                ..
            } => witness.hear(*status, Some(data)),
            Answer::Held { status, .. } => witness.hear(*status, None),
            Answer::Head if self.hears == Hears::Whole => witness.hear(0, None),
            Answer::Head | Answer::Passing { .. } | Answer::Over => witness.watched(),
        }
        self.hears = Hears::Nothing;
    }
}

/// One step was made, or there is nothing to do until more comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Made,
    Waiting,
    /// Everything passes from here on, as agreed.
    Opens,
    Refused(String),
}

/// The parts of a conversation that a step needs.
pub(super) struct Turn<'t, W> {
    pub(super) exchange: &'t mut Exchange,
    pub(super) witness: &'t mut W,
    pub(super) from_client: &'t mut Vec<u8>,
    pub(super) from_engine: &'t mut Vec<u8>,
    pub(super) to_engine: &'t mut Vec<u8>,
    pub(super) to_client: &'t mut Vec<u8>,
}

impl<W: Witness> Turn<'_, W> {
    pub(super) fn step(&mut self) -> Result<Step, Ambiguous> {
        if let (Request::Over, Answer::Over) = (&self.exchange.request, &self.exchange.answer) {
            *self.exchange = Exchange::new();
            return Ok(Step::Made);
        }
        match self.request()? {
            Step::Waiting => self.answer(),
            made @ (Step::Made | Step::Opens | Step::Refused(_)) => Ok(made),
        }
    }

    fn request(&mut self) -> Result<Step, Ambiguous> {
        match &mut self.exchange.request {
            Request::Over => Ok(Step::Waiting),
            _ if self.from_client.is_empty() => Ok(Step::Waiting),
            Request::Head => {
                let Some((head, length)) = http::request(self.from_client)? else {
                    return Ok(Step::Waiting);
                };
                self.request_head(head, length)
            }
            Request::Held {
                body, data, seen, ..
            } => {
                let rest = self.from_client.get(*seen..).unwrap_or_default();
                *seen += body.take(rest, &mut |piece| data.extend_from_slice(piece))?;
                if body.is_over() {
                    self.judge(true)
                } else if data.len() > HELD {
                    self.judge(false)
                } else {
                    Ok(Step::Waiting)
                }
            }
            Request::Passing(body) => {
                let taken = body.take(self.from_client, &mut |_| {})?;
                let over = body.is_over();
                self.to_engine.extend(self.from_client.drain(..taken));
                if over {
                    self.exchange.request = Request::Over;
                }
                Ok(Step::Made)
            }
        }
    }

    fn request_head(&mut self, head: RequestHead, length: usize) -> Result<Step, Ambiguous> {
        self.exchange.method.clone_from(&head.method);
        let body = Body::new(head.framing);
        let interest = self.witness.interest(&head);
        if interest == Interest::Whole && head.expects_continue {
            // It sends nothing until somebody says this, and the engine has not heard of it yet.
            self.to_client
                .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.exchange.told_to_go_on = true;
        }
        match interest {
            Interest::None => self.pass_request(length, body),
            Interest::Head | Interest::Whole => {
                let wanted = interest == Interest::Whole;
                let whole = body.is_over();
                self.exchange.request = Request::Held {
                    head,
                    body,
                    data: Vec::new(),
                    seen: length,
                };
                if whole || !wanted {
                    return self.judge(wanted);
                }
            }
        }
        Ok(Step::Made)
    }

    /// What was held has been seen as far as is wanted.
    fn judge(&mut self, whole: bool) -> Result<Step, Ambiguous> {
        let held = std::mem::replace(&mut self.exchange.request, Request::Over);
        let Request::Held {
            head,
            body,
            data,
            seen,
        } = held
        else {
            return Err(Ambiguous("nothing to judge"));
        };
        self.exchange.hears = match self.witness.judge(&head, whole.then_some(&data)) {
            Judgement::Pass => Hears::Nothing,
            Judgement::PassAndHear => Hears::Whole,
            Judgement::PassAndWatch => Hears::Pieces,
            Judgement::Refuse(why) => return Ok(Step::Refused(why)),
        };
        self.pass_request(seen, body);
        Ok(Step::Made)
    }

    fn pass_request(&mut self, length: usize, body: Body) {
        self.to_engine.extend(self.from_client.drain(..length));
        self.exchange.request = if body.is_over() {
            Request::Over
        } else {
            Request::Passing(body)
        };
    }

    fn answer(&mut self) -> Result<Step, Ambiguous> {
        if self.from_engine.is_empty() {
            return Ok(Step::Waiting);
        }
        match &mut self.exchange.answer {
            Answer::Head => {
                if matches!(self.exchange.request, Request::Head | Request::Held { .. }) {
                    return Err(Ambiguous("an answer before its request"));
                }
                let read = http::response(self.from_engine, &self.exchange.method)?;
                match read {
                    None => Ok(Step::Waiting),
                    Some((head, length)) => Ok(self.answer_head(&head, length)),
                }
            }
            Answer::Held {
                status,
                body,
                data,
                seen,
                framing: _,
            } => {
                let rest = self.from_engine.get(*seen..).unwrap_or_default();
                *seen += body.take(rest, &mut |piece| data.extend_from_slice(piece))?;
                let (over, long) = (body.is_over(), data.len() > HELD);
                if !over && !long {
                    return Ok(Step::Waiting);
                }
                self.witness.hear(*status, over.then_some(data));
                self.exchange.hears = Hears::Nothing;
                let (status, seen, body) = (*status, *seen, body.clone());
                self.pass_answer(status, seen, body);
                Ok(Step::Made)
            }
            Answer::Passing { status, body } => {
                let watched = self.exchange.hears == Hears::Pieces;
                let (status, witness) = (*status, &mut *self.witness);
                let taken = body.take(self.from_engine, &mut |piece| {
                    if watched {
                        witness.watch(status, piece);
                    }
                })?;
                let over = body.is_over();
                self.to_client.extend(self.from_engine.drain(..taken));
                if over {
                    self.end_answer();
                }
                Ok(Step::Made)
            }
            Answer::Over => Err(Ambiguous("more answers than requests")),
        }
    }

    fn answer_head(&mut self, head: &ResponseHead, length: usize) -> Step {
        let status = head.status;
        if head.upgrades {
            return Step::Opens;
        }
        if status < 200 {
            let told = status == 100 && std::mem::take(&mut self.exchange.told_to_go_on);
            let bytes = self.from_engine.drain(..length);
            if !told {
                self.to_client.extend(bytes);
            }
            return Step::Made;
        }
        let body = Body::new(head.framing);
        if head.framing == Framing::Close && self.exchange.hears == Hears::Nothing {
            // It ends with the connection, or is the old way to attach to a container: both sides may talk on.
            return Step::Opens;
        }
        match self.exchange.hears {
            Hears::Whole if !body.is_over() => {
                self.exchange.answer = Answer::Held {
                    status,
                    framing: head.framing,
                    body,
                    data: Vec::new(),
                    seen: length,
                };
            }
            Hears::Whole => {
                self.witness.hear(status, Some(&[]));
                self.exchange.hears = Hears::Nothing;
                self.pass_answer(status, length, body);
            }
            Hears::Nothing | Hears::Pieces => self.pass_answer(status, length, body),
        }
        Step::Made
    }

    fn pass_answer(&mut self, status: u16, length: usize, body: Body) {
        self.to_client.extend(self.from_engine.drain(..length));
        let over = body.is_over();
        self.exchange.answer = Answer::Passing { status, body };
        if over {
            self.end_answer();
        }
    }

    fn end_answer(&mut self) {
        if self.exchange.hears == Hears::Pieces {
            self.witness.watched();
            self.exchange.hears = Hears::Nothing;
        }
        self.exchange.answer = Answer::Over;
    }
}
