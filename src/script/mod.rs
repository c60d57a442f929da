//! What a script's commands are made of; this room starts no program and reads no file.
pub mod diff;
pub mod go_regex;
