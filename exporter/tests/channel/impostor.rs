//! A server that is no controller: it answers what a test wants, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Nothing takes longer; connections that hang are closed then.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done with a request for a configuration.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing more.
    Hang(Vec<u8>),
    /// A head, and a body without an end.
    Endless,
    /// This configuration, with an ETag; 304 and a long wait when it is known.
    Config(&'static str, String),
}

/// An answer of this status with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
            .into_bytes(),
    )
}

struct Shared {
    answer: Mutex<Answer>,
    /// Heads of requests, and what the exporter told of itself.
    requests: Mutex<Vec<String>>,
    told: Mutex<Vec<serde_json::Value>>,
    tls: Option<Arc<ServerConfig>>,
}

pub(crate) struct Impostor {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Impostor {
    pub(crate) fn start(answer: Answer) -> Self {
        Self::start_with(answer, None)
    }

    pub(crate) fn start_with(answer: Answer, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            requests: Mutex::default(),
            told: Mutex::default(),
            tls,
        });
        let serving = Arc::clone(&shared);
        // They end with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn set(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn told(&self) -> Vec<serde_json::Value> {
        self.shared.told.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    match &shared.tls {
        None => talk(stream, shared),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
            talk(StreamOwned::new(connection, stream), shared)
        }
    }
}

fn talk(mut stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    loop {
        let head = head(&mut stream)?;
        shared.requests.lock().unwrap().push(head.clone());
        let field = |name: &str| {
            let line = head
                .lines()
                .find(|line| line.to_lowercase().starts_with(name))?;
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
        };
        if head.starts_with("PUT ") {
            let length = field("content-length").and_then(|text| text.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body)?;
            let told = serde_json::from_slice(&body).expect("JSON");
            shared.told.lock().unwrap().push(told);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            continue;
        }
        let answer = shared.answer.lock().unwrap().clone();
        match answer {
            Answer::Bytes(bytes) => {
                stream.write_all(&bytes)?;
                return stream.flush();
            }
            Answer::Hang(bytes) => {
                stream.write_all(&bytes)?;
                stream.flush()?;
                // Until the other side has had enough.
                return stream.read(&mut [0]).map(drop);
            }
            Answer::Endless => {
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\nETag: \"endless\"\r\nTransfer-Encoding: chunked\r\n\r\n",
                )?;
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x1_0000], b"\r\n"].concat();
                loop {
                    stream.write_all(&chunk)?;
                }
            }
            Answer::Config(etag, _) if field("if-none-match").is_some_and(|k| k.contains(etag)) => {
                // As if nothing changed for the time of a wait, but shorter.
                if !head.contains("wait=0s") {
                    std::thread::sleep(Duration::from_secs(1));
                }
                let text = format!("HTTP/1.1 304 Not Modified\r\nETag: \"{etag}\"\r\n\r\n");
                stream.write_all(text.as_bytes())?;
            }
            Answer::Config(etag, text) => {
                let length = text.len();
                let text = format!(
                    "HTTP/1.1 200 OK\r\nETag: \"{etag}\"\r\nContent-Length: {length}\r\n\r\n{text}"
                );
                stream.write_all(text.as_bytes())?;
            }
        }
        stream.flush()?;
    }
}

fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
