//! Scripts in, endings and logs out. One point a script; one file a family.

mod conditions;
mod custom;
mod files;
mod flow;
mod language;
mod logs;
mod output;
mod process;
