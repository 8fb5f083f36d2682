//! One function for each command, grouped by what they are about.

mod keys;
mod photos;
mod reading;
mod refused;
mod syncing;
mod verifying;
mod writing;

use crate::{
    arguments::{Arguments, Command},
    failure::Failure,
    output::Output,
    session,
};

/// Carries a command out.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let (book, keys) = session::open(&arguments.common, output)?;
    match &arguments.command {
        Command::Enrol { server, code, name } => syncing::enrol(&book, output, server, code, name),
        Command::Sync => syncing::sync(&book, keys.store.as_ref(), output),
        Command::Watch => syncing::watch(book, keys.store.as_ref(), output),
        Command::Status => syncing::status(&book, output),
        Command::Refused { act } => refused::run(&book, output, act.as_ref()),
        Command::Photo(photo) => photos::run(&book, output, photo),
        Command::Areas => reading::areas(&book, output),
        Command::Campaigns => reading::campaigns(&book, output),
        Command::Assignments => reading::assignments(&book, output),
        Command::Units { query, area, limit } => {
            reading::units(&book, output, query, *area, *limit)
        }
        Command::Inspections {
            query,
            unit,
            campaign,
            limit,
        } => reading::inspections(&book, output, query, *unit, *campaign, *limit),
        Command::Show { record } => reading::show(&book, output, *record),
        Command::Conflicts { record } => reading::conflicts(&book, output, *record),
        Command::History { record } => reading::history(&book, output, *record),
        Command::Difference { record, from, to } => {
            reading::difference(&book, output, *record, from, to.as_deref())
        }
        Command::Export { file } => reading::export(&book, output, file.as_deref()),
        Command::NewUnit {
            name,
            area,
            kind,
            fields,
        } => writing::new_unit(&book, output, name, *area, kind, fields),
        Command::Open {
            unit,
            campaign,
            criteria,
        } => writing::open(&book, output, *unit, *campaign, criteria.as_deref()),
        Command::Set {
            record,
            path,
            value,
            reason,
        } => writing::set(&book, output, *record, path, value, reason.as_deref()),
        Command::Note {
            record,
            path,
            text,
            append,
        } => writing::note(&book, output, *record, path, text, *append),
        Command::Add {
            record,
            collection,
            fields,
        } => writing::add(&book, output, *record, collection, fields),
        Command::Finding {
            record,
            text,
            item,
            remedy,
            owner,
            deadline,
        } => {
            let fields = writing::FindingFields {
                text,
                item,
                remedy,
                owner,
                deadline,
            };
            writing::finding(&book, output, *record, &fields)
        }
        Command::Remove {
            record,
            path,
            reason,
        } => writing::remove(&book, output, *record, path, reason.as_deref()),
        Command::Verify { record, all: _ } => verifying::verify(&book, output, *record),
        Command::Key { action } => keys::act(&book, output, &keys, action),
        Command::Finish { record } => writing::finish(&book, output, *record),
        Command::Settle {
            record,
            path,
            value,
            reason,
        } => writing::settle(&book, output, *record, path, value, reason.as_deref()),
    }
}
