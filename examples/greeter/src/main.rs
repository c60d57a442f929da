//! The program `greeter`.

use std::process::ExitCode;

fn main() -> ExitCode {
    greeter::main()
}
