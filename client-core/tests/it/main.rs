//! The book and its synchronisation against a small model of the server, in memory.

mod books;
mod converge;
mod driver;
mod model;
mod platform;
mod recovery;
mod rescue;
mod schedule;
mod sync;
