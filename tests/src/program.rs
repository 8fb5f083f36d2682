//! The server as a process of its own, that dies and comes back.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::Result;

/// A running `sokiem-server` with its data in a folder.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    listen: String,
    url: String,
    process: Child,
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--data-dir")
        .arg(folder)
        .env("SOKIEM_SERVER_SECURE_COOKIES", "false")
        .env("SOKIEM_SERVER_LIMITS__PASSWORD_MEMORY_KIB", "64")
        .env("SOKIEM_SERVER_LIMITS__ATTEMPTS", "100000")
        .env("SOKIEM_SERVER_LOG__FILTER", "error");
    command
}

impl Server {
    /// Makes an administrator and starts.
    ///
    /// # Errors
    /// When the program can't do either.
    pub fn begin(program: &Path, folder: &Path, password: &str) -> Result<Self> {
        let folder = folder.join("server");
        let mut making = command(program, &folder)
            .args([
                "admin",
                "create-account",
                "--login",
                "admin",
                "--name",
                "Quản trị",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        making
            .stdin
            .take()
            .ok_or("no standard input")?
            .write_all(password.as_bytes())?;
        if !making.wait()?.success() {
            return Err("the administrator was not made".into());
        }
        // The system picks a free address once. Devices remember it, so that it has to stay the same.
        let (process, url) = start(program, &folder, "127.0.0.1:0")?;
        let listen = url.trim_start_matches("http://").to_owned();
        Ok(Self {
            program: program.to_owned(),
            folder,
            listen,
            url,
            process,
        })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The folder with its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills it and starts it again at the same address.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        (self.process, self.url) = start(&self.program, &self.folder, &self.listen)?;
        Ok(())
    }

    /// Ends it and looks whether its database is sound.
    ///
    /// # Errors
    /// When it is not.
    pub fn stop(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        let database = rusqlite::Connection::open(self.folder.join(sokiem_server::FILE_NAME))?;
        let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if verdict == "ok" {
            Ok(())
        } else {
            Err(format!("the server's database: {verdict}").into())
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already, or to go: nobody is left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts and waits until it says where it listens.
fn start(program: &Path, folder: &Path, listen: &str) -> Result<(Child, String)> {
    let mut process = command(program, folder)
        .args(["--listen", listen, "serve"])
        .stdout(Stdio::piped())
        .spawn()?;
    let out = process.stdout.take().ok_or("no standard output")?;
    let mut url = String::new();
    BufReader::new(out).read_line(&mut url)?;
    if url.trim().is_empty() {
        return Err(format!("the server did not start again: {:?}", process.wait()?).into());
    }
    Ok((process, url.trim().to_owned()))
}
