//! The OpenAPI document is one that a linter accepts, and the server does what it says, asked by a program that we did
//! not write: schemathesis makes requests from the document, good ones and bad ones, and judges every answer.

use std::{path::Path, path::PathBuf, process::Command};

use serde_json::json;
use sokiem_tests::{
    Result,
    desk::{self, Desk},
    town::{PASSWORD, Small, new_unit},
};

/// What schemathesis draws from; the same every time.
const SEED: &str = "20261123";
/// Requests that it draws for each operation besides those that follow from the document alone.
const DRAWN: &str = "4";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The programs, installed once.
fn tools() -> Result<PathBuf> {
    let ready = Command::new(root().join("scripts/setup"))
        .arg("openapi")
        .status()?;
    assert!(ready.success(), "scripts/setup openapi");
    Ok(root().join("target/foreign/openapi"))
}

/// Runs a program to its end; where it is not content, what it said.
fn run(mut program: Command) -> Result<()> {
    let output = program.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(format!("{said}\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A server with some records in it, and the file of its document.
async fn town() -> Result<(Small, PathBuf)> {
    let town = Small::start_with(|config| {
        // Made-up passwords and codes are to be judged and not to be shut out.
        config.limits.attempts = 1_000_000;
    })
    .await?;
    let device = town.officer("lan").await?;
    device.sync().await?;
    for n in 0..3 {
        new_unit(&device.book, town.commune, n)?;
    }
    device.sync().await?;
    town.campaign().await?;
    let document = town.desk.get("/api/openapi.json").await?;
    let file = town.folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string())?;
    Ok((town, file))
}

/// Has schemathesis call the operations that `which` says, as the owner of a session.
async fn called(
    town: &Small,
    file: &Path,
    token: &str,
    which: &'static [&'static str],
) -> Result<()> {
    let mut schemathesis = Command::new(tools()?.join("bin/st"));
    schemathesis
        .arg("--config-file")
        .arg(root().join("tests/foreign/openapi/schemathesis.toml"))
        .arg("run")
        .arg(file)
        .args([
            "--url",
            &town.server.url(),
            "--seed",
            SEED,
            "--max-examples",
            DRAWN,
        ])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--workers", "2", "--no-color"])
        .args(which)
        .env(
            "SCHEMATHESIS_HOOKS",
            root().join("tests/foreign/openapi/schemathesis_hooks.py"),
        )
        .current_dir(town.folder.path());
    println!("schemathesis draws from seed {SEED}");
    tokio::task::spawn_blocking(move || run(schemathesis)).await?
}

/// Whether a session is still good: else the calls showed nothing but that who is not signed in may do nothing.
async fn still_good(desk: &Desk) -> Result<()> {
    desk.get("/api/v1/session").await.map(drop)
}

/// What may end the session of who calls it: signing out, ending a session, closing an account or giving it a password.
/// A run of its own calls these.
const ENDING: &str = "^(delete-api-v1-session|delete-api-v1-sessions-id|patch-api-v1-accounts-account|\
    post-api-v1-accounts-account-password|post-sign-out|post-account-sessions-id-end|\
    post-admin-accounts-account-(close|password))$";
const OF_PROGRAMS: &[&str] = &[
    "--exclude-tag",
    "pages",
    "--exclude-operation-id-regex",
    ENDING,
];
const OF_PAGES: &[&str] = &[
    "--include-tag",
    "pages",
    "--exclude-operation-id-regex",
    ENDING,
];
const OF_SESSIONS: &[&str] = &["--include-operation-id-regex", ENDING];

/// A supervisor of the commune, signed in.
async fn supervisor(town: &Small) -> Result<Desk> {
    let body = json!({"login": "supervisor", "name": "Lãnh đạo", "role": "supervisor", "password": PASSWORD});
    let account = desk::id(&town.desk.post("/api/v1/accounts", body).await?, "id")?;
    let path = format!("/api/v1/accounts/{account}/areas/{}", town.commune);
    town.desk.put(&path, json!({})).await?;
    Desk::sign_in(&town.server.url(), "supervisor", PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linter_accepts_the_document() -> Result<()> {
    let (_town, file) = town().await?;
    let mut redocly = Command::new(tools()?.join("node_modules/.bin/redocly"));
    redocly
        .args(["lint", "--format=stylish", "--config"])
        .arg(root().join("tests/foreign/openapi/redocly.yaml"))
        .arg(&file)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    run(redocly)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_finds_no_operation_that_fails_or_does_otherwise_than_the_document_says()
-> Result<()> {
    let (town, file) = town().await?;
    called(&town, &file, town.desk.token(), OF_PROGRAMS).await?;
    still_good(&town.desk).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_finds_no_operation_that_fails_or_does_otherwise_than_the_document_says()
-> Result<()> {
    let (town, file) = town().await?;
    let supervisor = supervisor(&town).await?;
    called(&town, &file, supervisor.token(), OF_PROGRAMS).await?;
    still_good(&supervisor).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_their_forms_do_what_the_document_says() -> Result<()> {
    let (town, file) = town().await?;
    called(&town, &file, town.desk.token(), OF_PAGES).await?;
    still_good(&town.desk).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_sessions_does_what_the_document_says() -> Result<()> {
    let (town, file) = town().await?;
    called(&town, &file, town.desk.token(), OF_SESSIONS).await
}
