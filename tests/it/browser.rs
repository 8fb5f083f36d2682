//! The supervisor's desk in a real browser: headless Chromium, a real server, real devices.
//!
//! [`driver`] tells the browser what to do, [`walk`] is a record's way from its arrival to the report, [`keyboard`]
//! decides without a mouse and without scripts, [`sweep`] looks at every page that the server has.

mod driver;
mod field_app;
mod keyboard;
mod scene;
mod sweep;
mod walk;

use driver::{Browser, Page};
