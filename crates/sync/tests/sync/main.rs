//! Tests of the planner as a whole: tables of trees, laws over random histories, and all small
//! histories.

mod conflicts;
mod cost;
mod device;
mod disk;
mod exhaustive;
mod guards;
mod laws;
mod limits;
mod matrix;
mod server;
mod table;
mod world;
