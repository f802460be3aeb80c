//! gzip for answers, when the client takes it.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use http_body_util::Full;
use hyper::Response;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, VARY};

use super::response::Body;

/// Below this many bytes, compressing costs more than it saves.
const MIN_BYTES: usize = 512;
/// 2 to this power is how far back the compressor looks: 32 KiB, the whole of nearly
/// all answers.
const WINDOW_BITS: u8 = 15;
/// Room for what does not shrink: head, tail, tables.
const SPARE_BYTES: usize = 512;

/// Does `Accept-Encoding` allow gzip (RFC 9110, 12.5.3)? Several headers count as one list;
/// `q=0` refuses; `*` stands for what is not named.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut named = None;
    let mut any = None;
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    for item in values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
    {
        let mut parts = item.split(';');
        let coding = parts.next().unwrap_or_default().trim();
        let allowed = parts.all(|parameter| !is_zero_weight(parameter));
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            named = Some(allowed);
        } else if coding == "*" {
            any = Some(allowed);
        }
    }
    named.or(any).unwrap_or(false)
}

/// `q=0`, `q=0.0` and so on. What is no weight at all does not refuse.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
}

/// The answer with its body, compressed when the request's headers allow it and it is worth it.
#[must_use]
pub fn respond(request: &HeaderMap, mut response: Response<()>, body: Bytes) -> Response<Body> {
    // Said in either case, so that a cache in between keeps the two apart.
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if body.len() < MIN_BYTES || !accepts_gzip(request) {
        return response.map(|()| Full::new(body));
    }
    match gzip(&body) {
        Some(compressed) => {
            response
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response.map(|()| Full::new(compressed))
        }
        None => response.map(|()| Full::new(body)),
    }
}

thread_local! {
    /// Its tables are larger than all answers: made once a thread, not once an answer.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new_gzip(
        // The fastest level: exposition text shrinks tenfold at any level, and scrapes
        // pay by CPU time.
        Compression::fast(),
        WINDOW_BITS,
    ));
}

/// `None` when it cannot be compressed.
fn gzip(body: &[u8]) -> Option<Bytes> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        let mut out = Vec::with_capacity(body.len() / 4 + SPARE_BYTES);
        loop {
            let read = usize::try_from(compressor.total_in()).ok()?;
            let status = compressor
                .compress_vec(body.get(read..)?, &mut out, FlushCompress::Finish)
                .ok()?;
            match status {
                Status::StreamEnd => return Some(Bytes::from(out)),
                Status::Ok | Status::BufError => out.reserve(out.capacity()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Read;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (ACCEPT_ENCODING, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn accept_encoding_is_weighed() {
        for (values, expected) in [
            (&[][..], false),
            (&["gzip"], true),
            (&["GZIP"], true),
            (&["deflate, gzip;q=0.5"], true),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.000"], false),
            (&["gzip;q=0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["identity"], false),
            (&["identity", "gzip"], true),
            (&["zstd, br"], false),
            (&[""], false),
        ] {
            assert_eq!(accepts_gzip(&headers(values)), expected, "{values:?}");
        }
    }

    #[tokio::test]
    async fn a_large_answer_is_compressed_and_a_small_one_is_not() {
        let large = Bytes::from("ipmi_up 1\n".repeat(1000));
        let response = respond(&headers(&["gzip"]), Response::new(()), large.clone());
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[VARY], "Accept-Encoding");
        let compressed = response.into_body().collect().await.unwrap().to_bytes();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, large);
        assert!(compressed.len() * 10 < large.len());

        // The same compressor again, which must have forgotten the first answer.
        let other = Bytes::from("ipmi_other 2\n".repeat(700));
        let response = respond(&headers(&["gzip"]), Response::new(()), other.clone());
        let compressed = response.into_body().collect().await.unwrap().to_bytes();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, other);

        let small = respond(&headers(&["gzip"]), Response::new(()), Bytes::from("x"));
        assert!(!small.headers().contains_key(CONTENT_ENCODING));
    }
}
