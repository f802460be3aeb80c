//! The text of a token: random, shown once, kept only as its hash.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::TokenKind;

/// Random bytes of a token.
const BYTES: usize = 32;
/// Longest text that is looked up.
const MAX_TEXT: usize = 128;

/// The text of a token. No `Display`: [`TokenText::expose`] is the way to it.
#[derive(Clone)]
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    /// A new one. The beginning tells what it is, to people and to programs that
    /// search for leaked secrets.
    #[must_use]
    pub fn generate(kind: TokenKind) -> Self {
        let random: Zeroizing<[u8; BYTES]> = Zeroizing::new(rand::rng().random());
        let random = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random.as_ref()));
        Self(Zeroizing::new(format!(
            "ipmi_{}_{}",
            kind.as_str(),
            random.as_str()
        )))
    }

    /// A text that somebody shows; `None` when it cannot be one of ours.
    #[must_use]
    pub fn shown(text: &str) -> Option<Self> {
        let could_be = text.starts_with("ipmi_") && text.len() <= MAX_TEXT;
        could_be.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What is stored. A plain hash does: the text is as random as the hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text, for the one who shall have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_and_are_not_shown_by_accident() {
        let first = TokenText::generate(TokenKind::Api);
        let second = TokenText::generate(TokenKind::Api);
        assert_ne!(first.expose(), second.expose());
        assert!(first.expose().starts_with("ipmi_api_"));
        assert!(!format!("{first:?}").contains(first.expose()));
        let again = TokenText::shown(first.expose()).unwrap();
        assert_eq!(again.hash(), first.hash());
        assert!(TokenText::shown("x").is_none());
        assert!(TokenText::shown(&format!("ipmi_{}", "x".repeat(200))).is_none());
    }
}
