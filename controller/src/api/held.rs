//! Bodies of answers that somebody watches until they are written.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// Somebody who is told how much was written, and is dropped at the end.
pub trait Watcher {
    /// So many bytes more were written.
    fn wrote(&mut self, _bytes: usize) {}
}

impl Watcher for service_basics::Busy {}

/// A body with what is kept as long as it is written.
#[derive(Debug)]
pub struct Held<W> {
    body: Body,
    watcher: W,
}

impl<W> Held<W> {
    /// Keeps `watcher` until the body is written or given up.
    #[must_use]
    pub fn new(body: Body, watcher: W) -> Self {
        Self { body, watcher }
    }
}

impl<W: Watcher + Unpin> HttpBody for Held<W> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.watcher.wrote(data.len());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
