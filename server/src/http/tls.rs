//! TLS in the server itself: reading the certificate, and reading it again when it was renewed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::sync::watch;

use crate::{config::Tls, error::Error};

/// How often the files are looked at. Certificates are renewed days before they end.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What to accept connections with.
pub(crate) fn acceptor(files: &Tls) -> Result<RustlsConfig, Error> {
    Ok(RustlsConfig::from_config(read(files)?))
}

/// TLS 1.2 and 1.3 with rustls' own choice of ciphers; HTTP/1.1.
fn read(files: &Tls) -> Result<Arc<ServerConfig>, Error> {
    let unusable =
        |path: &Path, why: String| Error::BadConfig(format!("tls: {}: {why}", path.display()));
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| unusable(&files.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable(&files.key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::BadConfig(format!("tls: {error}")))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| unusable(&files.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Takes a renewed certificate into use, on SIGHUP and when the files have changed, until the server stops. One that
/// can't be read is reported, and the old one stays.
pub(crate) async fn renew(files: Tls, acceptor: RustlsConfig, mut stopping: watch::Receiver<bool>) {
    let mut seen = changed(&files);
    let mut asked = hangups();
    loop {
        let forced = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = hangup(&mut asked) => true,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let now = changed(&files);
        if !forced && now == seen {
            continue;
        }
        seen = now;
        match read_again(&files, &acceptor) {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::error!(%error, "the certificate stays the old one"),
        }
    }
}

/// Takes the files as they are now into use, for connections to come.
pub(crate) fn read_again(files: &Tls, acceptor: &RustlsConfig) -> Result<(), Error> {
    acceptor.reload_from_config(read(files)?);
    Ok(())
}

fn changed(files: &Tls) -> [Option<SystemTime>; 2] {
    let of = |path: &PathBuf| {
        std::fs::metadata(path)
            .and_then(|found| found.modified())
            .ok()
    };
    [of(&files.certificate), of(&files.key)]
}

#[cfg(unix)]
type Hangups = Option<tokio::signal::unix::Signal>;
#[cfg(not(unix))]
type Hangups = Option<()>;

#[cfg(unix)]
fn hangups() -> Hangups {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::hangup()).ok()
}
#[cfg(not(unix))]
fn hangups() -> Hangups {
    None
}

#[cfg(unix)]
async fn hangup(asked: &mut Hangups) {
    match asked {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
#[cfg(not(unix))]
async fn hangup(_: &mut Hangups) {
    std::future::pending().await
}
