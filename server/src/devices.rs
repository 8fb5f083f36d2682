//! Devices: enrolment by one-time codes, their keys and signed requests, revocation.

pub(crate) mod actor;
pub(crate) mod code;
pub(crate) mod credential;
pub(crate) mod device;
pub(crate) mod enrolment;
pub(crate) mod key;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod wipe;
