//! Accepts connections and serves HTTP/1.1 and HTTP/2 on them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use service_basics::{Activity, Connections, Limits, Place, Watched, drive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::Tls;
use crate::api::Held;

/// Largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Requests that one HTTP/2 connection may have at once.
const MAX_STREAMS: u32 = 128;
/// Rest after an accept that failed, which is usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Written before a connection is closed for which there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; \
    charset=utf-8\r\nContent-Length: 21\r\nConnection: close\r\n\r\nToo many connections\n";

/// Limits of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most connections at once. Beyond it the one that has been idle for longest is closed;
    /// when all are busy the new one is.
    pub max_connections: usize,
    /// Longest time for a TLS handshake, and for the head of a request from its first byte.
    pub header_timeout: Duration,
    /// Longest time between requests of a connection.
    pub idle_timeout: Duration,
    /// Longest time that running requests get to finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            header_timeout: Duration::from_secs(10),
            // Longer than any scrape interval, so that Prometheus keeps its connections.
            idle_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// What all connections share.
struct Shared {
    router: Router,
    tls: Option<Tls>,
    limits: Limits,
}

/// Answers requests until `shutdown` is cancelled. Then no connection is accepted any more,
/// and running requests get [`Options::drain_timeout`] to finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    options: Options,
    shutdown: CancellationToken,
) {
    let connections = Connections::new(options.max_connections);
    let tasks = TaskTracker::new();
    let shared = Arc::new(Shared {
        router,
        tls,
        limits: Limits {
            header_timeout: options.header_timeout,
            idle_timeout: options.idle_timeout,
            shutdown: shutdown.clone(),
            abort: CancellationToken::new(),
        },
    });
    accept(&listener, &connections, &shared, &tasks).await;
    drop(listener);
    tasks.close();
    if timeout(options.drain_timeout, tasks.wait()).await.is_err() {
        tracing::warn!("Requests that did not end in time were cut off");
        shared.limits.abort.cancel();
        tasks.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.limits.shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => match connections.enter() {
                Some(place) => {
                    tasks.spawn(connection(stream, address, place, Arc::clone(shared)));
                }
                None => refuse(&stream, address, shared.tls.is_some()),
            },
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::select! {
                    () = sleep(ACCEPT_PAUSE) => {}
                    () = shared.limits.shutdown.cancelled() => return,
                }
            }
        }
    }
}

fn refuse(stream: &TcpStream, peer: SocketAddr, uses_tls: bool) {
    tracing::warn!(%peer, "Refused a connection: all connections are busy");
    if !uses_tls {
        // A fresh socket takes this at once; if not, the client sees the connection close.
        let _ = stream.try_write(NO_PLACE);
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, place: Place, shared: Arc<Shared>) {
    // Answers are written in one go; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &shared.tls else {
        return talk(stream, peer, &place, &shared).await;
    };
    let handshake = timeout(
        shared.limits.header_timeout,
        TlsAcceptor::from(tls.current()).accept(stream),
    );
    let stream = tokio::select! {
        result = handshake => match result {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%peer, "TLS handshake took too long");
                return;
            }
        },
        () = place.activity.evicted() => return,
        () = shared.limits.shutdown.cancelled() => return,
    };
    talk(stream, peer, &place, &shared).await;
}

async fn talk<S>(stream: S, peer: SocketAddr, place: &Place, shared: &Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::clone(&place.activity);
    let router = shared.router.clone();
    let is_encrypted = shared.tls.is_some();
    let service = service_fn(move |request| {
        let (activity, router) = (Arc::clone(&activity), router.clone());
        async move { Ok::<_, Infallible>(answer(request, peer, is_encrypted, &activity, router).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // hyper's own limit would end idle connections too; `drive` tells the two apart.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS);
    let io = TokioIo::new(Watched {
        stream,
        activity: Arc::clone(&place.activity),
    });
    let connection = builder.serve_connection(io, service);
    drive(connection, peer, &place.activity, &shared.limits).await;
}

/// Stands on requests that came over TLS.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    is_encrypted: bool,
    activity: &Arc<Activity>,
    router: Router,
) -> Response {
    let busy = activity.begin();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    if is_encrypted {
        request.extensions_mut().insert(OverTls);
    }
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // The request has ended when its answer is written.
    response.map(|body| Body::new(Held::new(body, busy)))
}
