//! The page for browsers: what `make web` built, compiled in.
//!
//! Files with a hash in their names may be kept for ever; `index.html` is made for
//! each request, with a nonce that only its own scripts and styles bear. Paths of
//! the interface are never the page's.

mod files;
mod policy;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use files::{ENCODINGS, File};
use policy::Nonce;

/// What stands in the built page where the nonce belongs.
const NONCE_PLACE: &str = "__CSP_NONCE__";
/// The folder of files that have a hash in their names.
const HASHED: &str = "assets/";
/// A year, the longest that makes sense.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Beginnings of paths that are never the page's.
const NOT_OURS: &[&str] = &["/api/", "/-/", "/metrics"];
/// What `/` says in a build without the page.
const NOT_BUILT: &str = "\
This controller was built without its page. The interface works: see /api/v1/openapi.json

To build the page, run

    make web

and build the controller again. It needs Node 20.19 or newer, or Python 3 with pip,
which brings one.
";

type Look = dyn Fn(&str) -> Option<File> + Send + Sync;

/// The built page. Cheap to clone.
#[derive(Clone)]
pub struct Page {
    look: Arc<Look>,
}

impl Page {
    /// What is compiled in; in debug builds, what is on disk.
    #[must_use]
    pub fn built() -> Self {
        Self {
            look: Arc::new(files::built),
        }
    }

    /// The answer to what no route answers; nothing when it is not the page's.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read || NOT_OURS.iter().any(|start| path.starts_with(start)) {
            return None;
        }
        let name = path.strip_prefix('/')?;
        let headers = request.headers();
        if !name.is_empty() && name != files::INDEX {
            if let Some(media_type) = files::media_type(name) {
                return self.file(name, media_type, headers);
            }
            // A browser goes somewhere; programs ask for something else.
            if name.starts_with(HASHED) || !wants_html(headers) {
                return None;
            }
        }
        Some(self.index())
    }

    fn file(&self, name: &str, media_type: &'static str, headers: &HeaderMap) -> Option<Response> {
        let file = (self.look)(name)?;
        let etag = HeaderValue::from_str(&format!("\"{}\"", hex::encode(file.hash))).ok()?;
        let keep = if name.starts_with(HASHED) {
            FOR_EVER
        } else {
            ASK_AGAIN
        };
        if headers.get(IF_NONE_MATCH) == Some(&etag) {
            let head = [(CACHE_CONTROL, keep), (ETAG, etag)];
            return Some((StatusCode::NOT_MODIFIED, head).into_response());
        }
        let (bytes, encoding) = self.packed(name, headers).unwrap_or((file.bytes, None));
        let mut response = Response::new(body(bytes));
        let head = response.headers_mut();
        head.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        head.insert(CACHE_CONTROL, keep);
        head.insert(ETAG, etag);
        head.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding {
            head.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        Some(response)
    }

    /// The file as it was compressed when the page was built.
    fn packed(
        &self,
        name: &str,
        headers: &HeaderMap,
    ) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
        let (encoding, suffix) = ENCODINGS
            .iter()
            .find(|(encoding, _)| accepts(headers, encoding))?;
        let file = (self.look)(&format!("{name}{suffix}"))?;
        Some((file.bytes, Some(encoding)))
    }

    fn index(&self) -> Response {
        let Some(file) = (self.look)(files::INDEX) else {
            return (StatusCode::NOT_FOUND, NOT_BUILT).into_response();
        };
        let nonce = Nonce::generate();
        let text = String::from_utf8_lossy(&file.bytes).replace(NONCE_PLACE, nonce.as_str());
        let mut response = Response::new(Body::from(text));
        let head = response.headers_mut();
        head.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        // Also out of the history: the nonce is good once.
        head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        policy::add(head, &nonce);
        response
    }
}

fn body(bytes: Cow<'static, [u8]>) -> Body {
    match bytes {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

/// Whether an encoding is named, and not with a weight of zero.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|choice| {
            let (name, weight) = choice.split_once(';').unwrap_or((choice, "q=1"));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            name.trim().eq_ignore_ascii_case(encoding)
                && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::to_bytes;
    use axum::http::header::CONTENT_SECURITY_POLICY;

    use super::*;

    const SCRIPT: &[u8] = b"export const answer = 42;";

    fn page() -> Page {
        let index = format!("<script nonce=\"{NONCE_PLACE}\" src=\"/assets/a-1.js\"></script>");
        let files: BTreeMap<&str, Vec<u8>> = BTreeMap::from([
            ("index.html", index.into_bytes()),
            ("assets/a-1.js", SCRIPT.to_vec()),
            ("assets/a-1.js.br", b"brotli".to_vec()),
            ("assets/a-1.js.gz", b"gzip".to_vec()),
            ("favicon.svg", b"<svg/>".to_vec()),
        ]);
        Page {
            look: Arc::new(move |name| {
                files.get(name).map(|bytes| File {
                    bytes: Cow::Owned(bytes.clone()),
                    hash: [7; 32],
                })
            }),
        }
    }

    fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn get(path: &str, headers: &[(&str, &str)]) -> Option<Response> {
        page().answer(&request(Method::GET, path, headers))
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

    #[tokio::test]
    async fn links_into_the_page_get_it_with_a_nonce_of_their_own() {
        let mut nonces = Vec::new();
        for path in ["/", "/index.html", "/servers/12", "/alerts?state=firing"] {
            let response = get(path, &[BROWSER]).expect(path);
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let policy = response.headers()[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap();
            assert!(!policy.contains("unsafe"), "{policy}");
            let nonce = policy.split("'nonce-").nth(1).unwrap();
            let nonce = nonce.split('\'').next().unwrap().to_owned();
            let html = text(response).await;
            assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{html}");
            assert!(!html.contains(NONCE_PLACE));
            nonces.push(nonce);
        }
        nonces.dedup();
        assert_eq!(nonces.len(), 4);
    }

    #[test]
    fn paths_of_the_interface_are_never_the_pages() {
        for path in [
            "/api/v1/nothing",
            "/api/v2/alerts",
            "/-/nothing",
            "/metrics",
            "/metrics/more",
        ] {
            assert!(get(path, &[BROWSER]).is_none(), "{path}");
        }
        let post = request(Method::POST, "/servers", &[BROWSER]);
        assert!(page().answer(&post).is_none());
        // Programs get the problem that they got before there was a page.
        assert!(get("/servers", &[("accept", "application/json")]).is_none());
        assert!(get("/servers", &[]).is_none());
    }

    #[tokio::test]
    async fn files_are_compressed_and_kept() {
        let plain = get("/assets/a-1.js", &[]).unwrap();
        assert_eq!(
            plain.headers()[CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(plain.headers()[CACHE_CONTROL], FOR_EVER);
        let etag = plain.headers()[ETAG].clone();
        assert_eq!(text(plain).await.as_bytes(), SCRIPT);
        for (accepted, encoding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("br;q=0", None),
            ("identity", None),
        ] {
            let response = get("/assets/a-1.js", &[("accept-encoding", accepted)]).unwrap();
            let found = response.headers().get(CONTENT_ENCODING);
            assert_eq!(
                found.map(HeaderValue::as_bytes),
                encoding.map(str::as_bytes)
            );
        }
        let again = [("if-none-match", etag.to_str().unwrap())];
        let again = get("/assets/a-1.js", &again).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let icon = get("/favicon.svg", &[("accept-encoding", "br")]).unwrap();
        assert_eq!(icon.headers()[CACHE_CONTROL], ASK_AGAIN);
        assert!(
            icon.headers().get(CONTENT_ENCODING).is_none(),
            "there is none"
        );
    }

    #[test]
    fn what_is_not_there_is_not_the_page() {
        // An old page asks for a file of an old build: a page would be no script.
        for path in [
            "/assets/old-0.js",
            "/assets/../index.html.js",
            "/x.css",
            "/assets/a-1.js.br",
        ] {
            assert!(get(path, &[BROWSER]).is_none(), "{path}");
        }
    }

    #[tokio::test]
    async fn a_build_without_the_page_says_how_to_get_it() {
        let empty = Page {
            look: Arc::new(|_| None),
        };
        let response = empty.answer(&request(Method::GET, "/", &[])).unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(text(response).await.contains("make web"));
    }
}
