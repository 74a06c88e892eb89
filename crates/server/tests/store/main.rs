//! The rules under the doors, on SQLite and on PostgreSQL.

mod contract;
mod durability;
mod engine;
mod fold_property;
mod limits;
mod person;
mod restored;
mod tampering;
mod world;
