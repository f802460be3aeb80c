//! HTTP as Prometheus speaks it: kept connections, its headers, gzip.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What Prometheus 2.42 sends.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/// No answer is longer.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Connections to one server, kept for the next scrape.
#[derive(Clone)]
pub(super) struct Client {
    server: Arc<str>,
    idle: Arc<Mutex<Vec<BufReader<TcpStream>>>>,
}

impl Client {
    /// A client without a connection.
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.into(),
            idle: Arc::default(),
        }
    }

    /// One scrape; gives status and body.
    ///
    /// # Errors
    /// When the connection fails.
    pub(super) async fn get(&self, path: &str, timeout: Duration) -> Result<(u16, String)> {
        let kept = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(stream) = kept
            // The server may have closed it meanwhile: a new one then.
            && let Ok(answer) = self.ask(stream, path, timeout).await
        {
            return Ok(answer);
        }
        let stream = TcpStream::connect(&*self.server).await?;
        stream.set_nodelay(true)?;
        self.ask(BufReader::new(stream), path, timeout).await
    }

    async fn ask(
        &self,
        mut stream: BufReader<TcpStream>,
        path: &str,
        timeout: Duration,
    ) -> Result<(u16, String)> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Prometheus/2.42.0\r\nAccept: {ACCEPT}\r\n\
             Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: {}\r\n\r\n",
            self.server,
            timeout.as_secs_f64()
        );
        stream.write_all(head.as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .context("no status line")?;
        let (mut length, mut chunked, mut gzip, mut closes) = (None, false, false, false);
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let field = line.trim_end().to_ascii_lowercase();
            let Some((name, value)) = field.split_once(':') else {
                break;
            };
            match (name, value.trim()) {
                ("content-length", value) => length = value.parse::<usize>().ok(),
                ("transfer-encoding", value) => chunked = value == "chunked",
                ("content-encoding", value) => gzip = value == "gzip",
                ("connection", value) => closes = value == "close",
                _ => {}
            }
        }
        let mut body = Vec::new();
        match (chunked, length) {
            (true, _) => read_chunks(&mut stream, &mut body).await?,
            (false, Some(length)) if length <= MAX_BODY_BYTES => {
                body.resize(length, 0);
                stream.read_exact(&mut body).await?;
            }
            _ => bail!("an answer without a length"),
        }
        if !closes {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(stream);
        }
        let mut text = String::new();
        if gzip {
            flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text)?;
        } else {
            text = String::from_utf8(body)?;
        }
        Ok((status, text))
    }
}

async fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16).context("size of a chunk")?;
        let start = body.len();
        anyhow::ensure!(start + size <= MAX_BODY_BYTES, "too long an answer");
        body.resize(start + size + 2, 0);
        stream.read_exact(&mut body[start..]).await?;
        body.truncate(start + size);
        if size == 0 {
            return Ok(());
        }
    }
}
