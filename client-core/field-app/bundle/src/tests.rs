//! The core's own tests as a folder that a server serves in the app's place.

use std::{fs, path::PathBuf};

use clap::Parser;

use crate::{Result, glue};

#[derive(Parser)]
pub(crate) struct Tests {
    /// The compiled tests.
    #[arg(long)]
    tests: PathBuf,
    /// The page that runs them, and what goes with it.
    #[arg(long)]
    r#static: PathBuf,
    /// The folder to make.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn make(arguments: &Tests) -> Result<()> {
    let _ = fs::remove_dir_all(&arguments.out);
    fs::create_dir_all(&arguments.out)?;
    glue::bind(&arguments.tests, "core_tests", &arguments.out)?;
    for entry in fs::read_dir(&arguments.r#static)? {
        let entry = entry?;
        fs::copy(entry.path(), arguments.out.join(entry.file_name()))?;
    }
    Ok(())
}
