//! Accepting connections, with or without TLS, until the server stops.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum_server::{Handle, Server, tls_rustls::RustlsConfig};

use crate::{
    app::App,
    http::{router, tls},
};

/// A listener on an address; port 0 takes a free one.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the server stops: then it takes no new connection and finishes what is under way, for as long as
/// the limits say.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    acceptor: Option<RustlsConfig>,
) -> io::Result<()> {
    let handle = Handle::new();
    let patience = Duration::from_secs(app.config.limits.stop_s);
    let (mut stopping, stopped) = (app.stopping.clone(), handle.clone());
    tokio::spawn(async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
        stopped.graceful_shutdown(Some(patience));
    });
    let headers = Duration::from_secs(app.config.limits.header_s);
    let service =
        router::service(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
    match (acceptor, app.config.tls.clone()) {
        (Some(acceptor), Some(files)) => {
            let server = axum_server::from_tcp_rustls(listener, acceptor.clone())?;
            tokio::spawn(tls::renew(files, acceptor, app.stopping.clone()));
            limited(server, headers).handle(handle).serve(service).await
        }
        _ => {
            let server = axum_server::from_tcp(listener)?;
            limited(server, headers).handle(handle).serve(service).await
        }
    }
}

/// HTTP/1.1, and a head of a request in good time: who sends a byte a minute does not hold a connection.
fn limited<Acceptor>(
    server: Server<SocketAddr, Acceptor>,
    headers: Duration,
) -> Server<SocketAddr, Acceptor> {
    let mut server = server.http1_only().first_request_timeout(headers);
    server.http_builder().http1().header_read_timeout(headers);
    server
}
