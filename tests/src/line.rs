//! A line between a device and its server that can be cut, and that counts what goes over it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What went over a line, in bytes of TCP's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// From the device to the server.
    pub up: u64,
    /// From the server to the device.
    pub down: u64,
}

/// Whether a line is cut, and how often it was: connections end with each time.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    cut: bool,
    times: u64,
}

/// A line on the loopback interface. It is there as long as this is.
pub struct Line {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    standing: watch::Sender<Standing>,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    /// Begins to listen on a free port, for this server.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (standing, stands) = watch::channel(Standing::default());
        let (up, down) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counters = (Arc::clone(&up), Arc::clone(&down));
        let server = Arc::new(Mutex::new(server));
        let leads_to = Arc::clone(&server);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // A line that is cut takes nobody on.
                if !stands.borrow().cut {
                    let (up, down) = (Arc::clone(&counters.0), Arc::clone(&counters.1));
                    let server = *leads_to.lock().unwrap_or_else(PoisonError::into_inner);
                    tokio::spawn(carry(near, server, stands.clone(), up, down));
                }
            }
        });
        Ok(Self {
            address,
            server,
            standing,
            up,
            down,
            task,
        })
    }

    /// What a browser is told instead of the server's own address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts it, connections that stand as well; or mends it.
    pub fn set_cut(&self, cut: bool) {
        self.standing.send_modify(|standing| {
            standing.cut = cut;
            standing.times += u64::from(cut);
        });
    }

    /// Leads to another server from now on; connections that stand end.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        self.standing.send_modify(|standing| standing.times += 1);
    }

    /// What went over it so far.
    pub fn carried(&self) -> Carried {
        Carried {
            up: self.up.load(Ordering::Relaxed),
            down: self.down.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    near: TcpStream,
    server: SocketAddr,
    mut stands: watch::Receiver<Standing>,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
) {
    let begun = stands.borrow().times;
    let Ok(far) = TcpStream::connect(server).await else {
        return;
    };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let both = async {
        tokio::join!(pass(near_in, far_out, &up), pass(far_in, near_out, &down));
    };
    tokio::select! {
        () = both => {}
        _ = stands.wait_for(|standing| standing.times != begun) => {}
    }
}

/// Passes on until either end is closed.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(read as u64, Ordering::Relaxed);
        let Some(bytes) = buffer.get(..read) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
    // The other side may go on; it hears that this one has ended.
    let _ = to.shutdown().await;
}
