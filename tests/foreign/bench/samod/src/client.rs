//! The client: a repository in a folder, connected only while it synchronises.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::Arc,
};

use automerge::{
    Automerge, ObjType, ROOT, ReadDoc,
    transaction::{Transactable, Transaction},
};
use futures::{StreamExt, TryStreamExt, stream};
use samod::{
    BackoffConfig, ConnectionId, DocHandle, DocumentId, Repo, storage::TokioFilesystemStorage,
    tokio_io::TcpDialer,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::Result;

/// Documents that are asked for at the same time.
const AT_ONCE: usize = 250;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Open {
        folder: String,
        url: String,
        addresses: Option<BTreeMap<String, String>>,
    },
    Make {
        path: String,
        changes: usize,
    },
    Edit {
        ids: Vec<String>,
        stamp: String,
    },
    Push,
    Pull {
        one: String,
    },
    Sync,
    Check {
        stamp: String,
    },
    Quit,
}

struct Client {
    repo: Repo,
    url: url::Url,
    addresses: BTreeMap<String, String>,
    handles: BTreeMap<String, DocHandle>,
    edited: BTreeSet<String>,
}

pub async fn obey() -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut client = None;
    while let Some(line) = lines.next_line().await? {
        let done = match serde_json::from_str(&line)? {
            Command::Quit => break,
            Command::Open {
                folder,
                url,
                addresses,
            } => {
                client = Some(Client::open(&folder, &url, addresses.unwrap_or_default()).await?);
                Ok(json!({}))
            }
            command => match &mut client {
                Some(client) => client.obey(command).await,
                None => Err("nothing is open".into()),
            },
        };
        let mut answer = done.unwrap_or_else(|error| json!({"error": error.to_string()}));
        answer["ok"] = answer.get("error").is_none().into();
        let mut out = std::io::stdout();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

impl Client {
    async fn open(folder: &str, url: &str, addresses: BTreeMap<String, String>) -> Result<Self> {
        let repo = Repo::build_tokio()
            .with_storage(TokioFilesystemStorage::new(folder))
            .load()
            .await;
        let url = url.replace("http:", "tcp:").parse()?;
        Ok(Self {
            repo,
            url,
            addresses,
            handles: BTreeMap::new(),
            edited: BTreeSet::new(),
        })
    }

    async fn obey(&mut self, command: Command) -> Result<Value> {
        match command {
            Command::Make { path, changes } => self.make(&path, changes).await,
            Command::Edit { ids, stamp } => self.edit(&ids, &stamp).await,
            // Right after a start it sends what it has edited; nothing tells it what else there is.
            Command::Push => {
                let edited: Vec<String> = std::mem::take(&mut self.edited).into_iter().collect();
                self.agree(if edited.is_empty() {
                    self.known()
                } else {
                    edited
                })
                .await
            }
            Command::Pull { one } => {
                self.agree(self.known()).await?;
                let named = |handle: &DocHandle| {
                    handle.with_document(|doc| matches!(doc.get(ROOT, "name"), Ok(Some(_))))
                };
                let found = self.handles.get(&one).is_some_and(named);
                Ok(
                    json!({"listed": self.handles.values().filter(|handle| named(handle)).count(), "found": found}),
                )
            }
            Command::Sync => self.agree(self.known()).await,
            Command::Check { stamp } => {
                self.find(self.known()).await?;
                let stamped = |handle: &&DocHandle| {
                    handle.with_document(|doc| {
                        let value = doc.get(ROOT, "head_name").ok().flatten();
                        value.is_some_and(|(value, _)| {
                            value.as_str().is_some_and(|text| text.starts_with(&stamp))
                        })
                    })
                };
                Ok(
                    json!({"documents": self.handles.len(), "stamped": self.handles.values().filter(stamped).count()}),
                )
            }
            Command::Open { .. } | Command::Quit => Ok(json!({})),
        }
    }

    fn known(&self) -> Vec<String> {
        self.addresses.keys().cloned().collect()
    }

    async fn make(&mut self, path: &str, changes: usize) -> Result<Value> {
        for line in std::fs::read_to_string(path)?.lines() {
            let mut fields: Map<String, Value> = serde_json::from_str(line)?;
            let id = fields
                .remove("id")
                .and_then(|id| id.as_str().map(str::to_owned))
                .ok_or("no id")?;
            let mut doc = Automerge::new();
            write(&mut doc, &fields)?;
            for n in 1..changes {
                write(&mut doc, &edit("lần", n))?;
            }
            let handle = self.repo.create(doc).await?;
            self.addresses
                .insert(id.clone(), handle.document_id().to_string());
            self.handles.insert(id, handle);
        }
        Ok(json!({"addresses": self.addresses}))
    }

    async fn edit(&mut self, ids: &[String], stamp: &str) -> Result<Value> {
        self.find(ids.to_vec()).await?;
        for (n, id) in ids.iter().enumerate() {
            let handle = self.handles.get(id).ok_or("no such document")?;
            handle.with_document(|doc| write(doc, &edit(stamp, n)))?;
            self.edited.insert(id.clone());
        }
        Ok(json!({}))
    }

    /// Opens documents: from its own files, else from the server.
    async fn find(&mut self, ids: Vec<String>) -> Result<()> {
        let missing: Vec<(String, DocumentId)> = ids
            .into_iter()
            .filter(|id| !self.handles.contains_key(id))
            .map(|id| {
                let address = self.addresses.get(&id).ok_or("an unknown record")?;
                Ok((id, address.parse().map_err(|_| "a bad document id")?))
            })
            .collect::<Result<_>>()?;
        let repo = &self.repo;
        let found = stream::iter(missing)
            .map(|(id, address)| async move {
                let handle = repo.find(address).await?.ok_or("the document is nowhere")?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((id, handle))
            })
            .buffer_unordered(AT_ONCE);
        let found: Vec<(String, DocHandle)> = found.try_collect().await?;
        self.handles.extend(found);
        Ok(())
    }

    /// Connects, and waits until both sides have said of each of these documents that they hold what the other has.
    async fn agree(&mut self, ids: Vec<String>) -> Result<Value> {
        let dialer = TcpDialer::new(self.url.clone()).map_err(|error| error.to_string())?;
        let dialing = self.repo.dial(BackoffConfig::default(), Arc::new(dialer))?;
        dialing
            .established()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let connection: ConnectionId = dialing.connection_id().ok_or("not connected")?;
        self.find(ids.clone()).await?;
        for id in &ids {
            let handle = self.handles.get(id).ok_or("no such document")?;
            handle.we_have_their_changes(connection).await;
            handle.they_have_our_changes(connection).await;
        }
        dialing.close();
        Ok(json!({}))
    }
}

fn edit(stamp: &str, n: usize) -> Map<String, Value> {
    let fields = json!({"staff": 1000 + n, "head_name": format!("{stamp} {n}")});
    fields.as_object().cloned().unwrap_or_default()
}

/// Merging text only where it is text; the rest are single values, as in our own records.
fn write(doc: &mut Automerge, fields: &Map<String, Value>) -> Result<()> {
    doc.transact(|tx| {
        fields
            .iter()
            .try_for_each(|(name, value)| put(tx, name, value))
    })
    .map(|_| ())
    .map_err(|failure| failure.error.into())
}

fn put(
    tx: &mut Transaction<'_>,
    name: &str,
    value: &Value,
) -> std::result::Result<(), automerge::AutomergeError> {
    match value {
        Value::String(text) if name == "notes" => {
            let object = tx.put_object(ROOT, name, ObjType::Text)?;
            tx.splice_text(&object, 0, 0, text)
        }
        Value::String(text) => tx.put(ROOT, name, text.as_str()),
        Value::Bool(flag) => tx.put(ROOT, name, *flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => tx.put(ROOT, name, whole),
            None => tx.put(ROOT, name, number.as_f64().unwrap_or_default()),
        },
        _ => Ok(()),
    }
}
