//! What stands between the server and the network: TLS, slow senders, header fields, addresses.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use reqwest::Client;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::json;
use sokiem_server::{config::Tls, serve};

use crate::harness::{Town, answer, config};

type Versions = &'static [&'static rustls::SupportedProtocolVersion];
static TLS_12: Versions = &[&rustls::version::TLS12];
static TLS_13: Versions = &[&rustls::version::TLS13];

fn certificate(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/certificates")
        .join(name)
}

fn authority() -> Vec<u8> {
    std::fs::read(certificate("ca.pem")).unwrap()
}

/// The certificate that a server shows to this client, which also makes one request.
fn shown(address: SocketAddr, versions: Versions) -> Result<Vec<u8>, String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&authority()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream
        .write_all(request)
        .map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    assert!(
        text.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&text)
    );
    Ok(tls.peer_certificates().unwrap()[0].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_tls_and_takes_a_renewed_certificate_without_a_restart() {
    // A second call in the same process finds the provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let files = Tls {
        certificate: folder.path().join("c.pem"),
        key: folder.path().join("k.pem"),
    };
    let put = |name: &str| {
        std::fs::copy(certificate(&format!("{name}.key")), &files.key).unwrap();
        std::fs::copy(certificate(&format!("{name}.pem")), &files.certificate).unwrap();
        CertificateDer::from_pem_file(certificate(&format!("{name}.pem")))
            .unwrap()
            .to_vec()
    };
    let first = put("first");
    let tls = files.clone();
    let data = tempfile::tempdir().unwrap();
    let mut config = config(&data);
    config.tls = Some(tls);
    config.secure_cookies = true;
    let town = serve(config).await.unwrap();
    let address = town.address();
    assert!(town.url().starts_with("https://"));
    let see =
        move |versions: Versions| tokio::task::spawn_blocking(move || shown(address, versions));
    assert_eq!(see(TLS_13).await.unwrap().unwrap(), first);
    assert_eq!(see(TLS_12).await.unwrap().unwrap(), first);

    // A file that is no certificate changes nothing.
    std::fs::write(&files.certificate, "not a certificate").unwrap();
    assert!(town.read_certificate_again().is_err());
    assert_eq!(see(TLS_13).await.unwrap().unwrap(), first);
    let second = put("second");
    town.read_certificate_again().unwrap();
    assert_eq!(see(TLS_13).await.unwrap().unwrap(), second);

    let http = Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&authority()).unwrap()])
        .build()
        .unwrap();
    let page = http
        .get(format!("{}/sign-in", town.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        page.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    let plain = Client::new()
        .get(format!("http://{address}/healthz"))
        .send()
        .await;
    assert!(plain.is_err(), "in the clear");
    town.stop().await.unwrap();
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_must_not_do() {
    let town = Town::with(|config| config.secure_cookies = true).await;
    for path in [
        "/",
        "/sign-in",
        "/nothing",
        "/healthz",
        "/api/v1/accounts",
        "/api/openapi.json",
        "/assets/style.css",
        "/favicon.ico",
    ] {
        let answer = town.http.get(town.url(path)).send().await.unwrap();
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "same-origin", "{path}");
        assert!(
            headers.contains_key("permissions-policy")
                && headers.contains_key("strict-transport-security"),
            "{path}"
        );
        if path.starts_with("/api/") {
            assert_eq!(headers["cache-control"], "no-store", "{path}");
        }
    }
    let body = json!({"login": "admin", "password": crate::harness::PASSWORD});
    let session = town
        .http
        .post(town.url("/api/v1/session"))
        .json(&body)
        .send()
        .await
        .unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-sokiem_session=")
            && cookie.contains("; Secure")
            && cookie.contains("Path=/;"),
        "{cookie}"
    );
}

#[tokio::test]
async fn who_sends_slowly_does_not_hold_a_connection() {
    let town = Town::with(|config| {
        config.limits.header_s = 1;
        config.limits.request_s = 1;
    })
    .await;
    let address = town.server.address();
    let ended = |sent: &'static str| {
        tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            socket.write_all(sent.as_bytes()).unwrap();
            let mut text = String::new();
            // Reading to the end: it is the server that ends it.
            socket.read_to_string(&mut text).map(|_| text)
        })
    };
    let silent = ended("").await.unwrap().unwrap();
    assert!(!silent.contains("200 OK"), "{silent}");
    let head = ended("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .unwrap()
        .unwrap();
    assert!(!head.contains("200 OK"), "{head}");
    let body = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"login";
    let body = ended(body).await.unwrap().unwrap();
    assert!(
        body.starts_with("HTTP/1.1 408") && body.contains("/problems/timed-out"),
        "{body}"
    );
}

#[tokio::test]
async fn guessing_a_password_is_shut_out_for_longer_each_time_also_after_a_restart() {
    let town =
        Town::with(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let lan = town.account("lan", "supervisor", &[town.communes[0]]).await;
    assert!(!lan.is_empty());
    let mut town = town;
    let try_from = async |town: &Town, login: &str, address: &str, password: &str| {
        let request = town
            .http
            .post(town.url("/api/v1/session"))
            .header("x-forwarded-for", address);
        let response = request
            .json(&json!({"login": login, "password": password}))
            .send()
            .await
            .unwrap();
        let after = response
            .headers()
            .get("retry-after")
            .map(|after| after.to_str().unwrap().to_owned());
        (answer(response).await.status.as_u16(), after)
    };
    for login in ["lan", "nobody"] {
        for _ in 0..9 {
            // The first six are wrong; the seventh comes while the door is shut.
            try_from(&town, login, "192.0.2.1", "wrong password").await;
        }
        let (status, after) = try_from(&town, login, "192.0.2.1", crate::harness::PASSWORD).await;
        assert_eq!(status, 429, "{login}: the right password too");
        assert!(after.unwrap().parse::<u64>().unwrap() >= 1);
    }
    // From elsewhere its owner gets in.
    assert_eq!(
        try_from(&town, "lan", "192.0.2.2", crate::harness::PASSWORD)
            .await
            .0,
        201
    );
    let kept: i64 = town
        .database()
        .query_row("SELECT max(failures) FROM lockouts", [], |row| row.get(0))
        .unwrap();
    assert!(kept >= 6, "{kept}");
    // A lock of a minute, as after more guesses, outlives a restart.
    town.database()
        .execute(
            "UPDATE lockouts SET until_ms = until_ms + 60000 WHERE until_ms > 0",
            [],
        )
        .unwrap();
    town = town
        .restarted_with(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()])
        .await;
    assert_eq!(
        try_from(&town, "lan", "192.0.2.1", crate::harness::PASSWORD)
            .await
            .0,
        429
    );
}
