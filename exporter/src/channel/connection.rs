//! One held connection to the controller, and requests over it. Everything that
//! comes is bounded in size and time; nothing is followed elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::CONTENT_LENGTH;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::error::ChannelError;
use super::tls;
use crate::config::source::io_reason;

/// How long a connection may take, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a body may take.
const BODY: Duration = Duration::from_secs(60);
/// Largest head of an answer, in bytes, and how many fields it may have.
const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;

/// The way to the controller, and the connection if there is one.
pub(super) struct Connection {
    endpoint: Arc<Endpoint>,
    ca_file: Option<PathBuf>,
    held: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(super) fn new(endpoint: Arc<Endpoint>, ca_file: Option<PathBuf>) -> Self {
        Self {
            endpoint,
            ca_file,
            held: None,
        }
    }

    /// Sends over the held connection, or over a new one; once more when the held
    /// one turns out to be dead. Requests may arrive twice: they change nothing.
    pub(super) async fn send(
        &mut self,
        request: hyper::http::request::Builder,
        body: Bytes,
        patience: Duration,
    ) -> Result<Response<Incoming>, ChannelError> {
        let request = request
            .body(Full::new(body))
            .map_err(|error| ChannelError::Garbled(error.to_string()))?;
        let held = self.held.take().filter(|held| !held.is_closed());
        if let Some(mut held) = held {
            match timeout(patience, held.send_request(request.clone())).await {
                Ok(Ok(response)) => {
                    self.held = Some(held);
                    return Ok(response);
                }
                // The controller closed it meanwhile, or was started anew.
                Ok(Err(error)) if error.is_canceled() || error.is_incomplete_message() => {}
                Ok(Err(error)) => return Err(broken(&error)),
                Err(_) => return Err(ChannelError::Timeout),
            }
        }
        let mut fresh = timeout(CONNECT, self.connect()).await.map_err(|_| {
            ChannelError::Connect("the connection is not made in time".to_owned())
        })??;
        match timeout(patience, fresh.send_request(request)).await {
            Ok(Ok(response)) => {
                self.held = Some(fresh);
                Ok(response)
            }
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(ChannelError::Timeout),
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ChannelError> {
        let (host, port) = (self.endpoint.host.as_str(), self.endpoint.port);
        let cannot = |reason: String| ChannelError::Connect(reason);
        let addresses = lookup_host((host, port))
            .await
            .map_err(|error| cannot(format!("{host}: {}", io_reason(&error))))?;
        let mut failure = cannot(format!("{host} has no address"));
        for address in addresses {
            if !self.endpoint.may_connect(address.ip()) {
                failure = cannot(format!("{host} is {}, not this machine", address.ip()));
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one small write.
                    let _ = stream.set_nodelay(true);
                    return self.shake_hands(stream).await;
                }
                Err(error) => failure = cannot(format!("{address}: {}", io_reason(&error))),
            }
        }
        Err(failure)
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
    ) -> Result<SendRequest<Full<Bytes>>, ChannelError> {
        if !self.endpoint.is_tls {
            return open(stream).await;
        }
        let ca_file = self.ca_file.clone();
        // Read anew for each connection: a renewed authority counts at once.
        let config = tokio::task::spawn_blocking(move || tls::client_config(ca_file.as_deref()))
            .await
            .map_err(|_| ChannelError::Tls("the exporter is ending".to_owned()))?
            .map_err(ChannelError::Tls)?;
        let name = ServerName::try_from(self.endpoint.host.clone())
            .map_err(|_| ChannelError::Tls("the host is no name of a certificate".to_owned()))?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| ChannelError::Tls(io_reason(&error)))?;
        open(stream).await
    }
}

async fn open<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, ChannelError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // It ends with the sender, or with the connection; its error is the request's.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// What hyper says, sorted: what came was no HTTP, or nothing came.
fn broken(error: &hyper::Error) -> ChannelError {
    let text = error.to_string();
    if error.is_parse() {
        ChannelError::Garbled(text)
    } else {
        ChannelError::Connect(text)
    }
}

/// The whole body, within its bounds. Wiped on drop; what is left in buffers of
/// TLS and HTTP is not ours to wipe.
pub(super) async fn body(
    response: Response<Incoming>,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
    let announced: Option<usize> = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(ChannelError::TooLarge(most));
    }
    let deadline = Instant::now() + BODY;
    let mut body = response.into_body();
    let mut text = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(64 * 1024)));
    loop {
        let frame = timeout_at(deadline, body.frame())
            .await
            .map_err(|_| ChannelError::Timeout)?;
        let Some(frame) = frame else { return Ok(text) };
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if text.len() + data.len() > most {
            return Err(ChannelError::TooLarge(most));
        }
        if text.len() + data.len() > text.capacity() {
            // Growing would leave an unwiped copy behind.
            let mut larger = Vec::with_capacity(2 * (text.capacity() + data.len()));
            larger.extend_from_slice(&text);
            text = Zeroizing::new(larger);
        }
        text.extend_from_slice(data);
    }
}
