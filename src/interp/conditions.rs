//! Whether a condition holds: the standard ones, then the user's, then ours. Knows no command.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::commands::custom::caught;
use super::gotext;
use super::halt::{Step, fail};
use super::session::Session;
use crate::host::search;
use crate::model::EngineKind;
use crate::script::condition::{addition, standard};
use crate::script::{Addition, Dialect, Facts, Standard};

/// Whether the condition holds, without its `!`.
pub(super) fn holds(session: &mut Session<'_>, text: &[u8]) -> Step<bool> {
    match standard(text, &Facts::of_this_build(session.setup.length)) {
        Standard::True => return Ok(true),
        Standard::False => return Ok(false),
        Standard::Exec(program) => return Ok(is_found(session, program)),
        Standard::Unknown => {}
    }
    if let Some(answer) = registered(session, text) {
        return answer;
    }
    match addition(text) {
        Some(addition) if session.script.dialect != Dialect::Testscript => ours(session, &addition),
        _ => fail(format!("unknown condition {}", gotext::quote(text))),
    }
}

/// Asked once in a script for each `PATH`: a program that comes into it later is not seen, as in Go.
fn is_found(session: &mut Session<'_>, program: Vec<u8>) -> bool {
    let path = session.environment.get(b"PATH").unwrap_or_default();
    let asked = (program, path.to_vec());
    if let Some(found) = session.found.get(&asked) {
        return *found;
    }
    let (program, path) = (&asked.0, &asked.1);
    let found = if program.contains(&b'/') {
        let path = OsStr::from_bytes(program);
        search::is_executable(&session.world.harness_directory().join(path))
    } else {
        search::executable(program, path).is_some()
    };
    session.found.insert(asked, found);
    found
}

fn registered(session: &mut Session<'_>, text: &[u8]) -> Option<Step<bool>> {
    let text = str::from_utf8(text).ok()?;
    let registry = session.registry;
    let known = |name: &str| registry.find_condition(name);
    let whole = known(text).map(|condition| (condition, ""));
    let with_suffix = || {
        let (name, suffix) = text.split_once(':')?;
        Some((known(name)?, suffix))
    };
    let (condition, suffix) = whole.or_else(with_suffix)?;
    // Code of the user's: it may panic or never return.
    let mut answer = Ok(false);
    let called = session.world.call(&mut || {
        answer = caught(|| condition(suffix)).and_then(|answer| answer);
    });
    Some(called.map_err(Into::into).and_then(|()| {
        answer.or_else(|error| {
            let quoted = gotext::quote(text.as_bytes());
            fail(format!("bad condition {quoted}: {error}"))
        })
    }))
}

fn ours(session: &mut Session<'_>, addition: &Addition) -> Step<bool> {
    let kind = session.setup.engine;
    Ok(match addition {
        Addition::Docker => kind == Some(EngineKind::Docker),
        Addition::Podman => kind == Some(EngineKind::Podman),
        Addition::Engine => kind.is_some(),
        Addition::Sandbox => session.setup.sandboxed,
        Addition::EngineVersion(wanted) => {
            let facts = session.world.engine()?;
            facts.is_some_and(|facts| wanted.holds(&facts.version))
        }
        Addition::Rootless => session.world.engine()?.is_some_and(|facts| facts.rootless),
    })
}
