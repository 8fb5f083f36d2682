//! The officer's terminal tool.
fn main() {}
