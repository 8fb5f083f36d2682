//! Devices: how they are enrolled, how they prove who they are, how they are sent away.

pub(crate) mod actor;
pub(crate) mod code;
pub(crate) mod credential;
pub(crate) mod device;
pub(crate) mod enrolment;
