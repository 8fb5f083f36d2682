//! Makes the folder that a server serves at `/app/`.

fn main() {}
