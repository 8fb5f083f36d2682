//! Us and the peers side by side: the same records, on one machine, in one run.
//!
//! Every system is two programs: a server, and a client that does what lines of JSON tell it ([`process`]). Between
//! them lies a line that counts bytes ([`mod@line`]), the same for everybody. [`scenarios`] says what is done and measured,
//! [`limit`] what the machine could do at best, [`report`] what comes of it.

pub mod chart;
pub mod figures;
pub mod growth;
pub mod limit;
pub mod line;
pub mod machine;
pub mod officer;
pub mod process;
pub mod records;
pub mod report;
pub mod scenarios;
pub mod storm;
pub mod systems;
