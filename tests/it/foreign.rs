//! A client that we did not write: tuspy, in a Python environment of its own.

use std::{path::PathBuf, process::Command};

use sokiem_client_core::attachments::AttachmentTransport as _;
use sokiem_record::attachment::ContentHash;
use sokiem_tests::{
    Result,
    town::{Small, new_unit},
};

/// The root of the project.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a step of the client; what it printed.
fn tuspy(arguments: &[&str]) -> Result<String> {
    let script = root().join("tests/foreign/tus/upload.py");
    let python = root().join("target/foreign/tus/bin/python");
    let output = Command::new(python).arg(script).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn tuspy_uploads_with_checksums_and_goes_on_where_it_was_interrupted() -> Result<()> {
    let ready = Command::new(root().join("scripts/setup"))
        .arg("tus")
        .status()?;
    assert!(ready.success(), "scripts/setup tus");
    let town = Small::start().await?;
    let device = town.officer("lan").await?;
    device.sync().await?;
    let unit = new_unit(&device.book, town.commune, 1)?;
    device.sync().await?;
    let bytes = crate::uploads::photo(1);
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &bytes)?;
    let path = file.path().to_string_lossy().into_owned();
    let hash = ContentHash::of(&bytes);
    let token = device.transport.upload_token().await?.token;
    let server = town.server.url();

    let (document, name) = (unit.to_string(), hash.to_string());
    let address = tuspy(&["begin", &server, &token, &path, &document, &name])?;
    let offsets = tuspy(&["resume", &server, &token, &path, &address])?;
    assert_eq!(offsets, format!("{} {}", 2 * 64 * 1024, bytes.len()));

    let request = reqwest::Client::new()
        .get(format!("{server}/api/v1/attachments/{hash}"))
        .bearer_auth(town.desk.token());
    let response = request.send().await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await?, bytes);
    Ok(())
}
