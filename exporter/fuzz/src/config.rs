//! Loading a module file.
//!
//! Must hold: a refusal names at least one cause, in a bounded number of words;
//! a password that came from the environment is shown nowhere.

use std::ffi::OsString;
use std::path::Path;

use ipmi_exporter::config::load_text;

const CANARY: &str = "canary-7h3Qz";
/// Far more than a person reads; what a message quotes is cut off long before.
const LONGEST_MESSAGE: usize = 4_096;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(CANARY) {
        return;
    }
    // A relative path in the text leads nowhere from here.
    let path = Path::new("/nonexistent/ipmi.yml");
    let result = load_text(path, &text, &|_| Some(OsString::from(CANARY)));
    assert!(!format!("{result:?}").contains(CANARY));
    let diagnostics = match result {
        Ok(loaded) => loaded.warnings,
        Err(error) => {
            assert!(!error.errors.is_empty());
            check(&error.to_string());
            let mut all = error.errors;
            all.extend(error.warnings);
            all
        }
    };
    for diagnostic in diagnostics {
        check(&diagnostic.to_string());
    }
}

fn check(message: &str) {
    assert!(!message.is_empty());
    assert!(message.len() <= LONGEST_MESSAGE, "{message}");
    assert!(!message.contains(CANARY), "{message}");
}
