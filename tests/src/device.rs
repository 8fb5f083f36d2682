//! An officer's device: a book in a file of its own, and the way to the server.

use std::path::Path;

use sokiem_client_core::{
    Book,
    keys::BookKey,
    platform::{SystemClock, SystemRandom},
    sync::{self, SyncReport, http::HttpTransport},
};

use crate::{Result, desk::Desk};

/// A device that is enrolled.
#[derive(Debug)]
pub struct Device {
    /// Its book. Everything offline goes through here.
    pub book: Book,
    /// Its way to the server.
    pub transport: HttpTransport,
}

impl Device {
    /// Makes a book in a folder and enrols it for an account.
    ///
    /// # Errors
    /// When the server refuses or the folder can't be written.
    pub async fn enrol(
        folder: &Path,
        name: &str,
        base: &str,
        desk: &Desk,
        account: uuid::Uuid,
    ) -> Result<Self> {
        let code = desk.enrolment_code(account).await?;
        let book = Book::open(
            folder.join(name).join("book.sqlite3"),
            &BookKey::draw(&SystemRandom)?,
            SystemClock,
            SystemRandom,
        )?
        .book;
        let stranger = HttpTransport::new(base, None)?;
        sync::enrol(
            &book,
            &stranger,
            base,
            &code,
            name,
            env!("CARGO_PKG_VERSION"),
        )
        .await?;
        let enrolment = book.enrolment()?.ok_or("the enrolment was not kept")?;
        let transport = HttpTransport::new(base, Some(enrolment.key.clone()))?;
        Ok(Self { book, transport })
    }

    /// The same installation with a new code, for a server that does not know the device any more.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn enrolled_again(
        self,
        base: &str,
        desk: &Desk,
        account: uuid::Uuid,
    ) -> Result<Self> {
        let code = desk.enrolment_code(account).await?;
        let stranger = HttpTransport::new(base, None)?;
        let version = env!("CARGO_PKG_VERSION");
        sync::enrol(&self.book, &stranger, base, &code, "again", version).await?;
        let enrolment = self.book.enrolment()?.ok_or("the enrolment was not kept")?;
        let transport = HttpTransport::new(base, Some(enrolment.key.clone()))?;
        Ok(Self { transport, ..self })
    }

    /// The same device over another way to the server.
    ///
    /// # Errors
    /// When the address can't be used.
    pub fn over(&self, base: &str) -> Result<HttpTransport> {
        let enrolment = self.book.enrolment()?.ok_or("not enrolled")?;
        Ok(HttpTransport::new(base, Some(enrolment.key.clone()))?)
    }

    /// Comes back into the network: syncs until nothing is left to do.
    ///
    /// # Errors
    /// When it could not, or when it ended without proof that both sides hold the same.
    pub async fn sync(&self) -> Result<SyncReport> {
        let report = sync::sync_once(&self.book, &self.transport).await?;
        if !report.verified {
            return Err(format!("not verified: {report:?}").into());
        }
        Ok(report)
    }
}
