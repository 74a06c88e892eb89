//! What tests share: text trees, and the parts that stand in for the world.

pub mod tree_text;
