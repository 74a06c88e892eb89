//! Tests of the planner as a whole: tables of trees, laws over random histories, and all small
//! histories.

mod device;
mod disk;
mod laws;
mod server;
mod world;
