//! Tests of the planner as a whole: tables of trees, laws over random histories, and all small
//! histories.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the parts that tests share fail as tests do"
)]

mod conflicts;
mod cost;
mod device;
mod disk;
mod exhaustive;
mod found;
mod guards;
mod laws;
mod limits;
mod matrix;
mod restored;
mod server;
mod table;
mod users;
mod world;
