//! The script language: bytes in, words and facts out.
//!
//! Pure: knows no clock, file, environment or process, and no room but `model`. What a command does
//! is the interpreter's; here is only how a script is written.

pub mod expand;
pub mod lex;
pub mod txtar;
