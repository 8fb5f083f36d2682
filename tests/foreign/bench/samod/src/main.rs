//! samod with files, as a server and as a client that is told what to do by lines of JSON.

mod client;

use std::error::Error;

use samod::{Repo, storage::TokioFilesystemStorage};
use tokio::{io::AsyncWriteExt, net::TcpListener, signal::unix};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("server"), Some(folder)) => serve(&folder).await,
        (Some("client"), None) => client::obey().await,
        _ => Err("usage: server FOLDER | client".into()),
    }
}

/// A repository that answers whoever connects, and begins nothing by itself.
async fn serve(folder: &str) -> Result<()> {
    let policy = samod::ShareConfig::read_write().with_announce(false);
    let repo = Repo::build_tokio()
        .with_storage(TokioFilesystemStorage::new(folder))
        .with_share_policy(policy)
        .load()
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("tcp://{}", listener.local_addr()?);
    let acceptor = repo.make_acceptor(url.parse()?)?;
    let mut out = tokio::io::stdout();
    out.write_all(format!("{url}\n").as_bytes()).await?;
    out.flush().await?;
    let mut ended = unix::signal(unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                acceptor.accept_tokio_io(stream)?;
            }
            _ = ended.recv() => {
                repo.stop().await;
                return Ok(());
            }
        }
    }
}
