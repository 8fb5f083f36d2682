//! Areas (địa bàn): the tree, and records that move from one to another.

pub(crate) mod area;
pub(crate) mod moving;
