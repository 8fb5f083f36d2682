//! The demonstration: a district like Thạnh Phú, 2014–2019, lived through with the real parts.
//!
//! [`district`] is what there is, [`setup`] what administrators do once, [`field`] what officers do
//! without network, [`desk`] what supervisors do when it has arrived, [`story`] the six years in order,
//! [`report`] what comes out.

pub mod desk;
pub mod district;
pub mod field;
pub mod report;
pub mod setup;
pub mod story;
