//! The officer's app in a real browser: the real core as WebAssembly, its book on the browser's own file system, a real
//! server behind a line that can be cut.
//!
//! [`place`] is a commune with a server, [`officer`] an officer's days with the pages, [`together`] two officers', [`update`] a newer
//! version, [`core_tests`] runs the core's own tests, [`worker`] talks to the worker as a page does, without the pages.

mod core_tests;
mod officer;
mod place;
mod together;
mod update;
mod worker;

use super::{Browser, Page};
