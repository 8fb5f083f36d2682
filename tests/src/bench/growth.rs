//! What the server costs when it holds more: the same few questions at every size.
//!
//! The documents lie in communes of a thousand, pushed by a device of each commune through the real exchange. At each
//! size one device asks for nothing new, pushes one record, and another is new to its commune; the supervisor's inbox is
//! opened; the server is killed and started again.

mod filling;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sokiem_record::id::{AreaId, EpochId};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    Result,
    bench::{figures::Figure, machine::Machine, officer::Officer, process::memory_mib},
    desk::Desk,
    program::Server,
};
use filling::Filling;

const PASSWORD: &str = "mật khẩu dùng để đo";

/// What the server costs at one size. Times in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Size {
    /// Documents that were pushed.
    pub documents: usize,
    /// Changes of them.
    pub changes: usize,
    /// An exchange of a device to which nothing is new.
    pub nothing_ms: Figure,
    /// An exchange that brings one record of two changes.
    pub push_ms: Figure,
    /// A pull of one commune of a thousand documents, from nothing.
    pub pull_ms: Figure,
    /// The supervisor's inbox as a page.
    pub inbox_ms: Figure,
    /// From the start of the program until it listens, after it was killed.
    pub start_ms: Figure,
    /// Memory at most since that start, with all of this asked, in MiB.
    pub memory_mib: f64,
    /// Memory at most while it was filled, in MiB.
    pub filling_mib: f64,
    /// The folder of data in MiB.
    pub disk_mib: f64,
    /// Documents a second while it was filled from the size before.
    pub filled_per_s: f64,
}

/// What one record with a long history costs. Times in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// Changes of the record.
    pub changes: usize,
    /// One more change.
    pub push_ms: Figure,
    /// A pull of the record from nothing.
    pub pull_ms: Figure,
    /// The record as a page.
    pub page_ms: Figure,
}

/// A size, and why it was not reached.
pub type Unreached = (usize, String);

/// Growth on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Growth {
    /// Where.
    pub machine: Machine,
    /// The command that repeats it.
    pub command: String,
    /// Each size.
    pub sizes: Vec<Size>,
    /// Each length of a history.
    pub histories: Vec<History>,
    /// Sizes that were asked for and not reached in the time that was given, and why.
    pub unreached: Vec<Unreached>,
}

/// Somebody who asks.
struct Asking {
    runtime: Runtime,
    server: Server,
    desk: Desk,
    web: reqwest::Client,
}

impl Asking {
    fn begin(program: &Path, folder: &Path) -> Result<Self> {
        let runtime = Runtime::new()?;
        let server = Server::begin(program, folder, PASSWORD)?;
        let desk = runtime.block_on(Desk::sign_in(server.url(), "admin", PASSWORD))?;
        Ok(Self {
            runtime,
            server,
            desk,
            web: reqwest::Client::new(),
        })
    }

    /// Middle time of doing something so often, in milliseconds; the first is not counted.
    fn time<F: Future<Output = Result<()>>>(
        &self,
        times: usize,
        work: impl Fn(usize) -> F,
    ) -> Result<Figure> {
        let mut took = Vec::new();
        for n in 0..=times {
            let begun = Instant::now();
            self.runtime.block_on(work(n))?;
            if n > 0 {
                took.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
        Figure::of(took).ok_or_else(|| "nothing was timed".into())
    }

    async fn page(&self, path: &str) -> Result<()> {
        let request = self
            .web
            .get(format!("{}{path}", self.server.url()))
            .header("cookie", format!("sokiem_session={}", self.desk.token()));
        let answer = request.send().await?;
        if answer.status() != 200 {
            return Err(format!("{path}: {}", answer.status()).into());
        }
        answer.bytes().await?;
        Ok(())
    }
}

/// Fills a server up to each of these sizes and asks, until the time is over.
///
/// # Errors
/// When the server refuses anything.
pub fn sizes(
    program: &Path,
    folder: &Path,
    sizes: &[usize],
    time: Duration,
    tell: &dyn Fn(&Size),
) -> Result<(Vec<Size>, Vec<Unreached>)> {
    let begun = Instant::now();
    let mut asking = Asking::begin(program, folder)?;
    let mut filling = Filling::begin(&asking.runtime, &asking.desk)?;
    let (mut done, mut unreached) = (Vec::new(), Vec::new());
    for wanted in sizes {
        let (before, filled) = (filling.documents, Instant::now());
        while filling.documents < *wanted && begun.elapsed() < time {
            asking
                .runtime
                .block_on(filling.commune(&asking.desk, asking.server.url()))?;
        }
        if filling.documents < *wanted {
            unreached.push((
                *wanted,
                format!("{} documents after {} s", filling.documents, time.as_secs()),
            ));
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few million documents")]
        let filled_per_s = (filling.documents - before) as f64 / filled.elapsed().as_secs_f64();
        let size = ask(&mut asking, &mut filling, filled_per_s)?;
        tell(&size);
        done.push(size);
    }
    Ok((done, unreached))
}

fn ask(asking: &mut Asking, filling: &mut Filling, filled_per_s: f64) -> Result<Size> {
    let filling_mib = memory_mib(asking.server.pid())?.1;
    let mut starts = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        asking.server.kill_and_restart()?;
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let device = filling.device()?.clone();
    let epoch = filling.epoch;
    let (cursors, _) = asking
        .runtime
        .block_on(device.read_all(epoch, Vec::new()))?;
    let nothing_ms = asking.time(30, |_| async {
        let answer = device
            .exchange(Some(epoch), cursors.clone(), Vec::new())
            .await?;
        quiet(
            &answer
                .pulled
                .iter()
                .map(|pull| pull.entries.len())
                .collect::<Vec<_>>(),
        )
    })?;
    let pushes: Vec<_> = (0..=30)
        .map(|_| filling.inspection(&device))
        .collect::<Result<_>>()?;
    let push_ms = asking.time(30, |n| {
        let push = pushes.get(n).cloned().into_iter().collect();
        let (device, cursors) = (&device, cursors.clone());
        async move { device.push(cursors, push).await.map(drop) }
    })?;
    // A commune that stays as it was filled: the last but one.
    let other = filling.other()?.clone();
    let pull_ms = asking.time(5, |_| async {
        other.read_all(epoch, Vec::new()).await.map(drop)
    })?;
    let inbox_ms = asking.time(10, |_| asking.page("/inbox"))?;
    Ok(Size {
        documents: filling.documents,
        changes: filling.changes,
        nothing_ms,
        push_ms,
        pull_ms,
        inbox_ms,
        start_ms: Figure::of(starts).ok_or("never started")?,
        memory_mib: memory_mib(asking.server.pid())?.1,
        filling_mib,
        disk_mib: disk_mib(asking.server.folder())?,
        filled_per_s,
    })
}

fn quiet(entries: &[usize]) -> Result<()> {
    if entries.iter().any(|count| *count > 0) {
        return Err("something was new".into());
    }
    Ok(())
}

/// One record with so many changes, and what more of it costs.
///
/// # Errors
/// When the server refuses anything.
pub fn histories(program: &Path, folder: &Path, lengths: &[usize]) -> Result<Vec<History>> {
    let asking = Asking::begin(program, folder)?;
    let mut done = Vec::new();
    for changes in lengths {
        let name = format!("Xã {changes}");
        let area = asking
            .runtime
            .block_on(asking.desk.create_area(&name, "commune", None))?;
        let url = asking.server.url();
        let login = format!("canbo{changes}");
        let device = Officer::enrol(&asking.desk, url, &login, AreaId(area));
        let device = asking.runtime.block_on(device)?;
        let (record, more) = filling::long(&asking.runtime, &device, *changes)?;
        let answer = asking
            .runtime
            .block_on(device.exchange(None, Vec::new(), Vec::new()))?;
        let (epoch, cursors) = (
            answer.epoch,
            answer
                .pulled
                .iter()
                .map(|pull| pull.cursor)
                .collect::<Vec<_>>(),
        );
        let push_ms = asking.time(5, |n| {
            let push = more.get(n).cloned().into_iter().collect();
            let (device, cursors) = (&device, cursors.clone());
            async move { device.push(cursors, push).await.map(drop) }
        })?;
        let pull_ms = asking.time(5, |_| async {
            device.read_all(epoch, Vec::new()).await.map(drop)
        })?;
        let page_ms = asking.time(3, |_| async {
            asking.page(&format!("/records/{record}")).await
        })?;
        done.push(History {
            changes: *changes,
            push_ms,
            pull_ms,
            page_ms,
        });
    }
    Ok(done)
}

fn disk_mib(folder: &Path) -> Result<f64> {
    let mut bytes = 0;
    for file in fs::read_dir(folder)? {
        let known = file?.metadata()?;
        bytes += if known.is_file() { known.len() } else { 0 };
    }
    #[expect(clippy::cast_precision_loss, reason = "a few gigabytes")]
    let bytes = bytes as f64;
    Ok(bytes / 1024.0 / 1024.0)
}

/// The epoch before the first answer.
const NO_EPOCH: EpochId = EpochId(Uuid::nil());
