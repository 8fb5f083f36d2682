//! The review report (sơ kết, tổng kết): every figure from the merged records and from nothing else.
//!
//! Facts are gathered from the database ([`facts`]), computed without I/O ([`compute`]), and answered
//! ([`endpoint`], in the form of [`answer`]). A figure states what it is a part of and how many units have no data about it; "0"
//! and "no data" are different. Windows that differ are named wherever figures span them.

pub(crate) mod answer;
mod compute;
pub(crate) mod endpoint;
mod facts;
pub(crate) mod figure;
