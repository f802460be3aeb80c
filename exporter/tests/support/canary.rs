//! Searching for secrets in text, in every spelling in which one could leak.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret as it is, in pieces, backwards, as bytes in the usual notations.
pub(crate) fn spellings(secret: &[u8]) -> Vec<String> {
    let join = |separator: &str, spell: fn(u8) -> String| {
        secret
            .iter()
            .map(|byte| spell(*byte))
            .collect::<Vec<_>>()
            .join(separator)
    };
    let mut spellings = vec![
        join("", |byte| format!("{byte:02x}")),
        join("", |byte| format!("{byte:02X}")),
        join(" ", |byte| format!("{byte:02x}")),
        join(", ", |byte| byte.to_string()),
        join(", ", |byte| format!("0x{byte:02x}")),
        URL_SAFE.encode(secret),
    ];
    // In base64 the spelling depends on what stands in front.
    for shift in 0..3 {
        let text = STANDARD.encode([&vec![b'x'; shift], secret].concat());
        spellings.push(text[4..text.len() - 4].to_owned());
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        spellings.push(text.to_owned());
        spellings.push(text.chars().take(12).collect());
        spellings.push(text.chars().rev().collect());
    }
    spellings
}

/// The spelling in which a secret is in the text, if it is.
pub(crate) fn leaked(secret: &[u8], text: &str) -> Option<String> {
    spellings(secret)
        .into_iter()
        .find(|spelling| text.contains(spelling))
}
