//! Starting and stopping.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum_server::tls_rustls::RustlsConfig;
use rusqlite::OptionalExtension as _;
use sokiem_record::id::{AccountId, EpochId};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    accounts::{
        access::Role, account, attempts::Attempts, lockout::Lockouts, password, provider::Provider,
        second_factor,
    },
    app::{self, App},
    attachments::{Attachments, sweep},
    audit::{
        self, Action, Entry,
        chain::{self, Anchor, Checked},
        reads::{self, Reads},
    },
    backup::state::Checking,
    config::Config,
    devices::replay::Replays,
    error::Error,
    field_app::FieldApp,
    http::{listening, tls},
    occupied::Occupied,
    platform::{self, Machine, Platform, SystemPlatform},
    projection,
    records::quarantine::import,
    store::{Store, Writing, id},
    sync::poke::Pokes,
    telemetry::Metrics,
    upkeep,
    webhooks::deliver,
};

/// A server that runs.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    acceptor: Option<RustlsConfig>,
    upkeep: JoinHandle<()>,
    telling: JoinHandle<()>,
    /// Keeps a second server off the data folder.
    occupied: Option<Occupied>,
}

/// Opens the database, binds the address and starts to serve in the background.
///
/// # Errors
/// [`Error`] when the database can't be opened or the address not bound.
pub async fn serve(config: Config) -> Result<Running, Error> {
    serve_on(config, SystemPlatform).await
}

/// As [`serve`], on a platform that the caller hands in: for simulations.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on(config: Config, platform: impl Platform + 'static) -> Result<Running, Error> {
    config.expect_protected()?;
    let acceptor = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let listener = listening::bind(config.listen).map_err(|source| Error::Listen {
        address: config.listen,
        source,
    })?;
    let address = listener.local_addr().map_err(|source| Error::Listen {
        address: config.listen,
        source,
    })?;
    // On a simulated disk there is no folder to hold.
    let occupied = match platform.vfs() {
        None => Some(Occupied::take(&config.data_dir)?),
        Some(_) => None,
    };
    let field_app = field_app(&config).await?;
    let (stop, stopping) = watch::channel(false);
    let mut app = open(config, Machine::new(platform), address, stopping).await?;
    app.field_app = field_app;
    let app = Arc::new(app);
    sweep::start(&app);
    let serving = tokio::spawn(listening::serve(
        Arc::clone(&app),
        listener,
        acceptor.clone(),
    ));
    tracing::info!(%address, epoch = %app.epoch, "serving");
    Ok(Running {
        address,
        upkeep: tokio::spawn(upkeep::run(Arc::clone(&app))),
        telling: tokio::spawn(deliver::run(Arc::clone(&app))),
        app,
        stop,
        serving,
        acceptor,
        occupied,
    })
}

fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{address}")
}

/// The officer's app, where a folder of it is configured. Commands beside a server do without: a folder that is gone
/// must not stand in the way of a restore.
async fn field_app(config: &Config) -> Result<Option<FieldApp>, Error> {
    let Some(folder) = config.field_app.dir.clone() else {
        return Ok(None);
    };
    let reading = tokio::task::spawn_blocking(move || FieldApp::read(&folder));
    reading.await.map_err(|_| Error::Panicked)?.map(Some)
}

/// Notes that the server runs, and whether it had been stopped in order before.
fn note_start(writing: &Writing<'_>) -> Result<(), Error> {
    let last: Option<String> = writing
        .sql
        .query_row(
            "SELECT action FROM audit WHERE action IN (?1, ?2) ORDER BY seq DESC LIMIT 1",
            [Action::ServerStarted.word(), Action::ServerStopped.word()],
            |row| row.get(0),
        )
        .optional()?;
    let orderly = last.is_none_or(|last| last == Action::ServerStopped.word());
    let entry = Entry::new(Action::ServerStarted)
        .detail("version", env!("CARGO_PKG_VERSION"))
        .detail("orderly", orderly);
    audit::note(writing, entry)
}

/// Notes what was not noted yet, and that the server stops in order.
pub(crate) async fn note_stop(app: &App) {
    reads::write(app).await;
    let stopped = Entry::new(Action::ServerStopped);
    let noted = app.store.write(|writing| audit::note(writing, stopped));
    if let Err(error) = noted.await {
        tracing::error!(%error, "the stop was not noted");
    }
}

pub(crate) async fn open(
    config: Config,
    machine: Machine,
    address: SocketAddr,
    stopping: watch::Receiver<bool>,
) -> Result<App, Error> {
    let metrics = Arc::new(Metrics::new());
    let pokes = Pokes::new();
    let (folder, limits) = (config.data_dir.clone(), config.limits.clone());
    let (counted, heard) = (Arc::clone(&metrics), pokes.clone());
    let given = machine.clone();
    let opening = move || Store::open(&folder, &limits, &given, counted, heard);
    let store = if machine.threads() {
        let opening = tokio::task::spawn_blocking(opening);
        opening.await.map_err(|_| Error::Panicked)??
    } else {
        opening()?
    };
    let (epoch, lockouts) = match make_ready(&store, &config).await {
        Ok(ready) => ready,
        Err(error) => {
            // Whoever tries again must not meet the connections of this attempt.
            close(move || store.close()).await;
            return Err(error);
        }
    };
    Ok(App {
        public_url: config
            .public_url
            .clone()
            .unwrap_or_else(|| url(&config, address)),
        attempts: Attempts::new(&config.limits),
        reads: Reads::new(config.limits.audit_reads),
        attachments: Attachments::new(&config),
        lockouts,
        checking: Checking::default(),
        field_app: None,
        provider: Provider::default(),
        replays: Replays::new(
            machine.now_ms(),
            config.lifetimes.signature_s,
            config.limits.nonces_per_device,
        ),
        password_checks: Arc::new(Semaphore::new(config.limits.password_checks)),
        event_streams: Arc::new(Semaphore::new(config.limits.event_streams)),
        imports: Arc::new(Semaphore::new(import::AT_ONCE)),
        lots: Arc::new(Semaphore::new(config.limits.push_lots)),
        config,
        machine,
        store,
        metrics,
        pokes,
        epoch,
        stopping,
    })
}

/// What has to be read and written before the first request: the history's name and who is locked out.
async fn make_ready(store: &Store, config: &Config) -> Result<(EpochId, Lockouts), Error> {
    let epoch = app::epoch(store).await?;
    store.write(projection::refresh).await?;
    let lockouts = Lockouts::new(&config.limits);
    let lockouts = store
        .read(move |sql| lockouts.load(sql).map(|()| lockouts))
        .await?;
    store.write(note_start).await?;
    Ok((epoch, lockouts))
}

/// Closes the database on a thread that may wait.
async fn close(closing: impl FnOnce() + Send + 'static) {
    if tokio::task::spawn_blocking(closing).await.is_err() {
        tracing::error!("closing the database panicked");
    }
}

impl Running {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` or, with TLS, `https://`, and the address.
    pub fn url(&self) -> String {
        url(&self.app.config, self.address)
    }

    /// Takes a renewed certificate into use now. The server does so by itself within a minute, and on SIGHUP.
    ///
    /// # Errors
    /// [`Error::BadConfig`] when it can't be read; the old one stays.
    pub fn read_certificate_again(&self) -> Result<(), Error> {
        match (&self.app.config.tls, &self.acceptor) {
            (Some(files), Some(acceptor)) => tls::read_again(files, acceptor),
            _ => Ok(()),
        }
    }

    /// The history of the database.
    pub fn epoch(&self) -> EpochId {
        self.app.epoch
    }

    /// Makes an account without asking who calls: for the first administrator. Everything else goes
    /// through the API.
    ///
    /// # Errors
    /// [`Error::AccountExists`], or the database failed.
    pub async fn create_account(
        &self,
        login: &str,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<AccountId, Error> {
        create_account(&self.app, login, name, role, password).await
    }

    /// Stops: takes no new connection, finishes what is under way, commits, closes the database.
    ///
    /// # Errors
    /// [`Error::Listen`] when the listener had failed.
    pub async fn stop(mut self) -> Result<(), Error> {
        let _ = self.stop.send(true);
        // The listener ends by itself when its own time to wait is over.
        let patience = Duration::from_secs(self.app.config.limits.stop_s.saturating_add(1));
        let served = tokio::time::timeout(patience, &mut self.serving).await;
        if served.is_err() {
            tracing::warn!("requests were still under way when the time to stop was over");
            self.serving.abort();
        }
        self.close().await;
        match served {
            Ok(Ok(Err(source))) => Err(Error::Listen {
                address: self.address,
                source,
            }),
            _ => Ok(()),
        }
    }

    async fn close(&mut self) {
        let _ = self.stop.send(true);
        if (&mut self.upkeep).await.is_err() {
            tracing::error!("the upkeep panicked");
        }
        // What is under way is sent again: a receiver knows it by its id.
        self.telling.abort();
        let app = Arc::clone(&self.app);
        note_stop(&app).await;
        close(move || app.store.close()).await;
        self.occupied.take();
    }

    /// Serves until SIGTERM or SIGINT, or until the listener fails; then stops.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn until_signal(mut self) -> Result<(), Error> {
        tokio::select! {
            () = signal() => {
                tracing::info!("stopping");
                self.stop().await
            }
            served = &mut self.serving => {
                self.close().await;
                match served {
                    Ok(Err(source)) => Err(Error::Listen { address: self.address, source }),
                    _ => Ok(()),
                }
            }
        }
    }
}

async fn signal() {
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut stream) => {
                    stream.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! { () = interrupted => {}, () = terminated => {} }
    }
    #[cfg(not(unix))]
    interrupted.await;
}

pub(crate) async fn create_account(
    app: &App,
    login: &str,
    name: &str,
    role: Role,
    password: &str,
) -> Result<AccountId, Error> {
    let hash = password::hash_apart(app, password.to_owned()).await?;
    let (login, name) = (login.to_lowercase(), name.to_owned());
    app.store
        .write(move |writing| {
            let account = account::insert(writing, &login, &name, "", role, Some(&hash))?;
            let entry = Entry::new(Action::AccountMade).on("account", account);
            let entry = entry.detail("role", role.name()).detail("at", "console");
            audit::note(writing, entry)?;
            Ok(account)
        })
        .await
}

/// Makes an account in the database of a server that does not run.
///
/// # Errors
/// As [`Running::create_account`].
pub async fn create_account_offline(
    config: Config,
    login: &str,
    name: &str,
    role: Role,
    password: &str,
) -> Result<AccountId, Error> {
    let app = offline(config).await?;
    let account = create_account(&app, login, name, role, password).await;
    app.store.close();
    account
}

/// Takes an account's second factor away in the database of a server that does not run.
///
/// # Errors
/// [`Error::NoSuchAccount`], or the database failed.
pub async fn remove_second_factor_offline(config: Config, login: &str) -> Result<(), Error> {
    let app = offline(config).await?;
    let login = login.to_lowercase();
    let removed = app.store.write(move |writing| {
        let account: Option<AccountId> = writing
            .sql
            .query_row(
                "SELECT id FROM accounts WHERE login = ?1",
                [&login],
                |row| id::id(row, 0),
            )
            .optional()?;
        let account = account.ok_or_else(|| Error::NoSuchAccount(login.clone()))?;
        if !second_factor::remove(writing, account)? {
            return Err(Error::NoSuchAccount(login));
        }
        let entry = Entry::new(Action::SecondFactorOff).on("account", account);
        audit::note(writing, entry.detail("at", "console"))
    });
    let removed = removed.await;
    app.store.close();
    removed
}

pub(crate) async fn start_epoch(app: &App) -> Result<EpochId, Error> {
    let recovery_s = app.config.lifetimes.recovery_s;
    let started = app.store.write(move |writing| {
        let until_ms = platform::after_s(writing.now_ms, recovery_s);
        let epoch = app::restore_epoch(writing.sql, writing.machine, until_ms)?;
        let entry = Entry::new(Action::EpochStarted).on("epoch", epoch);
        let entry = entry.detail("recovery_until_ms", until_ms);
        audit::note(writing, entry.detail("at", "console"))?;
        Ok(epoch)
    });
    started.await
}

/// Starts a new epoch in a database that was restored from a backup. Devices then reconcile and bring
/// back what the backup lacks.
///
/// # Errors
/// The database can't be opened or written.
pub async fn start_epoch_offline(config: Config) -> Result<EpochId, Error> {
    let app = offline(config).await?;
    let epoch = start_epoch(&app).await;
    app.store.close();
    epoch
}

/// Recomputes the audit log's chain, of a server that runs or not.
///
/// # Errors
/// The database can't be opened or read.
pub async fn verify_audit_offline(
    config: Config,
    anchor: Option<Anchor>,
) -> Result<Checked, Error> {
    let app = offline(config).await?;
    let checked = app.store.read(move |sql| chain::verify(sql, anchor)).await;
    app.store.close();
    checked
}

/// The shared state of a server that does not run.
pub(crate) async fn offline(config: Config) -> Result<App, Error> {
    let (_, stopping) = watch::channel(false);
    let address = config.listen;
    open(config, Machine::new(SystemPlatform), address, stopping).await
}
