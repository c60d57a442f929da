//! Which shard of a divided suite this process is: what was typed, else what the CI system says in its variables.
//! Knows the variables of CI systems, and nothing of trials.

use std::num::NonZeroU32;
use std::str::FromStr;

use crate::config::{Origin, Sourced};

/// More shards than anybody has machines: a slip of the finger.
const MOST: u32 = 10_000;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChoice {
    /// `2/4`: the second of four.
    Of {
        /// From 1.
        index: NonZeroU32,
        /// At least `index`.
        total: NonZeroU32,
    },
    /// `auto` or `auto/4`: as the CI system says; the number of shards may be given.
    Auto {
        /// The number that was given.
        total: Option<NonZeroU32>,
    },
}

impl FromStr for ShardChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected `M/N` with M from 1 to N, `auto` or `auto/N`, found `{text}`");
        let (index, total) = match text.split_once('/') {
            Some((index, total)) => (index, Some(number(total).ok_or_else(wrong)?)),
            None => (text, None),
        };
        if index == "auto" {
            return Ok(ShardChoice::Auto { total });
        }
        let index = number(index).ok_or_else(wrong)?;
        match total.filter(|total| index <= *total) {
            Some(total) => Ok(ShardChoice::Of { index, total }),
            None => Err(wrong()),
        }
    }
}

fn number(text: &str) -> Option<NonZeroU32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number: &NonZeroU32| plain && number.get() <= MOST)
}

/// One part of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1 to `total`.
    pub index: NonZeroU32,
    /// How many parts there are.
    pub total: NonZeroU32,
    /// What said so: a flag or a variable.
    pub origin: String,
    /// A file that is to be touched, to say that the shard is respected (Bazel).
    pub status_file: Option<String>,
}

/// How a CI system numbers the machines of one job.
struct System {
    name: &'static str,
    /// The variable that says that it is this system; others use the same names with another meaning. Empty:
    /// the index is telling enough.
    guard: &'static str,
    index: &'static str,
    /// Empty: it must be typed.
    total: &'static str,
    /// The number of the first machine.
    first: u32,
}

/// In the order in which `auto` asks.
const SYSTEMS: [System; 7] = [
    BAZEL,
    // Cirrus and Heroku use these names as well, and count from 0.
    System {
        name: "GitLab",
        guard: "GITLAB_CI",
        index: "CI_NODE_INDEX",
        total: "CI_NODE_TOTAL",
        first: 1,
    },
    System {
        name: "CircleCI",
        guard: "CIRCLECI",
        index: "CIRCLE_NODE_INDEX",
        total: "CIRCLE_NODE_TOTAL",
        first: 0,
    },
    System {
        name: "Buildkite",
        guard: "BUILDKITE",
        index: "BUILDKITE_PARALLEL_JOB",
        total: "BUILDKITE_PARALLEL_JOB_COUNT",
        first: 0,
    },
    System {
        name: "Azure Pipelines",
        guard: "TF_BUILD",
        index: "SYSTEM_JOBPOSITIONINPHASE",
        total: "SYSTEM_TOTALJOBSINPHASE",
        first: 1,
    },
    System {
        name: "Semaphore",
        guard: "SEMAPHORE",
        index: "SEMAPHORE_JOB_INDEX",
        total: "SEMAPHORE_JOB_COUNT",
        first: 1,
    },
    System {
        name: "Kubernetes",
        guard: "",
        index: "JOB_COMPLETION_INDEX",
        total: "",
        first: 0,
    },
];

/// Bazel divides a test without being asked, and fails one that does not follow.
const BAZEL: System = System {
    name: "Bazel",
    guard: "",
    index: "TEST_SHARD_INDEX",
    total: "TEST_TOTAL_SHARDS",
    first: 0,
};
const BAZEL_STATUS: &str = "TEST_SHARD_STATUS_FILE";

/// Reads a variable of the harness's environment; `None`: not set, or empty.
pub type Variable<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl Shard {
    /// The shard that was chosen, or that Bazel chose; `None`: the suite is not divided. The error is a lowercase
    /// fragment.
    pub fn find(
        choice: Option<&Sourced<ShardChoice>>,
        variable: &Variable<'_>,
    ) -> Result<Option<Shard>, String> {
        let Some(choice) = choice else {
            return bazel(variable);
        };
        match choice.value {
            ShardChoice::Of { index, total } => Ok(Some(Shard {
                index,
                total,
                origin: choice.origin.to_string(),
                status_file: None,
            })),
            ShardChoice::Auto { total } => automatic(total, variable)
                .map_err(|why| format!("{}: {why}", choice.origin))
                .map(Some),
        }
    }
}

/// 0 or nothing: the test is not divided.
fn bazel(variable: &Variable<'_>) -> Result<Option<Shard>, String> {
    match variable(BAZEL.total).as_deref() {
        None | Some("0") => Ok(None),
        Some(_) => BAZEL.shard(None, variable).map(Some),
    }
}

fn automatic(total: Option<NonZeroU32>, variable: &Variable<'_>) -> Result<Shard, String> {
    if let Some(shard) = bazel(variable)? {
        return agreed(shard, total);
    }
    let here = SYSTEMS
        .iter()
        .skip(1)
        .find(|system| system.is_here(total.is_some(), variable));
    match here {
        Some(system) => agreed(system.shard(total, variable)?, total),
        None => Err(nowhere(variable)),
    }
}

/// What was typed and what the system says must not differ: parts would be left out.
fn agreed(shard: Shard, typed: Option<NonZeroU32>) -> Result<Shard, String> {
    match typed.filter(|typed| *typed != shard.total) {
        Some(typed) => Err(format!(
            "expected {typed} shards, found {} (from {})",
            shard.total, shard.origin
        )),
        None => Ok(shard),
    }
}

fn nowhere(variable: &Variable<'_>) -> String {
    if variable("JOB_COMPLETION_INDEX").is_some() {
        return "JOB_COMPLETION_INDEX says which shard, and nothing says of how many\nhint: say `auto/N`".to_owned();
    }
    let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
    format!(
        "expected the variables of {}, found none of them\nhint: say `M/N`",
        names.join(", ")
    )
}

impl System {
    /// With a typed total, the index alone is enough.
    fn is_here(&self, typed: bool, variable: &Variable<'_>) -> bool {
        if self.guard.is_empty() {
            return variable(self.index).is_some() && (typed || !self.total.is_empty());
        }
        variable(self.guard).is_some()
    }

    fn shard(&self, typed: Option<NonZeroU32>, variable: &Variable<'_>) -> Result<Shard, String> {
        let said = if self.total.is_empty() {
            None
        } else {
            variable(self.total)
        };
        let total = match (&said, typed) {
            (Some(text), _) => number(text).ok_or_else(|| {
                format!(
                    "{}: expected a number of shards from 1 to {MOST}, found `{text}`",
                    self.total
                )
            })?,
            (None, Some(typed)) => typed,
            (None, None) => return Err(self.missing(self.total)),
        };
        let last = self.first + total.get() - 1;
        let index = match variable(self.index) {
            Some(text) => text
                .parse()
                .ok()
                .filter(|index| (self.first..=last).contains(index))
                .and_then(|index| NonZeroU32::new(index - self.first + 1))
                .ok_or_else(|| {
                    format!(
                        "{}: expected a number from {} to {last}, found `{text}`",
                        self.index, self.first
                    )
                })?,
            // GitLab says so of a job that is not divided.
            None if total == NonZeroU32::MIN => NonZeroU32::MIN,
            None => return Err(self.missing(self.index)),
        };
        Ok(Shard {
            index,
            total,
            origin: self.index.to_owned(),
            status_file: if self.name == BAZEL.name {
                variable(BAZEL_STATUS)
            } else {
                None
            },
        })
    }

    fn missing(&self, name: &str) -> String {
        format!(
            "this is {}, and {name} is not set: its job is not divided\nhint: say `M/N`, or leave it out",
            self.name
        )
    }
}

/// Why a shard says nothing of the trial that `--exact` names.
pub fn ignored_under_exact(origin: &Origin) -> String {
    format!("{origin} is ignored: `--exact` names the trial")
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
