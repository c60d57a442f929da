//! The images that a suite names, there before its first container trial: what is missing is pulled, again where the
//! failure may pass, all within one limit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::client::Client;
use crate::engine::detect::CALL_LIMIT;
use crate::engine::images::{self, may_pass};
use crate::host::process::Runner;
use crate::host::{adopt, clock};

/// Waits between one pull of an image and the next.
const WAITS: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Provided {
    /// Of what is there: name → digest.
    pub(super) digests: BTreeMap<String, String>,
    /// What could not be had, and why.
    pub(super) missing: BTreeMap<String, String>,
}

/// Looks for the images and pulls what is not there; `tell` is told what is waited for.
pub(super) fn provide(
    wanted: &[String],
    client: &Client,
    runner: &mut dyn Runner,
    limit: Duration,
    tell: &mut dyn FnMut(String),
) -> Provided {
    let end = clock::now() + limit;
    let mut provided = Provided {
        digests: images::digests(client, runner, wanted, CALL_LIMIT),
        missing: BTreeMap::new(),
    };
    for image in wanted {
        if provided.digests.contains_key(image) {
            continue;
        }
        tell(format!("pulling {image}"));
        match pull(image, client, runner, end, tell) {
            Ok(()) => {
                let one = std::slice::from_ref(image);
                provided
                    .digests
                    .extend(images::digests(client, runner, one, CALL_LIMIT));
            }
            Err(why) => {
                tell(format!(
                    "image {image} could not be pulled: {why}; trials that name it are faults"
                ));
                provided.missing.insert(image.clone(), why);
            }
        }
    }
    provided
}

fn pull(
    image: &str,
    client: &Client,
    runner: &mut dyn Runner,
    end: Instant,
    tell: &mut dyn FnMut(String),
) -> Result<(), String> {
    let mut waits = WAITS.into_iter();
    loop {
        let left = end.saturating_duration_since(clock::now());
        if left.is_zero() {
            return Err("the time for pulling images is over".to_owned());
        }
        let trouble = match images::pull(client, runner, image, left) {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        };
        match waits.next().filter(|_| may_pass(&trouble)) {
            None => return Err(trouble.to_string()),
            Some(wait) => {
                tell(format!(
                    "pulling {image} failed, again in {wait:?}: {trouble}"
                ));
                adopt::pause(wait, end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;
    use crate::host::process::Bounded;
    use crate::model::EngineKind;

    /// A client whose first pulls fail with this, and that has the image from then on.
    #[track_caller]
    fn check(failures: u32, stderr: &str, pulls: u32, missing: Option<&str>) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().display();
        let body = format!(
            "case $1 in\n\
             pull) echo x >>{folder}/pulls; [ $(wc -l <{folder}/pulls) -gt {failures} ] || {{ echo '{stderr}' >&2; exit 1; }}\n touch {folder}/there ;;\n\
             image) [ -e {folder}/there ] && echo sha256:{} || exit 1 ;;\n\
             esac",
            "a".repeat(64)
        );
        let program = fake::client(place.path(), "docker", &body);
        let environment = crate::host::environment::variables();
        let client = Client::named(EngineKind::Docker, program, environment);
        let mut told = Vec::new();
        let limit = Duration::from_secs(60);
        let wanted = ["x:1".to_owned()];
        let provided = provide(&wanted, &client, &mut Bounded, limit, &mut |line| {
            told.push(line);
        });
        let made = std::fs::read_to_string(place.path().join("pulls")).unwrap();
        assert_eq!(made.lines().count(), pulls as usize, "{told:?}");
        let why = provided.missing.get("x:1").map(String::as_str);
        assert_eq!(why.is_some(), missing.is_some(), "{provided:?}");
        if let (Some(why), Some(part)) = (why, missing) {
            assert!(why.contains(part), "{why}");
            assert!(
                told.last()
                    .unwrap()
                    .contains("image x:1 could not be pulled: "),
                "{told:?}"
            );
        }
        assert_eq!(provided.digests.len(), usize::from(missing.is_none()));
    }

    #[test]
    fn a_pull_that_may_pass_is_tried_again() {
        let busy =
            "Error response from daemon: received unexpected HTTP status: 503 Service Unavailable";
        check(2, busy, 3, None);
        check(9, busy, 4, Some("503"));
        check(0, busy, 1, None);
    }

    #[test]
    fn a_pull_that_cannot_succeed_is_tried_once() {
        check(
            9,
            "Error response from daemon: manifest for x:1 not found: manifest unknown",
            1,
            Some("manifest unknown"),
        );
        check(
            9,
            "toomanyrequests: You have reached your pull rate limit",
            1,
            Some("toomanyrequests"),
        );
    }
}
