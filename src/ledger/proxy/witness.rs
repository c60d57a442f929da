//! What is done about a request that makes something: the engine is asked what is there, the intent is written, the
//! request passes, and what the engine answers that it made is written too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::call::{self, Call, Wanted};
use super::conversation::{Interest, Judgement, Witness};
use super::queue::Entry as Queued;
use super::scene::{Scene, lock};
use super::stream::{Seen, Stream};
use crate::engine::api::{self, Api};
use crate::engine::http::RequestHead;
use crate::engine::turn::Turn;
use crate::host::clock;
use crate::ledger::intents::Entry;
use crate::model::{Intent, Presence, ResourceKind};

/// A limit for each question to the engine; without an answer a thing counts as somebody else's.
const QUESTION: Duration = Duration::from_secs(10);

/// What a client is told whose script ended while it waited.
const OVER: &str = "the script is over, so nothing was made";

/// One connection's witness.
pub(super) struct Watcher {
    scene: Arc<Scene>,
    api: Api,
    call: Option<Call>,
    wanted: Wanted,
    /// Names that were new when the request came.
    new: Vec<(ResourceKind, String)>,
    stream: Stream,
    /// Containers of a build that are gone, while what was committed from them is not written down.
    gone: Vec<String>,
    /// When the request came, since 1970.
    since: Duration,
    /// The ids and names of images that were there before an archive was loaded.
    before: Option<BTreeSet<String>>,
    /// The number of the call that creates something, until it is answered.
    open: Option<u32>,
    /// Keeps other creations out, from the request to the engine's answer.
    turn: Option<Turn>,
}

impl Watcher {
    pub(super) fn new(scene: Arc<Scene>) -> Self {
        let api = Api::at(&scene.socket);
        Watcher {
            scene,
            api,
            call: None,
            wanted: Wanted::default(),
            new: Vec::new(),
            stream: Stream::default(),
            gone: Vec::new(),
            since: Duration::ZERO,
            before: None,
            open: None,
            turn: None,
        }
    }
}

impl Witness for Watcher {
    fn interest(&mut self, head: &RequestHead) -> Interest {
        self.call = call::read(&head.method, &head.target);
        match &self.call {
            None => Interest::None,
            Some(Call::Create { .. }) => Interest::Whole,
            Some(
                Call::Build { .. }
                | Call::Name(_)
                | Call::Commit { .. }
                | Call::Load
                | Call::Play
                | Call::Remove { .. },
            ) => Interest::Head,
        }
    }

    fn judge(&mut self, _: &RequestHead, body: Option<&[u8]>) -> Judgement {
        let Some(call) = self.call.clone() else {
            return Judgement::Pass;
        };
        if let (Some(queue), true) = (&self.scene.queue, call.reads_subids()) {
            match queue.enter() {
                Queued::Goes(turn) => self.turn = turn,
                Queued::Over => return Judgement::Refuse(OVER.to_owned()),
            }
        }
        self.new.clear();
        self.since = clock::since_1970();
        let follows = match &call {
            Call::Remove { .. } => {
                self.before_removal(&call);
                return Judgement::PassAndHear;
            }
            Call::Build { .. } | Call::Load => Judgement::PassAndWatch,
            Call::Create { .. } | Call::Name(_) | Call::Commit { .. } | Call::Play => {
                Judgement::PassAndHear
            }
        };
        let (run, attempt) = (&self.scene.run, self.scene.attempt);
        self.wanted = call::wanted(body.unwrap_or_default(), run, attempt);
        self.stream = Stream::default();
        if call == Call::Load {
            self.before = api::images(&mut self.api, QUESTION);
        }
        let mut entries: Vec<Entry> = self
            .intents(&call)
            .into_iter()
            .map(|i| self.entry(i))
            .collect();
        if matches!(call, Call::Create { .. }) {
            let (entry, number) = self.scene.called();
            entries.push(entry);
            self.open = Some(number);
        }
        match self.scene.write(&entries) {
            Ok(()) => follows,
            Err(why) => {
                self.turn = None;
                self.open = None;
                Judgement::Refuse(why)
            }
        }
    }

    fn hear(&mut self, status: u16, body: Option<&[u8]>) {
        self.turn = None;
        let Some(call) = self.call.take() else {
            return;
        };
        let success = (200..300).contains(&status);
        match (call, body) {
            (Call::Create { kind, name }, body) => self.created(kind, &name, success, body),
            (Call::Name(_), Some(_)) if success => self.verify_new(),
            (Call::Commit { .. }, Some(body)) if success => {
                // The name may be moved to another image later.
                if let Some(id) = call::made_id(ResourceKind::Image, body) {
                    let id = format!("sha256:{}", id.trim_start_matches("sha256:"));
                    self.scene.acquire(ResourceKind::Image, &id, "");
                }
                self.verify_new();
            }
            (Call::Play, Some(body)) => {
                for pod in call::played(body) {
                    self.scene.acquire(ResourceKind::Pod, &pod, "");
                }
            }
            (Call::Remove { kind, id, .. }, Some(_)) if success => {
                if let Some(resource) = self.scene.ours(kind, &id) {
                    self.scene.release(&resource);
                }
            }
            // Refused, or nobody knows: then its names are asked for.
            (Call::Name(_) | Call::Commit { .. }, _) => self.verify_new(),
            (Call::Build { .. } | Call::Load | Call::Play | Call::Remove { .. }, _) => {}
        }
        // After what it made: who reads one without the other waits in vain, and misses nothing.
        self.close();
    }

    fn watch(&mut self, _: u16, data: &[u8]) {
        for seen in self.stream.take(data) {
            match seen {
                Seen::Container(id) => self.young(ResourceKind::Container, &id),
                Seen::Image(id) if self.call == Some(Call::Load) => self.loaded(&id),
                Seen::Image(id) => {
                    self.young(ResourceKind::Image, &id);
                    self.release_gone();
                }
                Seen::ContainerGone(id) => self.gone.push(id),
                Seen::Name(name) => self.loaded(&name),
            }
        }
    }

    fn watched(&mut self) {
        self.call = None;
        self.release_gone();
        self.verify_new();
    }

    fn lost(&mut self, why: &'static str) {
        self.turn = None;
        self.close();
        self.scene
            .unseen("what a connection of its programs made", why);
    }
}

impl Watcher {
    fn close(&mut self) {
        if let Some(call) = self.open.take() {
            self.scene.answered(call);
        }
    }

    /// The image of a step is told after its container is gone. Until then the container is what leads to it.
    fn release_gone(&mut self) {
        for id in std::mem::take(&mut self.gone) {
            if let Some(resource) = self.scene.ours(ResourceKind::Container, &id) {
                self.scene.release(&resource);
            }
        }
    }

    fn entry(&self, intent: Intent) -> Entry {
        Entry::Intent {
            attempt: self.scene.attempt,
            engine: self.scene.engine,
            intent,
            place: lock(&self.scene.place).clone(),
        }
    }

    /// What is about to be made. Names that may be there already are asked for: doubt counts as "was there".
    fn intents(&mut self, call: &Call) -> Vec<Intent> {
        let intent = |kind, name: &str, existed| Intent {
            kind,
            name: name.to_owned(),
            id_file: String::new(),
            existed,
        };
        let named = |name: &String| match name.as_str() {
            "" => self.wanted.name.clone(),
            name => name.to_owned(),
        };
        let (mut intents, asked): (Vec<Intent>, Vec<(ResourceKind, String)>) = match call {
            Call::Create {
                kind: ResourceKind::Volume,
                name,
            } if !named(name).is_empty() => (Vec::new(), vec![(ResourceKind::Volume, named(name))]),
            Call::Create { kind, name } => {
                let volumes = self.wanted.volumes.iter();
                let volumes = volumes.map(|name| (ResourceKind::Volume, name.clone()));
                // By its name alone a pod proves nothing here: its id comes with the answer.
                let name = if *kind == ResourceKind::Pod {
                    String::new()
                } else {
                    named(name)
                };
                (vec![intent(*kind, &name, false)], volumes.collect())
            }
            Call::Build { names } if !names.is_empty() => {
                let names = names.iter();
                let names = names.map(|name| (ResourceKind::Image, name.clone()));
                (Vec::new(), names.collect())
            }
            Call::Name(name) | Call::Commit { name: Some(name) } => {
                (Vec::new(), vec![(ResourceKind::Image, name.clone())])
            }
            Call::Build { .. } | Call::Commit { name: None } | Call::Load => {
                (vec![intent(ResourceKind::Image, "", false)], Vec::new())
            }
            Call::Play => (vec![intent(ResourceKind::Pod, "", false)], Vec::new()),
            Call::Remove { .. } => (Vec::new(), Vec::new()),
        };
        for (kind, name) in asked {
            let existed = self.presence(kind, &name) != Presence::Absent;
            intents.push(intent(kind, &name, existed));
            if !existed {
                self.new.push((kind, name));
            }
        }
        intents
    }

    fn presence(&mut self, kind: ResourceKind, id: &str) -> Presence {
        api::presence(&mut self.api, kind, id, QUESTION)
    }

    fn created(&mut self, kind: ResourceKind, name: &str, success: bool, body: Option<&[u8]>) {
        let made = body.filter(|_| success);
        let id = made.and_then(|body| call::made_id(kind, body));
        let name = match name {
            "" => self.wanted.name.clone(),
            name => name.to_owned(),
        };
        match id {
            Some(id) if kind != ResourceKind::Volume => self.scene.acquire(kind, &id, &name),
            // Docker answers so for a volume that was there before, too.
            Some(id) if name.is_empty() => self.scene.acquire(kind, &id, &id),
            // The labels will tell; without them nobody can.
            None if body.is_none() && !self.wanted.is_labelled => {
                self.scene.unseen(
                    &format!("{kind} {name}"),
                    "the engine broke off before it answered whether it made it",
                );
            }
            Some(_) | None => {}
        }
        // A container that was refused may leave the volumes that were made for it.
        self.verify_new();
    }

    /// Names that were new, and are there now.
    fn verify_new(&mut self) {
        for (kind, name) in std::mem::take(&mut self.new) {
            if self.presence(kind, &name) == Presence::Present {
                self.scene.acquire(kind, &name, &name);
            }
        }
    }

    /// Something that a build's stream speaks of is ours if the engine made it since the request came.
    fn young(&mut self, kind: ResourceKind, id: &str) {
        let Some(thing) = api::thing(&mut self.api, kind, id, QUESTION) else {
            return;
        };
        if thing.created.is_some_and(|created| created >= self.since) {
            let id = match kind {
                ResourceKind::Image => format!("sha256:{}", thing.id.trim_start_matches("sha256:")),
                ResourceKind::Container
                | ResourceKind::Pod
                | ResourceKind::Network
                | ResourceKind::Volume
                | ResourceKind::Directory => thing.id,
            };
            self.scene.acquire(kind, &id, "");
        }
    }

    /// An archive's ids and names are known only when they are there, so all that were there before were asked for.
    fn loaded(&mut self, name: &str) {
        let is_new = self.before.as_ref().is_some_and(|all| !all.contains(name));
        if is_new && self.presence(ResourceKind::Image, name) == Presence::Present {
            self.scene.acquire(ResourceKind::Image, name, name);
        }
    }

    /// A container's volumes without a name stay when it goes, unless the request says otherwise.
    fn before_removal(&mut self, call: &Call) {
        let Call::Remove {
            kind: ResourceKind::Container,
            id,
            with_volumes: false,
        } = call
        else {
            return;
        };
        if self.scene.ours(ResourceKind::Container, id).is_none() {
            return;
        }
        let thing = api::thing(&mut self.api, ResourceKind::Container, id, QUESTION);
        for volume in thing.map(|thing| thing.anonymous).unwrap_or_default() {
            self.scene.acquire(ResourceKind::Volume, &volume, &volume);
        }
    }
}
