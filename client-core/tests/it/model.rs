//! What the protocol asks of a server, in as few lines as possible, with faults to order.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use serde_bytes::ByteBuf;
use sokiem_client_core::{
    EnrolRequest, EnrolResponse,
    sync::{NextKey, Transport, TransportError},
};
use sokiem_record::{
    ChangeHash,
    document::{Document, Received as Taken},
    edit::{Author, Edit, Written},
    fingerprint::Fingerprint,
    genesis,
    id::{ActorId, AreaId, DocumentId, EpochId, Kind},
    refusal::Refusal,
    wire::*,
};
use uuid::Uuid;

#[derive(Clone)]
struct LogRow {
    document: DocumentId,
    /// `None`: the document left, to there.
    change: Option<ByteBuf>,
    left_to: Option<AreaId>,
    hash: [u8; 32],
    received_ms: i64,
}

/// What happens to the next requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    RequestLost,
    /// The server does it, and the answer is lost.
    ResponseLost,
    /// The answer is cut in the middle.
    ResponseCut,
    /// It arrives twice; the second answer is the one that is heard.
    Twice,
}

#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) epoch: EpochId,
    pub(crate) grants: Vec<Grant>,
    pub(crate) documents: BTreeMap<DocumentId, (Kind, AreaId, Document)>,
    logs: BTreeMap<AreaId, Vec<LogRow>>,
    /// Changes by these actors are refused with this.
    pub(crate) refuse: BTreeMap<ActorId, Refusal>,
    /// Entries of this document are sent with damaged bytes.
    pub(crate) damage: BTreeSet<DocumentId>,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) exchanges: u32,
    pub(crate) reconciles: u32,
    /// Whole documents are sent change by change, as by a server that has no snapshot of them.
    pub(crate) loose: bool,
    /// Documents in one answer.
    pub(crate) page: usize,
    pub(crate) clock_ms: i64,
    /// Actors that were bound after a fork.
    pub(crate) bound: Vec<ActorId>,
    /// Devices are asked to erase themselves, and how many said that they do.
    pub(crate) wipe: bool,
    pub(crate) wiped: u32,
}

pub(crate) fn area(n: u128) -> AreaId {
    AreaId(Uuid::from_u128(0xa000 + n))
}

/// The server as several devices share it.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<Model>>);

impl Server {
    pub(crate) fn new(areas: &[AreaId]) -> Self {
        Self(Arc::new(Mutex::new(Model {
            epoch: EpochId(Uuid::from_u128(1)),
            grants: areas
                .iter()
                .map(|area| Grant {
                    area: *area,
                    writable: true,
                })
                .collect(),
            documents: BTreeMap::new(),
            logs: BTreeMap::new(),
            refuse: BTreeMap::new(),
            damage: BTreeSet::new(),
            faults: VecDeque::new(),
            exchanges: 0,
            reconciles: 0,
            loose: false,
            page: 1_000,
            clock_ms: 1_700_000_000_000,
            bound: Vec::new(),
            wipe: false,
            wiped: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap()
    }
}

impl Model {
    /// Something that the server writes itself.
    pub(crate) fn put(&mut self, area: AreaId, begun: (Document, Written)) -> DocumentId {
        let (document, written) = begun;
        let (id, kind) = (document.id(), document.kind());
        self.documents.insert(id, (kind, area, document));
        self.log(area, id, written.bytes, written.hash);
        id
    }

    pub(crate) fn edit(&mut self, id: DocumentId, author: &Author, edits: &[Edit]) {
        let (_, area, document) = self.documents.get_mut(&id).unwrap();
        let area = *area;
        let written = document.edit(author, None, edits).unwrap().unwrap();
        self.log(area, id, written.bytes, written.hash);
    }

    fn log(&mut self, area: AreaId, document: DocumentId, bytes: Vec<u8>, hash: ChangeHash) {
        self.clock_ms += 1;
        self.logs.entry(area).or_default().push(LogRow {
            document,
            change: Some(ByteBuf::from(bytes)),
            left_to: None,
            hash: hash.0,
            received_ms: self.clock_ms,
        });
    }

    pub(crate) fn move_document(&mut self, id: DocumentId, to: AreaId, seen: bool) {
        let (_, area, document) = self.documents.get_mut(&id).unwrap();
        let from = std::mem::replace(area, to);
        let changes = document.changes_since(&[]);
        let hashes = document.hashes();
        let left = LogRow {
            document: id,
            change: None,
            left_to: seen.then_some(to),
            hash: [9; 32],
            received_ms: self.clock_ms,
        };
        self.logs.entry(from).or_default().push(left);
        for (bytes, hash) in changes.into_iter().zip(hashes) {
            self.log(to, id, bytes, hash);
        }
    }

    fn fingerprint(&self, area: AreaId) -> Fingerprint {
        self.documents
            .values()
            .filter(|(_, lies_in, _)| *lies_in == area)
            .map(|(_, _, document)| Fingerprint::of_document(document.id(), &document.heads()))
            .fold(Fingerprint::default(), Fingerprint::plus)
    }

    fn exchange(&mut self, request: &ExchangeRequest) -> Result<ExchangeResponse, TransportError> {
        self.exchanges += 1;
        if request.epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(TransportError::EpochChanged { epoch: self.epoch });
        }
        let pushed = request.push.iter().map(|push| self.push(push)).collect();
        let grants = self.grants.clone();
        let pulled = grants
            .iter()
            .map(|grant| self.pull(grant.area, &request.cursors))
            .collect();
        Ok(ExchangeResponse {
            v: PROTOCOL_VERSION,
            epoch: self.epoch,
            server_time_ms: self.clock_ms,
            pushed,
            scope: grants,
            pulled,
            wipe: self.wipe,
        })
    }

    fn push(&mut self, push: &DocumentPush) -> DocumentOutcome {
        let mut refused: BTreeSet<ChangeHash> = BTreeSet::new();
        let changes = push
            .changes
            .iter()
            .map(|bytes| self.take(push, bytes, &mut refused))
            .collect();
        let area = self.documents.get(&push.document).map(|(_, area, _)| *area);
        DocumentOutcome {
            document: push.document,
            area,
            changes,
        }
    }

    fn take(
        &mut self,
        push: &DocumentPush,
        bytes: &[u8],
        refused: &mut BTreeSet<ChangeHash>,
    ) -> ChangeOutcome {
        let header = sokiem_record::chunk::ChangeHeader::parse(bytes).unwrap();
        let lies_in = self
            .documents
            .get(&push.document)
            .map_or(push.area, |(_, area, _)| *area);
        let (kind, mut document) = match self.documents.get(&push.document) {
            Some((kind, _, document)) => (*kind, document.clone()),
            None => (push.kind, Document::new(push.document, push.kind)),
        };
        if document.contains(&header.hash) {
            return ChangeOutcome::Had;
        }
        let outcome = if self
            .grants
            .iter()
            .all(|grant| grant.area != lies_in || !grant.writable)
        {
            ChangeOutcome::Refused(Refusal::OutOfScope)
        } else if header.deps.iter().any(|dep| refused.contains(dep)) {
            ChangeOutcome::Refused(Refusal::DependsOnRefused)
        } else if let Some(refusal) = self.refuse.get(&header.actor) {
            ChangeOutcome::Refused(*refusal)
        } else {
            match document.receive(bytes).unwrap() {
                Taken::Applied(header) => {
                    self.documents
                        .insert(push.document, (kind, lies_in, document));
                    self.log(lies_in, push.document, bytes.to_vec(), header.hash);
                    ChangeOutcome::Stored
                }
                Taken::Had(_) => ChangeOutcome::Had,
                Taken::Missing(_, missing) => {
                    ChangeOutcome::Missing(missing.into_iter().map(Hash::from).collect())
                }
                Taken::Refused(refusal) => ChangeOutcome::Refused(refusal),
            }
        };
        if matches!(outcome, ChangeOutcome::Refused(_)) {
            refused.insert(header.hash);
        }
        outcome
    }

    fn pull(&self, area: AreaId, cursors: &[Cursor]) -> AreaPull {
        let empty = Vec::new();
        let log = self.logs.get(&area).unwrap_or(&empty);
        let check = |seq: u64| match seq.checked_sub(1).and_then(|index| log.get(index as usize)) {
            Some(row) => Check::of(&row.hash),
            None => Check::default(),
        };
        let asked = cursors.iter().find(|cursor| cursor.area == area).copied();
        let mut cursor = asked.unwrap_or(Cursor::start(area));
        let reset = cursor.seq as usize > log.len() || cursor.check != check(cursor.seq);
        if reset {
            cursor = Cursor::start(area);
        }
        let mut newest: BTreeMap<DocumentId, usize> = BTreeMap::new();
        for (index, row) in log.iter().enumerate() {
            newest.insert(row.document, index + 1);
        }
        let mut news: Vec<(usize, DocumentId)> = newest
            .into_iter()
            .map(|(document, seq)| (seq, document))
            .filter(|(seq, _)| *seq as u64 > cursor.seq)
            .collect();
        news.sort_unstable();
        let more = news.len() > self.page;
        news.truncate(self.page);
        let base = cursor.base as usize;
        let entries = news
            .iter()
            .map(|(_, document)| self.entry(*document, log, base))
            .collect();
        let seq = if more {
            news.last().map_or(cursor.seq, |(seq, _)| *seq as u64)
        } else {
            log.len() as u64
        };
        let cursor = Cursor {
            area,
            base: if more { cursor.base } else { seq },
            seq,
            check: check(seq),
        };
        let fingerprint = (!more).then(|| self.fingerprint(area));
        AreaPull {
            cursor,
            reset,
            more,
            fingerprint,
            entries,
        }
    }

    fn entry(&self, id: DocumentId, log: &[LogRow], base: usize) -> Entry {
        let (kind, _, document) = &self.documents[&id];
        let rows: Vec<&LogRow> = log.iter().filter(|row| row.document == id).collect();
        let last = rows.last().unwrap();
        let damage = |mut bytes: Vec<u8>| {
            if self.damage.contains(&id) {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0xff;
            }
            ByteBuf::from(bytes)
        };
        let news = if last.change.is_none() {
            News::Left(last.left_to)
        } else if base == 0 && !self.loose {
            let received_ms = vec![self.clock_ms; document.change_count()];
            News::Snapshot {
                bytes: damage(document.save()),
                received_ms,
            }
        } else {
            let after = log[base..].iter().filter(|row| row.document == id);
            News::Changes(
                after
                    .filter_map(|row| {
                        let bytes = damage(row.change.clone()?.into_vec());
                        Some(Received {
                            bytes,
                            received_ms: row.received_ms,
                        })
                    })
                    .collect(),
            )
        };
        Entry {
            document: id,
            kind: *kind,
            news,
        }
    }

    fn reconcile(&mut self, request: &ReconcileRequest) -> ReconcileResponse {
        self.reconciles += 1;
        let mut response = ReconcileResponse {
            v: PROTOCOL_VERSION,
            unknown: Vec::new(),
            differ: Vec::new(),
            elsewhere: Vec::new(),
            pull: false,
        };
        for theirs in &request.documents {
            let heads: Vec<ChangeHash> = theirs.heads.iter().map(|hash| (*hash).into()).collect();
            match self.documents.get(&theirs.document) {
                None => response.unknown.push(theirs.document),
                Some((_, lies_in, _)) if *lies_in != request.area => {
                    response.elsewhere.push(theirs.document)
                }
                Some((_, _, document)) if document.heads() == heads => {}
                Some((_, _, document)) => {
                    response.differ.push(DocumentHeads {
                        document: theirs.document,
                        heads: document.heads().into_iter().map(Into::into).collect(),
                    });
                    // What is not an ancestor of what they hold is something that they lack. As the real server, it
                    // takes a device of whose heads it knows none for one that is ahead.
                    let known: Vec<ChangeHash> = heads
                        .iter()
                        .copied()
                        .filter(|head| document.contains(head))
                        .collect();
                    let behind = !known.is_empty() && !document.changes_since(&known).is_empty();
                    response.pull |= heads.is_empty() || behind;
                }
            }
        }
        let held: BTreeSet<DocumentId> = request
            .documents
            .iter()
            .map(|theirs| theirs.document)
            .collect();
        response.pull |= self.documents.values().any(|(_, lies_in, document)| {
            *lies_in == request.area && !held.contains(&document.id())
        });
        response
    }
}

impl Transport for Server {
    async fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let mut model = self.lock();
        let request: ExchangeRequest = decode(&body).unwrap();
        match model.faults.pop_front() {
            None => Ok(encode(&model.exchange(&request)?)),
            Some(Fault::RequestLost) => Err(TransportError::Offline {
                detail: String::new(),
            }),
            Some(Fault::ResponseLost) => {
                model.exchange(&request)?;
                Err(TransportError::Timeout)
            }
            Some(Fault::ResponseCut) => {
                let answer = encode(&model.exchange(&request)?);
                Ok(answer[..answer.len() / 2].to_vec())
            }
            Some(Fault::Twice) => {
                model.exchange(&request)?;
                Ok(encode(&model.exchange(&request)?))
            }
        }
    }

    async fn reconcile(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let request: ReconcileRequest = decode(&body).unwrap();
        Ok(encode(&self.lock().reconcile(&request)))
    }

    async fn bind_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        self.lock().bound.push(actor);
        Ok(())
    }

    async fn renew_key(&self, _: &NextKey) -> Result<Vec<u8>, TransportError> {
        Err(TransportError::Timeout)
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        let mut model = self.lock();
        model.wiped += 1;
        match model.faults.pop_front() {
            None => Ok(()),
            Some(_) => Err(TransportError::Timeout),
        }
    }

    async fn enrol(&self, _: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        Err(TransportError::Timeout)
    }
}

/// Who writes at the server's desk.
pub(crate) fn desk() -> Author {
    Author {
        actor: ActorId(Uuid::from_u128(0xde5c)),
        time_ms: 1_700_000_000_000,
        reason: None,
    }
}

/// A campaign for schools with a criteria set of two items, in this area.
pub(crate) fn campaign(server: &Server, area: AreaId) -> DocumentId {
    let set = r#"{"items":[{"code":"T124-GD-REG"},{"code":"T124-GD-MODEL"}]}"#;
    let criteria = [
        ("code", "T124-GD".into()),
        ("version", 1.into()),
        ("title", "TT 124, trường".into()),
        ("set", set.into()),
    ];
    let criteria = genesis::document(
        genesis::criteria_id("T124-GD", 1),
        Kind::Criteria,
        &desk(),
        &criteria,
    )
    .unwrap();
    let id = DocumentId(Uuid::from_u128(0xca));
    let begun = genesis::document(
        id,
        Kind::Campaign,
        &desk(),
        &[("name", "Đợt 2026".into()), ("year", 2026.into())],
    )
    .unwrap();
    let mut model = server.lock();
    model.put(area, criteria);
    model.put(area, begun);
    let set = |path: &str, value: &str| Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    };
    let edits = [
        set("sets/school.criteria", "T124-GD@1"),
        set("sets/school.window_start", "2026-01-01"),
        set("sets/school.window_end", "2026-12-31"),
    ];
    model.edit(id, &desk(), &edits);
    id
}
