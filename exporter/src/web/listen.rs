//! Accepts connections, plain or TLS, and serves HTTP/1.1 and (over TLS) HTTP/2 on them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use service_basics::{Activity, Connections, Limits, Place, Watched, drive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::response::Body;
use super::settings::WebSettings;

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
pub struct ServerOptions {
    /// Most connections at once. Beyond it the one that has been idle for longest is closed; when
    /// all are busy the new one is.
    pub max_connections: usize,
    /// Longest time for a TLS handshake, and for the head of a request from its first byte.
    pub header_timeout: Duration,
    /// Longest time between requests of a connection.
    pub idle_timeout: Duration,
    /// Longest time that running requests get to finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 512,
            header_timeout: Duration::from_secs(10),
            // Longer than any scrape interval, so that Prometheus keeps its connections.
            idle_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(15),
        }
    }
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Address of the other end of the connection.
    pub address: SocketAddr,
    /// Came over TLS.
    pub is_tls: bool,
}

/// A server that listens and is ready to serve.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    settings: Arc<WebSettings>,
    options: ServerOptions,
}

/// What all connections share.
struct Shared<H> {
    handler: H,
    settings: Arc<WebSettings>,
    limits: Limits,
}

impl Server {
    /// Serves on listeners from [`bind`](super::bind).
    #[must_use]
    pub fn new(
        listeners: Vec<TcpListener>,
        settings: Arc<WebSettings>,
        options: ServerOptions,
    ) -> Self {
        Self {
            listeners,
            settings,
            options,
        }
    }

    /// The addresses that are listened on, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// Answers requests with the handler until `shutdown` is cancelled. Then no connection is
    /// accepted any more, and running requests get [`ServerOptions::drain_timeout`] to finish.
    pub async fn serve<H, F>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        for address in self.addresses() {
            tracing::info!(%address, "Listening on");
        }
        if self.settings.uses_tls() {
            tracing::info!("TLS is enabled.");
        } else {
            tracing::info!("TLS is disabled.");
        }
        let connections = Connections::new(self.options.max_connections);
        let tasks = TaskTracker::new();
        let shared = Arc::new(Shared {
            handler,
            settings: self.settings,
            limits: Limits {
                header_timeout: self.options.header_timeout,
                idle_timeout: self.options.idle_timeout,
                shutdown: shutdown.clone(),
                abort: CancellationToken::new(),
            },
        });
        for listener in self.listeners {
            let (shared, tasks) = (Arc::clone(&shared), tasks.clone());
            let connections = Arc::clone(&connections);
            tasks
                .clone()
                .spawn(accept(listener, connections, shared, tasks));
        }
        shutdown.cancelled().await;
        tasks.close();
        if timeout(self.options.drain_timeout, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("Some requests did not finish in time and are cut off");
            shared.limits.abort.cancel();
            tasks.wait().await;
        }
    }
}

async fn accept<H, F>(
    listener: TcpListener,
    connections: Arc<Connections>,
    shared: Arc<Shared<H>>,
    tasks: TaskTracker,
) where
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.limits.shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => match connections.enter() {
                Some(place) => {
                    tasks.spawn(connection(stream, address, place, Arc::clone(&shared)));
                }
                None => refuse(&stream, address, shared.settings.uses_tls()),
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

fn refuse(stream: &TcpStream, address: SocketAddr, uses_tls: bool) {
    tracing::warn!(peer = %address, "Refused a connection: all connections are busy");
    if !uses_tls {
        // A fresh socket takes this at once; if not, the client sees the connection close.
        let _ = stream.try_write(NO_PLACE);
    }
}

async fn connection<H, F>(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    shared: Arc<Shared<H>>,
) where
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Answers are written in one go; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let peer = Peer {
        address,
        is_tls: shared.settings.uses_tls(),
    };
    if !peer.is_tls {
        return serve_http1(stream, peer, &place, shared).await;
    }
    let Some(tls) = shared.settings.tls() else {
        return;
    };
    let handshake = timeout(
        shared.limits.header_timeout,
        TlsAcceptor::from(tls).accept(stream),
    );
    let stream = tokio::select! {
        result = handshake => match result {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(peer = %address, %error, "TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(peer = %address, "TLS handshake took too long");
                return;
            }
        },
        () = place.activity.evicted() => return,
        () = shared.limits.shutdown.cancelled() => return,
    };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http2(stream, peer, &place, shared).await;
    } else {
        serve_http1(stream, peer, &place, shared).await;
    }
}

async fn serve_http1<S, H, F>(stream: S, peer: Peer, place: &Place, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let activity = &place.activity;
    let io = TokioIo::new(Watched {
        stream,
        activity: Arc::clone(activity),
    });
    let service = service_fn(|request| answer(request, peer, activity, &shared));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper's own limit would end idle connections too; `drive` tells the two apart.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(io, service);
    drive(connection, peer.address, activity, &shared.limits).await;
}

async fn serve_http2<S, H, F>(stream: S, peer: Peer, place: &Place, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Streams run as tasks of their own, so what they need is owned.
    let activity = Arc::clone(&place.activity);
    let of_streams = Arc::clone(&shared);
    let service = service_fn(move |request| {
        let (activity, shared) = (Arc::clone(&activity), Arc::clone(&of_streams));
        async move { answer(request, peer, &activity, &shared).await }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, peer.address, &place.activity, &shared.limits).await;
}

async fn answer<H, F>(
    request: Request<Incoming>,
    peer: Peer,
    activity: &Arc<Activity>,
    shared: &Shared<H>,
) -> Result<Response<Body>, Infallible>
where
    H: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Response<Body>>,
{
    let _busy = activity.begin();
    let next = |request| (shared.handler)(request, peer);
    Ok(shared.settings.guard(request, next).await)
}
