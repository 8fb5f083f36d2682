//! What the officer's pages and the worker that holds the book say to each other: one request, one answer,
//! as JSON, and notices that nobody asked for.
//!
//! The worker has the client core and everything that is slow or has to be safe; a page holds no record longer than it
//! shows it. [`ask`] pairs every [`Request`] with the type of its answer, so that a page can't read one as
//! another. Files travel beside the JSON, as bytes.
//!
//! | module | idea |
//! |---|---|
//! | [`request`] | what a page can ask for |
//! | [`ask`] | the same, each with the type of its answer |
//! | [`answer`] | what comes back about records |
//! | [`session`] | the lock, the status, notices, and why something could not be done |

pub mod answer;
pub mod ask;
pub mod request;
pub mod session;

pub use ask::Ask;
pub use request::Request;
pub use session::{Failure, Notice};
