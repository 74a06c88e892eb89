//! What tests share: text trees, and the parts that stand in for the world.

pub mod passkey;
pub mod postgres;
pub mod power_cut;
pub mod tree_text;

pub use passkey::SoftPasskey;
pub use postgres::PostgresCluster;
