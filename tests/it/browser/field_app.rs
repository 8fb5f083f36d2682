//! The officer's app in a real browser: the real core as WebAssembly, its book on the browser's own file system, a real
//! server behind a line that can be cut.
//!
//! [`place`] is a commune with a server, [`changed`] the app of another build or in a worse browser. [`officer`] is an officer's days with
//! the pages, [`together`] two officers', [`visit`] one visit to its signature, [`doors`] the ways in and out, [`disk`] where the book can't
//! be kept, [`update`] a newer version, [`versions`] a server of another, [`pages`] every page, [`worker`] the worker as a page talks to it, [`core_tests`] the core's own tests.

mod changed;
mod core_tests;
mod disk;
mod doors;
mod officer;
mod pages;
mod place;
mod together;
mod update;
mod versions;
mod visit;
mod worker;

use super::{Browser, Page};
