//! What the container lane's door asks of the machine: looks at the engine and at what there is room for, and says what
//! is waited for. The door itself is in `schedule`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::driver::{Driver, Occurrence};
use super::start::Trial;
use crate::config::AdmissionSettings;
use crate::engine::client::Client;
use crate::engine::trouble::expect_success;
use crate::host::process::Bounded;
use crate::host::{clock, environment, room};
use crate::model::{
    AttemptId, AttemptReport, EngineFacts, Event, Judgement, Lane, TroubleClass, Verdict, duration,
};
use crate::schedule::{AdmissionRules, Health, News, Sight, Turned};
use crate::wire::ToSlot;

/// How long the engine may take to list its containers.
const LIMIT: Duration = Duration::from_secs(10);
/// An answer of the engine counts for so long.
const FRESH: Duration = Duration::from_secs(5);
/// From one look that found something wrong to the next.
const PAUSE: Duration = Duration::from_secs(5);
const GB: f64 = 1e9;

/// What the settings say, as the door wants it.
pub(super) fn rules(settings: &AdmissionSettings) -> AdmissionRules {
    AdmissionRules {
        fresh: FRESH,
        pause: PAUSE,
        settle: settings.settle,
        faults: settings.engine_faults,
    }
}

/// Who keeps the door: what the machine must have, and what is known to be wrong.
#[derive(Debug)]
pub(super) struct Keeper {
    needs: Needs,
    /// What the last look found wrong, until it is told.
    wrong: Option<String>,
    /// Images that the suite names and that cannot be had, and why.
    pub(super) missing: BTreeMap<String, String>,
}

impl Keeper {
    pub(super) fn new(settings: AdmissionSettings, work_root: PathBuf) -> Keeper {
        let places = vec![work_root];
        Keeper {
            needs: Needs { settings, places },
            wrong: None,
            missing: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone)]
struct Needs {
    settings: AdmissionSettings,
    /// Directories whose disks must have room.
    places: Vec<PathBuf>,
}

impl Needs {
    /// Where the engine stores images and containers; elsewhere for one that is on another machine.
    fn add_storage_of(&mut self, facts: &EngineFacts) {
        let local = !facts.remote || facts.endpoint.starts_with("unix://");
        let root = Some(PathBuf::from(&facts.storage_root));
        self.places
            .extend(root.filter(|root| local && root.is_absolute()));
    }

    /// What is lacking, as a clause. What cannot be learnt is not lacking.
    fn lacking(&self) -> Option<String> {
        let floor = self.settings.disk_floor;
        let free = |place: &PathBuf| {
            let free = room::free_bytes(place).filter(|free| *free < floor)?;
            Some(disk_clause(&place.display().to_string(), free, floor))
        };
        let limit = self.settings.memory_pressure;
        let pressure =
            || room::memory_pressure().filter(|now| limit > 0 && *now > f64::from(limit));
        let memory = || pressure().map(|now| memory_clause(now, limit));
        self.places.iter().find_map(free).or_else(memory)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for people, to a tenth of a gigabyte"
)]
fn disk_clause(place: &str, free: u64, floor: u64) -> String {
    let (free, floor) = (free as f64 / GB, floor as f64 / GB);
    format!("no room: {free:.1} GB are free where {place} is, below the floor of {floor:.1} GB")
}

fn memory_clause(now: f64, limit: u32) -> String {
    format!(
        "no room: everything waited for memory in {now:.0} % of the last 10 s, above the limit of {limit} %"
    )
}

/// What an attempt's end tells of the engine.
fn health(report: &AttemptReport, judgement: &Judgement) -> Health {
    let known = judgement.known.as_ref().map(|known| known.class);
    let clean = report.cleanup.leftovers.is_empty();
    match judgement.verdict {
        _ if report.engine_calls == 0 => Health::Unused,
        _ if known == Some(TroubleClass::TransientEngine) => Health::Faulted,
        Verdict::Passed | Verdict::Skipped if clean => Health::Answered,
        Verdict::Passed
        | Verdict::Skipped
        | Verdict::Flaky
        | Verdict::Failed
        | Verdict::Hung
        | Verdict::Slow
        | Verdict::Faulted
        | Verdict::NotRun
        | Verdict::Ignored => Health::Doubtful,
    }
}

impl Driver {
    /// The engine was found, which it answered to.
    pub(super) fn meet(&mut self, facts: &EngineFacts) {
        self.keeper.needs.add_storage_of(facts);
        let short = self.keeper.needs.lacking().is_some();
        let health = Health::Answered;
        self.news(News::Used { health, short });
    }

    /// Tells the door what an attempt's end says of engine and machine.
    pub(super) fn note_health(
        &mut self,
        attempt: AttemptId,
        report: &AttemptReport,
        judgement: &Judgement,
    ) {
        let lane = self.trial(attempt).planned.lane;
        if lane == Lane::Plain && report.engine_calls == 0 {
            return;
        }
        let health = health(report, judgement);
        let short = self.keeper.needs.lacking().is_some();
        self.news(News::Used { health, short });
    }

    /// Why a container trial need not be tried: it names an image that cannot be had.
    pub(super) fn missing_image(&self, trial: &Trial) -> Option<String> {
        let planned = &trial.planned;
        let mut named = planned
            .images
            .iter()
            .filter(|_| planned.lane == Lane::Container);
        let why = |image: &String| {
            let why = self.keeper.missing.get(image)?;
            Some(format!("image {image} could not be pulled: {why}"))
        };
        named.find_map(why)
    }

    /// Looks at engine and machine, beside everything else.
    pub(super) fn look_at_engine(&mut self) {
        let Some(facts) = self.engine.clone() else {
            return;
        };
        let (needs, inbox) = (self.keeper.needs.clone(), self.inbox.clone());
        std::thread::spawn(move || {
            let wrong = needs.lacking().or_else(|| unanswered(&facts));
            // A run that has ended meanwhile needs no answer.
            inbox.send(Occurrence::Looked(wrong));
        });
    }

    pub(super) fn looked(&mut self, wrong: Option<String>) {
        let sight = if wrong.is_some() {
            Sight::Unwell
        } else {
            Sight::Well
        };
        self.keeper.wrong = wrong;
        self.news(News::Looked(sight));
    }

    /// Lets a held attempt go on.
    pub(super) fn admit(&mut self, attempt: AttemptId) {
        let Some(running) = self.running.get_mut(&attempt) else {
            return;
        };
        let now = clock::now();
        let waited = running
            .held
            .take()
            .map_or(Duration::ZERO, |since| now - since);
        let slot = running.slot;
        let allowance = self.allowance(attempt);
        if let Some(running) = self.running.get_mut(&attempt) {
            running.give_up = Some(now + allowance);
        }
        self.send(slot, &ToSlot::Admit(attempt));
        self.teller
            .tell(&Event::AttemptAdmitted { attempt, waited });
    }

    /// Says what became of admission.
    pub(super) fn turned(&mut self, turned: Turned) {
        let wrong = self.keeper.wrong.take();
        let message = match turned {
            Turned::Waits => {
                let wrong = wrong.unwrap_or_default();
                let settle = duration::format(self.keeper.needs.settings.settle);
                format!("container trials wait, for {settle} at most: {wrong}")
            }
            Turned::Broken => {
                let faults = self.keeper.needs.settings.engine_faults;
                let why = wrong
                    .unwrap_or_else(|| format!("engine down: it failed {faults} trials in a row"));
                let message = format!("{why}; no container trial starts until this is over");
                self.engine_down = Some(why);
                message
            }
            Turned::Admits => {
                self.engine_down = None;
                let message =
                    "container trials go on: engine and machine are well again".to_owned();
                self.teller.tell(&Event::Note { message });
                return;
            }
        };
        self.teller.tell(&Event::Warning { message });
    }
}

/// Why the engine cannot be used now. A lock that is stuck shows only where containers are listed.
fn unanswered(facts: &EngineFacts) -> Option<String> {
    let client = Client::of(facts, environment::variables());
    let completed = client.call(&mut Bounded, &["ps", "-a", "-q"], LIMIT);
    let command = format!("{} ps -a", client.command());
    let answer = expect_success(&command, client.program(), completed, LIMIT);
    answer
        .err()
        .map(|trouble| format!("engine down: {}: {trouble}", facts.kind))
}
