//! The scheduler in simulated time.

mod makespan;
mod rules;
mod stories;
mod world;
