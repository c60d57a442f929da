//! Conditions: standard, the user's, ours.

use crate::interp::testing::{Trial, fails, passes, podman};
use crate::script::Dialect;

#[test]
fn conditions_are_evaluated_from_left_to_right() {
    passes("[windows] exec false\n[!linux] exec false\n[linux] [unix] [!windows] ! exec false\n");
    passes("[windows] [nosuch] exec false\n'[ ! linux ]' exec false\n[windows] [linux]\n");
    fails(
        "[linux] [nosuch] exec true",
        "1: unknown condition \"nosuch\"",
    );
    fails("[linux]", "1: missing command after condition");
    fails("[linux] !", "1: ! on line by itself");
    fails(
        "[linux][unix] exec true",
        "1: unknown condition \"linux][unix\"",
    );
    fails("[] exec true", "1: unknown condition \"\"");
    fails("[!!linux] exec true", "1: unknown condition \"!linux\"");
}

#[test]
fn programs_are_looked_for_in_the_path_of_the_script() {
    passes(
        "[!exec:sh] exec false\n[exec:nosuch] exec false\n[!exec:/bin/sh] exec false\n[exec:/bin] exec false\nenv PATH=\n[exec:sh] exec false\n",
    );
}

#[test]
fn short_is_a_matter_of_the_setup() {
    passes("[short] exec false\n[!net] exec false\n");
    let mut trial = Trial {
        adjust: |setup| setup.short = true,
        ..Trial::default()
    };
    trial.check(
        "[!short] exec false\n[net] exec false\n",
        "passed",
        "PASS\n",
    );
}

#[test]
fn the_user_can_add_conditions_but_not_replace_standard_ones() {
    let mut trial = Trial::default();
    trial
        .registry
        .condition("mine", Box::new(|suffix| Ok(suffix == "yes")))
        .condition("broken", Box::new(|_| Err("no idea".to_owned())))
        .condition("panics", Box::new(|_| panic!("oh")))
        .condition("linux", Box::new(|_| Ok(false)))
        .condition("docker", Box::new(|_| Ok(true)));
    trial.check(
        "[mine] exec false\n[!mine:yes] exec false\n[!linux] exec false\n[!docker] exec false\n",
        "passed",
        "PASS\n",
    );
    for (condition, error) in [("broken:x", "no idea"), ("panics", "panicked: oh")] {
        let message = format!("bad condition \"{condition}\": {error}");
        let log = format!("> [{condition}] exec true\nFAIL: x.txtar:1: {message}\n");
        let script = format!("[{condition}] exec true\n");
        trial.check(&script, &format!("failed at 1: {message}"), &log);
    }
}

#[test]
fn our_conditions_are_about_the_engine() {
    passes(
        "[docker] exec false\n[podman] exec false\n[engine] exec false\n[engine:>=1] exec false\n",
    );
    let mut trial = Trial::default();
    trial.world.engine = Some(podman());
    trial.check(
        "[docker] exec false\n[!podman] exec false\n[!rootless] exec false\n[!engine] exec false\n[engine:>=5.0] exec false\n[!engine:>=4.3] exec false\n",
        "passed",
        "PASS\n",
    );
    fails(
        "[engine:new] exec true",
        "1: bad condition \"engine:new\": expected a version such as `>=5.0`, found `new`",
    );
}

#[test]
fn our_conditions_are_unknown_in_the_other_dialect() {
    let mut trial = Trial {
        dialect: Dialect::Testscript,
        ..Trial::default()
    };
    trial.check(
        "[docker] exec true\n",
        "failed at 1: unknown condition \"docker\"",
        "> [docker] exec true\nFAIL: x.txtar:1: unknown condition \"docker\"\n",
    );
}
