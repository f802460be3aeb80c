//! The token, read from its file for each request, so that a new one counts at
//! once.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::error::ChannelError;
use crate::config::Secret;
use crate::config::source::cannot_read;

/// Largest token file; a token has 60 bytes.
const MAX_BYTES: u64 = 4096;

/// A token.
pub(super) struct Token(Secret);

impl Token {
    /// Reads the file. Blanks and line breaks around the token are left out.
    pub(super) fn read(path: &Path) -> Result<Self, ChannelError> {
        let wrong = |what: String| ChannelError::Token(format!("{} {what}", path.display()));
        let metadata = std::fs::metadata(path).map_err(|error| wrong(cannot_read(&error)))?;
        if !metadata.is_file() {
            return Err(wrong("is not a file".to_owned()));
        }
        // Large enough that it never moves: what it leaves behind would not be wiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| wrong(cannot_read(&error)))?;
        let token = bytes.trim_ascii();
        if token.is_empty() {
            return Err(wrong("is empty".to_owned()));
        }
        if bytes.len() as u64 > MAX_BYTES || !token.iter().all(u8::is_ascii_graphic) {
            return Err(wrong("holds no token".to_owned()));
        }
        Ok(Self(Secret::new(token.to_vec())))
    }

    /// The value of `Authorization`, marked so that nobody prints it.
    pub(super) fn header(&self) -> Result<HeaderValue, ChannelError> {
        let text = Zeroizing::new([b"Bearer ", self.0.expose()].concat());
        let mut value = HeaderValue::from_bytes(&text)
            .map_err(|_| ChannelError::Token("holds no token".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether a text has the token in it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let token = self.0.expose();
        text.as_bytes()
            .windows(token.len())
            .any(|part| part == token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, " ipmi_exporter_zq7canary\r\n").unwrap();
        let token = Token::read(&path).unwrap();
        let header = token.header().unwrap();
        assert_eq!(header, "Bearer ipmi_exporter_zq7canary");
        assert!(!format!("{header:?}").contains("zq7canary"));
        assert!(token.is_in("echo: ipmi_exporter_zq7canary!") && !token.is_in("ipmi"));
        for (text, reason) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("zq7canary two", "holds no token"),
            ("zq7canary\u{7}", "holds no token"),
            (&"x".repeat(5000), "holds no token"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Token::read(&path).err().unwrap().to_string();
            assert!(
                error.contains(reason) && !error.contains("zq7canary"),
                "{error}"
            );
        }
        assert!(Token::read(directory.path()).is_err());
        assert!(Token::read(&directory.path().join("none")).is_err());
    }
}
