//! The server's pokes: a stream of server-sent events that says only "pull".

use std::pin::pin;

use futures_util::{
    Stream,
    future::{Either, select},
    stream::unfold,
};

use super::{Answer, Client, Fetch, Request, problem};
use crate::{platform::Timer, schedule::Event, sync::TransportError};

/// The server sends a comment at least every 70 seconds; silence for longer than this means that the line is dead.
const SILENCE_MS: u64 = 150_000;
/// Between two attempts to connect, the first and the longest.
const RECONNECT_MS: (u64, u64) = (2_000, 5 * 60_000);
/// A line longer than this is none of this protocol.
const MAX_LINE: usize = 64 * 1024;

/// The pokes of a server as events for [`crate::sync::run`], for ever: it connects again whenever the
/// stream ends. A new connection is a poke too, since some may have been missed.
pub fn poke_events<F: Fetch, T: Timer + Clone>(
    client: Client<F>,
    timer: T,
) -> impl Stream<Item = Event> {
    let start = (client, timer, None::<Pokes<F::Answer>>, RECONNECT_MS.0);
    unfold(start, |(client, timer, mut open, mut wait_ms)| async move {
        loop {
            match open.take() {
                Some(mut pokes) => {
                    if pokes.next(&timer).await.is_ok() {
                        return Some((Event::Poke, (client, timer, Some(pokes), RECONNECT_MS.0)));
                    }
                    timer.sleep(wait_ms).await;
                }
                None => match connect(&client).await {
                    Ok(pokes) => {
                        return Some((Event::Poke, (client, timer, Some(pokes), RECONNECT_MS.0)));
                    }
                    Err(_) => {
                        timer.sleep(wait_ms).await;
                        wait_ms = (wait_ms * 2).min(RECONNECT_MS.1);
                    }
                },
            }
        }
    })
}

async fn connect<F: Fetch>(client: &Client<F>) -> Result<Pokes<F::Answer>, TransportError> {
    let mut request =
        Request::new("GET", "/api/device/v1/events").header("accept", "text/event-stream");
    request.timeout_ms = None;
    let answer = client.send(request).await?;
    if answer.status() != 200 {
        return Err(problem::read(answer).await);
    }
    Ok(Pokes {
        answer,
        lines: Lines::default(),
    })
}

/// An open stream.
struct Pokes<A> {
    answer: A,
    lines: Lines,
}

impl<A: Answer> Pokes<A> {
    /// Waits for the next `news`.
    async fn next(&mut self, timer: &impl Timer) -> Result<(), TransportError> {
        loop {
            if self.lines.news() {
                return Ok(());
            }
            let chunk = match select(pin!(self.answer.chunk()), pin!(timer.sleep(SILENCE_MS))).await
            {
                Either::Left((chunk, _)) => chunk?,
                Either::Right(((), _)) => return Err(TransportError::Timeout),
            };
            match chunk {
                Some(chunk) if self.lines.buffer.len() + chunk.len() <= MAX_LINE => {
                    self.lines.buffer.extend_from_slice(&chunk);
                }
                _ => {
                    return Err(TransportError::Cut {
                        detail: "the event stream ended".to_owned(),
                    });
                }
            }
        }
    }
}

/// What of the stream has not been read yet.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    /// Reads whole lines; whether one of them began a `news` event. Several in a row are one.
    fn news(&mut self) -> bool {
        let Some(end) = self.buffer.iter().rposition(|byte| *byte == b'\n') else {
            return false;
        };
        let whole: Vec<u8> = self.buffer.drain(..=end).collect();
        whole
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter_map(|line| line.strip_prefix(b"event:"))
            .any(|name| name.trim_ascii() == b"news")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_heard_even_when_it_arrives_in_pieces() {
        let mut lines = Lines::default();
        lines.buffer.extend_from_slice(b": hello\n\nevent: ne");
        assert!(!lines.news());
        lines
            .buffer
            .extend_from_slice(b"ws\ndata: {\"areas\":[]}\n\n");
        assert!(lines.news());
        lines
            .buffer
            .extend_from_slice(b":\n\nevent: other\ndata: news\n\n");
        assert!(!lines.news());
    }
}
