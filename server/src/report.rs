//! The review report (sơ kết, tổng kết): every figure from the merged records and from nothing else.
//!
//! The facts of each unit ([`facts`]) are handed over one after the other ([`gather`]) and counted without
//! I/O ([`compute`]): what a unit contributes to a figure is said once ([`measure`]), for the report
//! ([`endpoint`], in the form of [`answer`]) and for the list of the records behind it ([`behind`]). A
//! figure states what it is a part of and how many units have no data about it; "0" and "no data" are
//! different. Windows that differ are named wherever figures span them.

pub(crate) mod answer;
pub(crate) mod behind;
mod compute;
pub(crate) mod endpoint;
pub(crate) mod export;
pub(crate) mod facts;
pub(crate) mod figure;
mod gather;
pub(crate) mod measure;
pub(crate) mod question;
