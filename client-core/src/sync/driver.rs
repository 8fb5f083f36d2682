//! Drives synchronisations over a transport: once, or in the background for as long as events come.

use std::pin::pin;

use futures_util::{
    Stream, StreamExt,
    future::{Either, select},
};
use sokiem_record::{proof, signing::SigningKey};

use crate::{
    book::Book,
    error::{Error, Result},
    platform::Timer,
    schedule::{Decision, Event, Outcome, Pace, Scheduler},
    status::Failure,
    store::enrolment::EnrolRequest,
    sync::{Step, SyncReport, SyncRun, Transport, TransportError, transport::KEY_TAKEN},
};

/// Documents that are folded after a synchronisation: some milliseconds of the book's one lock.
const FOLDED_AT_ONCE: u32 = 8;

/// Synchronises once: pushes what is pending, pulls what is new, and proves that both sides hold the
/// same. Dropping the future at any point loses nothing.
///
/// # Errors
/// [`Error::Transport`] when the way to the server failed; what was acknowledged before stays so.
pub async fn sync_once<T: Transport>(book: &Book, transport: &T) -> Result<SyncReport> {
    let mut ended = Ended { book, done: false };
    book.watch().sync_began();
    let result = steps(book, transport).await;
    let failure = result
        .as_ref()
        .err()
        .map(|error| Failure::of(error, book.now_ms()));
    ended.done = true;
    book.watch().sync_ended(failure);
    result
}

/// Tells the status that a synchronisation was dropped half-way.
struct Ended<'a> {
    book: &'a Book,
    done: bool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.book.watch().sync_dropped();
        }
    }
}

async fn steps<T: Transport>(book: &Book, transport: &T) -> Result<SyncReport> {
    let mut run = SyncRun::new();
    loop {
        let answer = match run.next(book)? {
            Step::Exchange(body) => transport.exchange(body).await,
            Step::Reconcile(body) => transport.reconcile(body).await,
            Step::BindActor(actor) => transport.bind_actor(actor).await.map(|()| Vec::new()),
            Step::RenewKey(next) => transport.renew_key(&next).await,
            Step::ConfirmWipe => transport.confirm_wipe().await.map(|()| Vec::new()),
            Step::Done(report) => return Ok(report),
        };
        match answer {
            Ok(body) => run.received(book, &body)?,
            Err(error) => run.failed(book, error)?,
        }
    }
}

/// Enrols this installation with a one-time code, and writes down whose it is now. After a lost answer the
/// same code may be used again.
///
/// # Errors
/// [`Error::Transport`] when the server refused the code or can't be reached.
pub async fn enrol<T: Transport>(
    book: &Book,
    transport: &T,
    server: &str,
    code: &str,
    device_name: &str,
    app_version: &str,
) -> Result<()> {
    let (actor, code) = (book.actor()?, code.trim());
    let request = |key: &SigningKey| {
        let public = key.public_key();
        EnrolRequest {
            code: code.to_owned(),
            device_name: device_name.to_owned(),
            actor: actor.to_string(),
            app_version: app_version.to_owned(),
            key: public,
            proof: key.sign(&proof::enrolment_message(code, actor, &public)),
        }
    };
    book.note_app_version(app_version)?;
    let answer = match transport.enrol(&request(&book.next_key()?)).await {
        // The answer to an earlier enrolment with this key was lost, or this phone is an earlier copy of itself.
        Err(error) if error.code() == KEY_TAKEN => {
            book.forget_next_key()?;
            transport.enrol(&request(&book.next_key()?)).await
        }
        answer => answer,
    };
    book.enrolled(server, &answer?)
}

/// Synchronises in the background until `events` ends. Saves are noticed by themselves; `events` brings
/// the platform's: connectivity, pokes, pause and resume.
///
/// # Errors
/// Only what makes going on senseless: a book that can't be read. A failed synchronisation is in the status.
pub async fn run<T, K, E>(book: Book, transport: T, timer: K, pace: Pace, events: E) -> Result<()>
where
    T: Transport,
    K: Timer,
    E: Stream<Item = Event>,
{
    let mut events = pin!(events);
    let mut listener = book.listen();
    let mut saves = book.watch().saves();
    let mut scheduler = Scheduler::new(pace);
    let mut event = Event::Start;
    loop {
        let decision = scheduler.event(event, book.now_ms(), jitter(&book)?);
        book.watch().next_try(match decision {
            Decision::WaitUntil(at_ms) => Some(at_ms),
            _ => None,
        });
        let next = match decision {
            Decision::SyncNow => {
                let mut sync = pin!(sync_once(&book, &transport));
                loop {
                    match select(&mut sync, events.next()).await {
                        Either::Left((result, _)) => {
                            let outcome = outcome(&result)?;
                            // Nobody waits now: what was sent is folded, a little each time. What fails here
                            // fails with nothing lost, and is done another time.
                            if outcome == Outcome::Verified {
                                let _ = book.compact(FOLDED_AT_ONCE);
                            }
                            break Some(Event::SyncFinished(outcome));
                        }
                        // Dropping the synchronisation is safe at any point.
                        Either::Right((Some(Event::Pause), _)) => break Some(Event::Pause),
                        Either::Right((Some(other), _)) => {
                            scheduler.event(other, book.now_ms(), jitter(&book)?);
                        }
                        Either::Right((None, _)) => return Ok(()),
                    }
                }
            }
            Decision::WaitUntil(at_ms) => {
                let wait = u64::try_from(at_ms.saturating_sub(book.now_ms())).unwrap_or(0);
                let next = pin!(next_event(&mut events, &mut listener, &book, &mut saves));
                match select(next, pin!(timer.sleep(wait))).await {
                    Either::Left((event, _)) => event,
                    Either::Right(((), _)) => Some(Event::Tick),
                }
            }
            Decision::Idle => next_event(&mut events, &mut listener, &book, &mut saves).await,
        };
        match next {
            Some(next) => event = next,
            None => return Ok(()),
        }
    }
}

/// The platform's next event, or a save.
async fn next_event<E: Stream<Item = Event> + Unpin>(
    events: &mut E,
    listener: &mut crate::status::StatusListener,
    book: &Book,
    saves: &mut u64,
) -> Option<Event> {
    loop {
        let now = book.watch().saves();
        if std::mem::replace(saves, now) != now {
            return Some(Event::Saved);
        }
        let changed = pin!(listener.changed());
        match select(events.next(), changed).await {
            Either::Left((event, _)) => return event,
            Either::Right(((), _)) => {}
        }
    }
}

fn jitter(book: &Book) -> Result<u32> {
    let mut bytes = [0; 4];
    book.random().fill(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// What the scheduler makes of a synchronisation's end.
fn outcome(result: &Result<SyncReport>) -> Result<Outcome> {
    Ok(match result {
        Ok(report) if report.verified => Outcome::Verified,
        Ok(report) if report.erased => Outcome::Hopeless,
        Ok(_) => Outcome::Incomplete,
        Err(Error::Transport(TransportError::Busy { retry_after_ms })) => Outcome::Retry {
            after_ms: *retry_after_ms,
        },
        Err(error) if error.is_retryable() => Outcome::Retry { after_ms: None },
        Err(Error::Transport(_)) => Outcome::Hopeless,
        Err(error) if error.is_damage() => return Err(Error::Unreadable("a damaged database")),
        Err(_) => Outcome::Retry { after_ms: None },
    })
}
