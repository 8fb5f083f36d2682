//! Areas (địa bàn): the tree, how it changes, and records that move from one to another.

pub(crate) mod area;
pub(crate) mod merging;
pub(crate) mod moving;
pub(crate) mod placing;
