//! A line between client and server that counts what goes over it.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::Result;

/// A TCP proxy on a free port of this machine: bytes of the streams both ways, headers of HTTP included, those of
/// TCP and IP not.
#[derive(Clone, Debug)]
pub struct Line {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Mutex<SocketAddr>,
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
}

/// What went over a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes to the server.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// Connections that were made.
    pub connections: u64,
}

impl Line {
    /// A line to this server.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let line = Self {
            address: listener.local_addr()?,
            inner: Arc::new(Inner {
                server: Mutex::new(server),
                up: AtomicU64::new(0),
                down: AtomicU64::new(0),
                connections: AtomicU64::new(0),
            }),
        };
        let inner = Arc::clone(&line.inner);
        thread::spawn(move || {
            for client in listener.incoming().map_while(|client| client.ok()) {
                // A server that is gone closes the client's connection.
                let _ = inner.join(client);
            }
        });
        Ok(line)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server is elsewhere now.
    pub fn lead_to(&self, server: SocketAddr) {
        *self
            .inner
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// What went over it since the last call.
    pub fn take(&self) -> Carried {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        Carried {
            up: take(&self.inner.up),
            down: take(&self.inner.down),
            connections: take(&self.inner.connections),
        }
    }
}

impl Inner {
    fn join(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = *self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let server = TcpStream::connect(server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        self.connections.fetch_add(1, Ordering::SeqCst);
        let (from_client, to_client) = (client.try_clone()?, client);
        let (from_server, to_server) = (server.try_clone()?, server);
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || carry(from_client, to_server, &up.up));
        thread::spawn(move || carry(from_server, to_client, &down.down));
        Ok(())
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer) {
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else {
            break;
        };
        // Counted before it is sent: whoever gets it may ask for the count at once.
        count.fetch_add(length as u64, Ordering::SeqCst);
        if to.write_all(piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_both_ways_and_follows_a_server_that_moved() {
        let echo = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    let mut asked = [0; 4];
                    stream.read_exact(&mut asked).unwrap();
                    stream.write_all(b"answered").unwrap();
                }
            });
            address
        };
        let line = Line::to(echo()).unwrap();
        let call = || {
            let mut stream = TcpStream::connect(line.address()).unwrap();
            stream.write_all(b"asks").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        assert_eq!(call(), "answered");
        assert_eq!(
            line.take(),
            Carried {
                up: 4,
                down: 8,
                connections: 1
            }
        );
        line.lead_to(echo());
        assert_eq!(call(), "answered");
        assert_eq!(
            line.take(),
            Carried {
                up: 4,
                down: 8,
                connections: 1
            }
        );
    }
}
