//! Lines of Alertmanager's log, in JSON: of 0.25 and of the versions since 0.28,
//! which name some keys otherwise.

use serde::Deserialize;

/// A line, as far as it is of interest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    level: String,
    msg: String,
    err: String,
    error: String,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It takes requests.
    Listening,
    /// Another program has its port.
    PortTaken,
    /// Somebody was told.
    Delivered,
    /// An attempt to tell somebody failed.
    Attempt(String),
    /// Something else is wrong.
    Problem(String),
    /// Nothing of interest.
    Other,
}

/// What stands before the cause when another attempt makes no sense.
const UNRECOVERABLE: &str = "notify retry canceled due to unrecoverable error after 1 attempts: ";

impl Line {
    /// Reads a line. What is no JSON, such as a mistake in flags, is a problem.
    pub(super) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self {
            level: "error".to_owned(),
            msg: text.to_owned(),
            ..Self::default()
        })
    }

    /// What it says.
    pub(super) fn word(&self) -> Word {
        let error = if self.err.is_empty() {
            &self.error
        } else {
            &self.err
        };
        match self.msg.as_str() {
            "Listening on" => Word::Listening,
            "Notify success" => Word::Delivered,
            "Notify attempt failed, will retry later" => Word::Attempt(error.clone()),
            "Notify for alerts failed" => {
                let cause = error.split_once(UNRECOVERABLE).map(|(_, cause)| cause);
                Word::Attempt(cause.unwrap_or(error).to_owned())
            }
            _ if error.contains("address already in use") => Word::PortTaken,
            msg if self.level.eq_ignore_ascii_case("error") => {
                let separator = if error.is_empty() { "" } else { ": " };
                Word::Problem(format!("{msg}{separator}{error}"))
            }
            _ => Word::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_log_are_read() {
        for (line, expected) in [
            (
                r#"{"address":"127.0.0.1:1","caller":"tls_config.go:232","level":"info","msg":"Listening on","ts":"x"}"#,
                Word::Listening,
            ),
            (
                r#"{"time":"x","level":"INFO","source":"tls_config.go:1","msg":"Listening on","address":"127.0.0.1:1"}"#,
                Word::Listening,
            ),
            (
                r#"{"attempts":1,"component":"dispatcher","integration":"email[0]","level":"debug","msg":"Notify success","receiver":"r"}"#,
                Word::Delivered,
            ),
            (
                r#"{"level":"WARN","msg":"Notify attempt failed, will retry later","integration":"email[0]","attempts":1,"err":"establish connection to server: refused"}"#,
                Word::Attempt("establish connection to server: refused".to_owned()),
            ),
            (
                r#"{"component":"dispatcher","err":"a/b/webhook[0]: notify retry canceled due to unrecoverable error after 1 attempts: unexpected status code 404","level":"error","msg":"Notify for alerts failed","num_alerts":1}"#,
                Word::Attempt("unexpected status code 404".to_owned()),
            ),
            (
                r#"{"level":"error","msg":"Listen error","err":"listen tcp 127.0.0.1:1: bind: address already in use"}"#,
                Word::PortTaken,
            ),
            (
                r#"{"component":"configuration","err":"yaml: unmarshal errors","file":"c.yml","level":"error","msg":"Loading configuration file failed"}"#,
                Word::Problem(
                    "Loading configuration file failed: yaml: unmarshal errors".to_owned(),
                ),
            ),
            (r#"{"level":"debug","msg":"flushing"}"#, Word::Other),
            (
                "alertmanager: error: unknown flag",
                Word::Problem("alertmanager: error: unknown flag".to_owned()),
            ),
        ] {
            assert_eq!(Line::parse(line).word(), expected, "{line}");
        }
    }
}
