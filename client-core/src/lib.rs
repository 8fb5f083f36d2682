//! Everything that runs in the officer's hand, without any user interface.
pub mod book;
mod error;
pub mod platform;
pub mod schedule;
pub mod search;
pub mod status;
mod store;
pub mod sync;

pub use book::{Book, OpenedBook};
pub use error::{Error, Result};
pub use store::{
    enrolment::{EnrolRequest, EnrolResponse, EnrolledAccount, Enrolment},
    quarantine::{Direction, Refused},
    record::Event,
    rescue::{Lost, RescueReport},
};
