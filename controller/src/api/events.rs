//! What changed, as it happens: server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{AppState, Problem};
use crate::auth::{Authenticator, Principal};
use crate::events::{Message, NoSeat, Seat, Told};

/// Time between two beats. With each it is looked whether the log-in still holds.
const BEAT: Duration = Duration::from_secs(15);
/// Seconds after which a browser that was refused may try again.
const RETRY_SECONDS: u64 = 30;
/// Keeps proxies from holding events back.
const NO_BUFFER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// Somebody who listens.
struct Listener {
    receiver: Receiver<Message>,
    authenticator: Authenticator,
    principal: Principal,
    beat: Interval,
    is_greeted: bool,
    _seat: Seat,
}

impl Listener {
    /// What to send next; nothing when it is over.
    async fn next(&mut self) -> Option<Event> {
        if !self.is_greeted {
            self.is_greeted = true;
            return Some(event("ready", &Told::default()));
        }
        loop {
            tokio::select! {
                message = self.receiver.recv() => match message {
                    Ok(Message::Changes(changes)) => {
                        if let Some(told) = Told::of(&changes, &self.principal) {
                            return Some(event("change", &told));
                        }
                    }
                    Ok(Message::Reset) | Err(RecvError::Lagged(_)) => {
                        return Some(event("reset", &Told::default()));
                    }
                    Err(RecvError::Closed) => return None,
                },
                _ = self.beat.tick() => {
                    // Who was logged out or got another role hears nothing more as
                    // who they were.
                    self.principal = self.authenticator.look_again(&self.principal).await.ok()?;
                    return Some(event("beat", &Told::default()));
                }
            }
        }
    }
}

fn event(name: &'static str, told: &Told) -> Event {
    let text = serde_json::to_string(told).unwrap_or_default();
    Event::default().event(name).data(text)
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

/// Server-sent events: `ready` at the beginning, `change` with where something
/// changed that the asker may see, `reset` when all is to be asked anew, and `beat`
/// every 15 seconds. The data is JSON with `topics` and `resources`. It ends when the
/// log-in does.
#[utoipa::path(get, path = "/events", tag = "operation",
    responses((status = 200, description = "Events, without an end", body = Told,
        content_type = "text/event-stream"),
        (status = 503, description = "Too many listen", body = super::ProblemBody,
        content_type = "application/problem+json")))]
pub(super) async fn get_events(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Response, Problem> {
    let Some(user) = principal.user() else {
        return Err(Problem::forbidden("services are told nothing here"));
    };
    let (receiver, seat) = state.events.listen(user.id)?;
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener = Listener {
        receiver,
        authenticator: state.authenticator.clone(),
        principal,
        beat,
        is_greeted: false,
        _seat: seat,
    };
    let mut response = Sse::new(events(listener)).into_response();
    let (name, value) = NO_BUFFER;
    response.headers_mut().insert(name, value);
    Ok(response)
}

impl From<NoSeat> for Problem {
    fn from(error: NoSeat) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", error.to_string())
            .retry_after(RETRY_SECONDS)
    }
}
