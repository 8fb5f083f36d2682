//! A server without sockets and without threads, for simulations: requests are handed to the same
//! router, and everything runs on the caller's thread, in an order that depends on nothing but the calls.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{Request, Response, StatusCode},
};
use sokiem_record::id::{AccountId, EpochId};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};
use tower::ServiceExt as _;

use crate::{
    accounts::access::Role,
    app::App,
    config::Config,
    error::Error,
    http::router,
    platform::{Machine, Platform},
    running,
};

/// Where every request comes from.
const PEER: ([u8; 4], u16) = ([127, 0, 0, 1], 1);
/// Turns that work in the background gets before it counts as work without end.
const SETTLING_TURNS: u32 = 1_000;
/// Largest answer that is read, in bytes.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A server that is called instead of connected to. It owns a runtime of one thread; dropping it, or
/// [`Local::kill`], leaves everything that was under way undone, as the end of a process does.
pub struct Local {
    runtime: Runtime,
    app: Arc<App>,
    service: Router,
    /// Tasks that live as long as the server.
    idle_tasks: usize,
    _stop: watch::Sender<bool>,
}

/// A platform whose SQL runs where it is called.
struct OneThread<P>(P);

impl<P: Platform> Platform for OneThread<P> {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes)
    }

    fn vfs(&self) -> Option<&str> {
        self.0.vfs()
    }

    fn threads(&self) -> bool {
        false
    }
}

impl Local {
    /// Opens the database as [`crate::serve_on`] does, and listens nowhere. Not to be called inside of a
    /// runtime: it brings its own.
    ///
    /// # Errors
    /// [`Error`] when the database can't be opened.
    pub fn open(config: Config, platform: impl Platform + 'static) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|source| Error::Listen {
                address: config.listen,
                source,
            })?;
        let (stop, stopping) = watch::channel(false);
        let address = config.listen;
        let machine = Machine::new(OneThread(platform));
        let app = Arc::new(runtime.block_on(running::open(config, machine, address, stopping))?);
        let service = router::service(Arc::clone(&app));
        let idle_tasks = runtime.metrics().num_alive_tasks();
        Ok(Self {
            runtime,
            app,
            service,
            idle_tasks,
            _stop: stop,
        })
    }

    /// The history of the database.
    pub fn epoch(&self) -> EpochId {
        self.app.epoch
    }

    /// Answers one request. Work that it left behind goes on with the next call or [`Local::settle`].
    pub fn call(&self, request: Request<Vec<u8>>) -> Response<Bytes> {
        self.call_together(vec![request]).pop().unwrap_or_default()
    }

    /// Answers requests that arrive at the same moment: their writes may share a commit.
    pub fn call_together(&self, requests: Vec<Request<Vec<u8>>>) -> Vec<Response<Bytes>> {
        self.runtime.block_on(async {
            let calls: Vec<_> = requests
                .into_iter()
                .map(|request| tokio::spawn(answer(self.service.clone(), request)))
                .collect();
            let mut answers = Vec::with_capacity(calls.len());
            for call in calls {
                answers.push(call.await.unwrap_or_else(|_| failed()));
            }
            answers
        })
    }

    /// Lets everything end that requests left behind in the background.
    pub fn settle(&self) {
        self.run_down_to(self.idle_tasks);
    }

    /// Makes an account without asking who calls: for the first administrator.
    ///
    /// # Errors
    /// [`Error::AccountExists`], or the database failed.
    pub fn create_account(
        &self,
        login: &str,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<AccountId, Error> {
        let made = running::create_account(&self.app, login, name, role, password);
        self.runtime.block_on(made)
    }

    /// Starts a new epoch, as `sokiem-server start-epoch` does on a database that was restored from a
    /// backup, and stops: the server has to be opened again.
    ///
    /// # Errors
    /// The database can't be written.
    pub fn start_epoch(self) -> Result<EpochId, Error> {
        let epoch = self.runtime.block_on(running::start_epoch(&self.app))?;
        self.stop();
        Ok(epoch)
    }

    /// Stops as after SIGTERM: what is under way ends, and the database is closed.
    pub fn stop(self) {
        self.runtime.block_on(running::note_stop(&self.app));
        self.app.store.close();
        self.run_down_to(0);
    }

    fn run_down_to(&self, tasks: usize) {
        self.runtime.block_on(async {
            for _ in 0..SETTLING_TURNS {
                if self.runtime.metrics().num_alive_tasks() <= tasks {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }

    /// Ends as a process does that is killed: nothing more is written. Closing the database's files can
    /// still fold its write-ahead log; cut the disk's power first where it must not.
    pub fn kill(self) {
        drop(self);
    }
}

async fn answer(service: Router, request: Request<Vec<u8>>) -> Response<Bytes> {
    let mut request = request.map(Body::from);
    let peer = ConnectInfo(SocketAddr::from(PEER));
    request.extensions_mut().insert(peer);
    let Ok(response) = service.oneshot(request).await;
    let (parts, body) = response.into_parts();
    match to_bytes(body, ANSWER_BYTES).await {
        Ok(body) => Response::from_parts(parts, body),
        Err(_) => failed(),
    }
}

/// What a caller sees of a request whose handling ended without an answer.
fn failed() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
