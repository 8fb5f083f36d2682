//! The server as others see it: a real one on a free port, spoken to over HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that can't go on fails where it stands, and prints its seed and its figures"
)]

mod accounts;
mod admin;
mod areas;
mod attachments;
mod audit;
mod backup;
mod backup_command;
mod bad_input;
mod criteria_sets;
mod desk;
mod enrolment;
mod exchange;
mod field_app;
mod harness;
mod hostile;
mod inbox;
mod joining;
mod local;
mod minutes;
mod network;
mod openapi;
mod pages;
mod planning;
mod poke;
mod policy;
mod pull;
mod quarantine;
mod record_page;
mod records_export;
mod report;
mod restore;
mod retention;
mod second_factor;
mod signature;
mod signatures;
mod unit_import;
mod webhooks;
mod workflow;
