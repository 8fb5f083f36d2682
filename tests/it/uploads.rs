//! A photo over a bad line: what it costs, and that it arrives whole.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use sokiem_client_core::{
    Error,
    attachments::{AttachmentState, NewAttachment, Place, upload_once},
};
use sokiem_tests::{
    Result,
    town::{Small, new_unit},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A TCP proxy that counts what goes to the server, and cuts the line whenever so many bytes have passed.
struct BadLine {
    address: std::net::SocketAddr,
    sent: Arc<AtomicU64>,
    cuts: Arc<AtomicUsize>,
}

impl BadLine {
    /// `cuts_at`: after how many bytes to the server, in all, the line is cut each time.
    async fn new(server: std::net::SocketAddr, cuts_at: Vec<u64>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sent, cuts) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, done) = (Arc::clone(&sent), Arc::clone(&cuts));
        let plan = Arc::new(cuts_at);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                let (counted, done, plan) =
                    (Arc::clone(&counted), Arc::clone(&done), Arc::clone(&plan));
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(server).await {
                        carry(phone, server, &counted, &done, &plan).await;
                    }
                });
            }
        });
        Ok(Self {
            address,
            sent,
            cuts,
        })
    }
}

async fn carry(
    mut phone: TcpStream,
    mut server: TcpStream,
    sent: &AtomicU64,
    cuts: &AtomicUsize,
    plan: &[u64],
) {
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = phone.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let before = sent.load(Ordering::SeqCst);
                let next = plan.get(cuts.load(Ordering::SeqCst)).copied().unwrap_or(u64::MAX);
                let room = usize::try_from(next.saturating_sub(before)).unwrap_or(usize::MAX);
                let passed = count.min(room);
                sent.fetch_add(passed as u64, Ordering::SeqCst);
                if server.write_all(&up[..passed]).await.is_err() {
                    return;
                }
                if passed < count || passed == room {
                    cuts.fetch_add(1, Ordering::SeqCst);
                    let _ = server.shutdown().await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if phone.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn drawn() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes)
}

/// A PNG whose pixels are noise: nothing compresses it.
pub(crate) fn photo(megabytes: usize) -> Vec<u8> {
    let side = 1024;
    let height = megabytes * 1024 * 1024 / (side * 3);
    let mut pixels = vec![0; side * height * 3];
    getrandom::fill(&mut pixels).unwrap();
    let (width, height) = (u32::try_from(side).unwrap(), u32::try_from(height).unwrap());
    let picture = image::RgbImage::from_raw(width, height, pixels).unwrap();
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

#[tokio::test]
async fn a_photo_of_20_mb_over_a_line_cut_50_times_costs_at_most_5_percent_more() -> Result<()> {
    let town = Small::start().await?;
    let device = town.officer("lan").await?;
    let campaign = town.campaign().await?;
    device.sync().await?;
    let unit = new_unit(&device.book, town.commune, 1)?;
    let document = device
        .book
        .open_planned_inspection(unit, campaign)?
        .document;
    device.sync().await?;
    let picture = photo(20);
    let new = NewAttachment {
        place: Place::Evidence("items/KTC-01/evidence".parse()?),
        bytes: &picture,
        caption: None,
        taken_ms: None,
        position: None,
        longest_side: None,
    };
    let added = device.book.add_attachment(document, &new)?;
    device.sync().await?;
    let size = added.bytes;
    assert!(size >= 20 * 1024 * 1024);

    let seed = std::env::var("SOKIEM_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap());
    println!("SOKIEM_SEED={seed} replays this run");
    let mut state = seed | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut cuts_at: Vec<u64> = (0..50).map(|_| 2_000 + random() % (size - 4_000)).collect();
    cuts_at.sort_unstable();
    cuts_at.dedup();
    let planned = cuts_at.len();
    let line = BadLine::new(town.server.address(), cuts_at).await?;
    let transport = device.over(&format!("http://{}", line.address))?;
    let mut runs = 0;
    loop {
        runs += 1;
        match upload_once(&device.book, &transport).await {
            Ok(report) => {
                assert_eq!((report.refused, report.postponed), (0, 0));
                break;
            }
            Err(Error::Transport(_)) if runs < 500 => {}
            Err(error) => return Err(error.into()),
        }
    }
    let sent = line.sent.load(Ordering::SeqCst);
    let ratio = sent as f64 / size as f64;
    println!(
        "{size} bytes, {planned} cuts, {sent} bytes sent, {ratio:.4} times its size, {runs} runs"
    );
    assert_eq!(line.cuts.load(Ordering::SeqCst), planned);
    assert!(ratio <= 1.05, "{ratio}");
    let state = device.book.attachments(document)?;
    assert!(
        state.iter().all(|one| one.state == AttachmentState::Done),
        "{state:?}"
    );
    let there = device
        .book
        .fetch_attachment(&device.transport, document, added.hash)
        .await?;
    assert_eq!(there.len() as u64, size);
    Ok(())
}
