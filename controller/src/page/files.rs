//! The files of the built page.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// The page itself.
pub(super) const INDEX: &str = "index.html";

/// What vite built. A build without it is a build without a page.
#[derive(RustEmbed)]
#[folder = "web/dist/page"]
#[allow_missing = true]
struct Built;

/// A file of the page.
pub(super) struct File {
    /// What is in it.
    pub(super) bytes: Cow<'static, [u8]>,
    /// SHA-256 of that.
    pub(super) hash: [u8; 32],
}

/// The file of this name, as it was built.
pub(super) fn built(name: &str) -> Option<File> {
    let file = Built::get(name)?;
    Some(File {
        bytes: file.data,
        hash: file.metadata.sha256_hash(),
    })
}

/// Encodings with the ends of the names of files in them, the better ones first.
pub(super) const ENCODINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Ends of names of the page's files, and what is in such files.
const MEDIA_TYPES: &[(&str, &str)] = &[
    (".js", "text/javascript; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".svg", "image/svg+xml"),
    (".png", "image/png"),
    (".ico", "image/x-icon"),
    (".woff2", "font/woff2"),
    (".json", "application/json"),
    (".webmanifest", "application/manifest+json"),
    (".txt", "text/plain; charset=utf-8"),
];

/// What is in a file, by the end of its name; nothing for what the page has not got.
pub(super) fn media_type(name: &str) -> Option<&'static str> {
    let known = MEDIA_TYPES.iter().find(|(end, _)| name.ends_with(end));
    known.map(|(_, media_type)| *media_type)
}
