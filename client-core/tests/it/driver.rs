//! The background driver, polled by hand: no runtime, no waiting.

use std::{
    future::{Future, pending},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures_util::{Stream, stream};
use sokiem_client_core::{
    EnrolRequest, EnrolResponse,
    platform::Timer,
    schedule::{Event, Pace},
    sync::{NextKey, Transport, TransportError, run, sync_once},
};

use sokiem_record::id::ActorId;

use crate::{
    books::{school, set, started, sync},
    model::area,
};

/// Takes every request and never answers.
#[derive(Clone, Default)]
struct Hanging(Arc<AtomicUsize>);

impl Transport for Hanging {
    async fn exchange(&self, _: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        pending().await
    }

    async fn reconcile(&self, _: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        pending().await
    }

    async fn bind_actor(&self, _: ActorId) -> Result<(), TransportError> {
        pending().await
    }

    async fn renew_key(&self, _: &NextKey) -> Result<Vec<u8>, TransportError> {
        pending().await
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        pending().await
    }

    async fn enrol(&self, _: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        pending().await
    }
}

/// A timer that rings when the test says so, and remembers what was asked for.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Mutex<(Option<u64>, bool)>>);

impl Bell {
    /// What was last asked for.
    pub(crate) fn asked(&self) -> Option<u64> {
        self.0.lock().unwrap().0
    }
}

impl Timer for Bell {
    async fn sleep(&self, ms: u64) {
        self.0.lock().unwrap().0 = Some(ms);
        std::future::poll_fn(|_| {
            if std::mem::take(&mut self.0.lock().unwrap().1) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Events that the test feeds in.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<(Vec<Event>, bool)>>);

impl Stream for Feed {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut feed = self.0.lock().unwrap();
        match (feed.0.pop(), feed.1) {
            (Some(event), _) => Poll::Ready(Some(event)),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn saving_never_waits_for_a_network_that_hangs_for_ever() {
    let (book, server) = started();
    let hanging = Hanging::default();
    let mut background = pin!(run(
        book.clone(),
        hanging.clone(),
        Bell::default(),
        Pace::default(),
        stream::pending()
    ));
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(
        hanging.0.load(Ordering::SeqCst),
        1,
        "an exchange is under way"
    );
    assert!(book.status().unwrap().syncing);
    let unit = school(&book, area(1), "Trường");
    for staff in 0..50 {
        book.edit(unit, None, &[set("staff", staff)], None).unwrap();
        assert!(poll(background.as_mut()).is_pending());
    }
    assert_eq!(book.search("truong", 5).unwrap().len(), 1);
    assert_eq!(book.status().unwrap().pending, 51);
    assert_eq!(
        hanging.0.load(Ordering::SeqCst),
        1,
        "one synchronisation at a time"
    );
    assert_eq!(book.get(unit).unwrap().fields["staff"], 49);
    assert!(sync(&book, &server).verified);
}

#[test]
fn a_synchronisation_that_is_dropped_half_way_loses_nothing() {
    let (book, server) = started();
    school(&book, area(1), "Trường");
    {
        let hanging = Hanging::default();
        let mut dropped = pin!(sync_once(&book, &hanging));
        assert!(poll(dropped.as_mut()).is_pending());
        assert!(book.status().unwrap().syncing);
    }
    assert!(!book.status().unwrap().syncing);
    assert!(sync(&book, &server).verified);
}

#[test]
fn a_save_is_sent_by_itself_after_a_moment() {
    let (book, server) = started();
    let (bell, feed) = (Bell::default(), Feed::default());
    let mut background = pin!(run(
        book.clone(),
        server.clone(),
        bell.clone(),
        Pace::default(),
        feed.clone()
    ));
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(bell.asked(), Some(15 * 60_000));
    assert!(book.status().unwrap().next_try_ms.is_some());
    let unit = school(&book, area(1), "Trường");
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(bell.asked(), Some(2_000));
    assert!(!server.lock().documents.contains_key(&unit));
    // The platform says something that is a reason of its own; the save goes along.
    feed.0.lock().unwrap().0.push(Event::Poke);
    assert!(poll(background.as_mut()).is_pending());
    assert!(server.lock().documents.contains_key(&unit));
    assert_eq!(book.status().unwrap().pending, 0);
    feed.0.lock().unwrap().1 = true;
    assert!(poll(background.as_mut()).is_ready());
}

#[test]
fn a_pause_drops_the_synchronisation_and_resuming_begins_another() {
    let (book, _server) = started();
    let (hanging, feed) = (Hanging::default(), Feed::default());
    let mut background = pin!(run(
        book.clone(),
        hanging.clone(),
        Bell::default(),
        Pace::default(),
        feed.clone()
    ));
    assert!(poll(background.as_mut()).is_pending());
    feed.0.lock().unwrap().0.push(Event::Pause);
    assert!(poll(background.as_mut()).is_pending());
    assert!(!book.status().unwrap().syncing);
    feed.0.lock().unwrap().0.push(Event::Resume);
    assert!(poll(background.as_mut()).is_pending());
    assert!(book.status().unwrap().syncing);
    assert_eq!(hanging.0.load(Ordering::SeqCst), 2);
}

#[test]
fn a_listener_and_a_callback_hear_of_every_change() {
    let (book, _server) = started();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    book.on_change(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut listener = book.listen();
    {
        let mut changed = pin!(listener.changed());
        assert!(poll(changed.as_mut()).is_pending());
        school(&book, area(1), "Trường");
        assert!(poll(changed.as_mut()).is_ready());
    }
    assert!(poll(pin!(listener.changed())).is_pending());
    assert!(heard.load(Ordering::SeqCst) > 0);
}
