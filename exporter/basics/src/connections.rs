//! What each connection is doing, so that idle ones can make room and slow ones are dropped.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// All open connections, at most a given number.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Activity>>,
}

/// One connection's place among the open ones; dropping it gives the place back.
#[derive(Debug)]
pub struct Place {
    id: u64,
    connections: Arc<Connections>,
    /// What the connection is doing.
    pub activity: Arc<Activity>,
}

impl Connections {
    /// Room for so many connections.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            open: Mutex::default(),
        })
    }

    /// Takes a place. When all are taken, the connection that has been idle for longest has to
    /// go; when none is idle, there is no place.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.connections.len() >= self.limit {
            let idle = open
                .connections
                .iter()
                .filter_map(|(id, activity)| Some((activity.idle_since()?, *id)))
                .min()?;
            if let Some(activity) = open.connections.remove(&idle.1) {
                activity.evicted.cancel();
            }
        }
        let id = open.next;
        open.next += 1;
        let activity = Arc::new(Activity::new());
        open.connections.insert(id, Arc::clone(&activity));
        Some(Place {
            id,
            connections: Arc::clone(self),
            activity,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = self.connections.open.lock();
        let mut open = open.unwrap_or_else(PoisonError::into_inner);
        open.connections.remove(&self.id);
    }
}

/// What one connection is doing.
#[derive(Debug)]
pub struct Activity {
    state: Mutex<State>,
    evicted: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    requests: usize,
    /// Since when there are none.
    idle_since: Instant,
    /// Since when bytes of a request have come that is not complete.
    reading_since: Option<Instant>,
}

/// Counts a request while it lives.
#[derive(Debug)]
pub struct Busy(Arc<Activity>);

impl Activity {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                requests: 0,
                idle_since: Instant::now(),
                reading_since: None,
            }),
            evicted: CancellationToken::new(),
        }
    }

    /// A request begins; it ends when the result is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.requests += 1;
        state.reading_since = None;
        Busy(Arc::clone(self))
    }

    /// Another connection needs the place.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Has a request taken too long to arrive, or has none come for too long?
    #[must_use]
    pub fn is_overdue(&self, header_timeout: Duration, idle_timeout: Duration) -> bool {
        let state = self.state();
        let now = Instant::now();
        let reading = state.reading_since.map(|since| now - since);
        reading.is_some_and(|time| time >= header_timeout)
            || state.requests == 0 && now - state.idle_since >= idle_timeout
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.requests == 0).then_some(state.idle_since)
    }

    fn note_bytes(&self) {
        let mut state = self.state();
        if state.requests == 0 && state.reading_since.is_none() {
            state.reading_since = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        state.idle_since = Instant::now();
    }
}

/// A stream that tells the activity when bytes arrive.
#[derive(Debug)]
pub struct Watched<S> {
    /// The stream.
    pub stream: S,
    /// Who is told.
    pub activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.note_bytes();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How long a connection may take, and who ends it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest time for the head of a request from its first byte.
    pub header_timeout: Duration,
    /// Longest time between requests of a connection.
    pub idle_timeout: Duration,
    /// No new requests.
    pub shutdown: CancellationToken,
    /// No running requests either.
    pub abort: CancellationToken,
}

/// Runs a connection to its end: the client's, a time-out, another connection's
/// need, or the server's shutdown.
pub async fn drive<C>(connection: C, peer: SocketAddr, activity: &Activity, limits: &Limits)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut draining = false;
    let mut check = interval((limits.header_timeout / 4).max(Duration::from_millis(10)));
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%peer, %error, "Connection ended early");
                }
                return;
            }
            () = activity.evicted() => return,
            () = limits.abort.cancelled() => return,
            () = limits.shutdown.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = check.tick() => {
                if activity.is_overdue(limits.header_timeout, limits.idle_timeout) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room() {
        let connections = Connections::new(2);
        let first = connections.enter().unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = connections.enter().unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(first.activity.begin());
        let third = connections.enter().unwrap();
        assert!(second.activity.evicted.is_cancelled());
        assert!(!first.activity.evicted.is_cancelled());

        let _busy = (first.activity.begin(), third.activity.begin());
        assert!(connections.enter().is_none(), "nobody is idle");
        drop(third);
        assert!(connections.enter().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_must_arrive_in_time_but_may_be_answered_slowly() {
        let place = Connections::new(1).enter().unwrap();
        let activity = &place.activity;
        let seconds = Duration::from_secs;
        let overdue = || activity.is_overdue(seconds(10), seconds(300));
        tokio::time::advance(seconds(20)).await;
        assert!(!overdue(), "idle is not slow");
        activity.note_bytes();
        tokio::time::advance(seconds(9)).await;
        activity.note_bytes();
        assert!(!overdue());
        tokio::time::advance(seconds(1)).await;
        assert!(overdue());
        let busy = activity.begin();
        tokio::time::advance(seconds(1000)).await;
        assert!(!overdue());
        drop(busy);
        tokio::time::advance(seconds(300)).await;
        assert!(overdue());
    }
}
