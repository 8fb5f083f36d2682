//! An officer's device without a book: who it is, its way to the server, and exchanges by hand.

use sokiem_client_core::{
    Book,
    platform::{SystemClock, SystemRandom},
    sync::{self, Transport as _, http::HttpTransport},
};
use sokiem_record::{
    criteria,
    id::{ActorId, AreaId, EpochId},
    wire::{
        self, ChangeOutcome, Cursor, DocumentPush, ExchangeRequest, ExchangeResponse,
        PROTOCOL_VERSION,
    },
};

use crate::{Result, desk::Desk};

/// A device that is enrolled.
#[derive(Clone, Debug)]
pub struct Officer {
    /// The area that it may write in.
    pub area: AreaId,
    /// Who writes.
    pub actor: ActorId,
    /// Its way to the server.
    pub transport: HttpTransport,
}

impl Officer {
    /// Makes an account for an area and enrols a device of it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn enrol(desk: &Desk, url: &str, login: &str, area: AreaId) -> Result<Self> {
        let account = desk
            .create_account(login, login, "officer", None, &[area.0])
            .await?;
        let code = desk.enrolment_code(account).await?;
        let book = Book::in_memory(SystemClock, SystemRandom)?;
        let stranger = HttpTransport::new(url, None)?;
        let version = env!("CARGO_PKG_VERSION");
        sync::enrol(&book, &stranger, url, &code, login, version).await?;
        let enrolment = book.enrolment()?.ok_or("not enrolled")?;
        Ok(Self {
            area,
            actor: book.actor()?,
            transport: HttpTransport::new(url, Some(enrolment.key))?,
        })
    }

    /// One exchange.
    ///
    /// # Errors
    /// When the server can't be reached or refuses.
    pub async fn exchange(
        &self,
        epoch: Option<EpochId>,
        cursors: Vec<Cursor>,
        push: Vec<DocumentPush>,
    ) -> Result<ExchangeResponse> {
        let request = ExchangeRequest {
            v: PROTOCOL_VERSION,
            epoch,
            cursors,
            push,
            report: None,
        };
        let answer = self.transport.exchange(wire::encode(&request)).await?;
        Ok(wire::decode(&answer)?)
    }

    /// Pushes, and sees that everything was stored.
    ///
    /// # Errors
    /// When anything was not.
    pub async fn push(
        &self,
        cursors: Vec<Cursor>,
        push: Vec<DocumentPush>,
    ) -> Result<ExchangeResponse> {
        let answer = self.exchange(None, cursors, push).await?;
        let mut outcomes = answer.pushed.iter().flat_map(|outcome| &outcome.changes);
        match outcomes.find(|outcome| **outcome != ChangeOutcome::Stored) {
            Some(other) => Err(format!("not everything was stored: {other:?}").into()),
            None => Ok(answer),
        }
    }

    /// Reads every area from these cursors to its end; where that is, and how many documents came.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub async fn read_all(
        &self,
        epoch: EpochId,
        mut cursors: Vec<Cursor>,
    ) -> Result<(Vec<Cursor>, usize)> {
        let mut documents = 0;
        loop {
            let answer = self.exchange(Some(epoch), cursors, Vec::new()).await?;
            documents += answer
                .pulled
                .iter()
                .map(|pull| pull.entries.len())
                .sum::<usize>();
            cursors = answer.pulled.iter().map(|pull| pull.cursor).collect();
            if answer.pulled.iter().all(|pull| !pull.more) {
                return Ok((cursors, documents));
            }
        }
    }
}

/// The criteria that every inspection answers, those of `KIEMTRA-CHUNG`.
///
/// # Errors
/// When the shipped set can't be read.
pub fn items() -> Result<Vec<String>> {
    let sets = criteria::shipped().map_err(|faults| format!("{faults:?}"))?;
    let set = sets.into_iter().find(|set| set.code == "KIEMTRA-CHUNG");
    Ok(set.ok_or("no criteria")?.item_codes())
}
