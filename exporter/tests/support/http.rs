//! One HTTP/1.1 request over a plain TCP connection, seen exactly as it comes:
//! a server that dies instead of answering is a result here, not an error.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any scrape of a simulated BMC takes, stock's included.
const LIMIT: Duration = Duration::from_secs(30);

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// Header fields, names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body, transfer coding removed; what is not UTF-8 is replaced.
    pub(crate) body: String,
    /// The same body as it came.
    pub(crate) bytes: Vec<u8>,
}

/// Sends a GET for `path` (with its query) and reads the whole answer.
///
/// # Errors
///
/// When the connection fails or ends before a complete answer.
pub(crate) fn get(server: SocketAddr, path: &str) -> io::Result<Response> {
    request(server, "GET", path, &[])
}

/// Sends a request without a body and reads the whole answer.
///
/// # Errors
///
/// When the connection fails or ends before a complete answer.
pub(crate) fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&server, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!(
                "connection closed after {} bytes, without a whole answer",
                answer.len()
            ),
        )
    })
}

fn parse(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let raw = &answer[end + 4..];
    let body = if headers
        .get("transfer-encoding")
        .is_some_and(|coding| coding == "chunked")
    {
        dechunk(raw)?
    } else if let Some(length) = headers.get("content-length") {
        raw.get(..length.parse().ok()?)?.to_vec()
    } else {
        raw.to_vec()
    };
    Some(Response {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body,
    })
}

fn dechunk(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&raw[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        raw = raw.get(end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(raw.get(..size)?);
        raw = raw.get(size + 2..)?;
    }
}

/// Encodes a query parameter's value.
pub(crate) fn query_value(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn chunks_are_joined_and_a_cut_answer_is_none() {
    let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    assert_eq!(
        parse(whole).map(|answer| answer.body),
        Some("abcde".to_owned())
    );
    for cut in 0..whole.len() - 4 {
        assert!(parse(&whole[..cut]).is_none(), "cut at {cut}");
    }
}
