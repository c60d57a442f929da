//! A test harness for command-line programs that drive containers.
//!
//! Tests are txtar scripts in the language of Go's testscript. They run from `cargo test`, each in a
//! directory of its own, against Docker or Podman. A script that passes its deadline is ended with all
//! its processes and containers, and the report says which line it was and what was still running.
//!
//! # A test target
//!
//! In `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! shakedown = "0.1"
//!
//! [[test]]
//! name = "scripts"
//! harness = false
//! ```
//!
//! In `tests/scripts.rs`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     shakedown::Harness::from_manifest().main()
//! }
//! ```
//!
//! In `fixtures/hello.txtar`, since `fixtures` is where scripts are unless `harness.toml` says otherwise:
//!
//! ```text
//! exec echo hello
//! stdout '^hello$'
//! ```
//!
//! [`Harness`] also takes programs, commands, conditions and preparations of your own:
//!
//! ```no_run
//! use shakedown::{CommandContext, CommandError, Expect, Harness};
//!
//! fn main() -> std::process::ExitCode {
//!     Harness::from_manifest()
//!         .command("empty", empty)
//!         .condition("ci", |_| Ok(option_env!("CI").is_some()))
//!         .prepare(|script| script.write_file("config.toml", "color = false\n"))
//!         .main()
//! }
//!
//! /// `empty FILE`: the file is there and has nothing in it.
//! fn empty(
//!     context: &mut CommandContext<'_>,
//!     expect: Expect,
//!     arguments: &[Vec<u8>],
//! ) -> Result<(), CommandError> {
//!     let [file] = arguments else {
//!         return Err("usage: empty FILE".into());
//!     };
//!     let file = String::from_utf8_lossy(file);
//!     match (context.read_file(&file)?.is_empty(), expect) {
//!         (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
//!         (true, Expect::Failure) => Err(format!("{file} is empty").into()),
//!         (false, Expect::Success) => Err(format!("{file} is not empty").into()),
//!     }
//! }
//! ```
//!
//! What is exported here is the interface. Everything else is the inside of the house, in these rooms:
//! first what everything is made of (`model`, `wire`), then text and decisions (`script`, `config`,
//! `plan`, `schedule`, `classify`), then what touches the machine (`host`, `engine`, `ledger`,
//! `diagnose`), the roles of the processes (`interp`, `shim`, `slot`), what is told (`history`,
//! `report`), and at the top `run` and `cli`. `ARCHITECTURE.md` says which may name which.

pub use cli::{Harness, Program};
pub use interp::{CommandContext, CommandError, Expect, Preparation};

// The rooms, in reading order. They are public because the program, the tests and the fuzzers reach them;
// they are hidden because they are no stable interface.
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod wire;

#[doc(hidden)]
pub mod classify;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod schedule;
#[doc(hidden)]
pub mod script;

#[doc(hidden)]
pub mod diagnose;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod host;
#[doc(hidden)]
pub mod ledger;

#[doc(hidden)]
pub mod interp;
#[doc(hidden)]
pub mod shim;
#[doc(hidden)]
pub mod slot;

#[doc(hidden)]
pub mod history;
#[doc(hidden)]
pub mod report;

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod run;
