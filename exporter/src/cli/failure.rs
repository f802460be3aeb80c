//! The parser's errors in the words that the stock exporter's parser uses.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// One line without `error:` and without the hint at `--help`.
pub(super) fn reason(error: &Error) -> String {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    let flag = argument.as_deref().map(bare_flag);
    match (error.kind(), flag) {
        (ErrorKind::UnknownArgument, Some(flag)) if flag.starts_with("--") => {
            format!("unknown long flag '{flag}'")
        }
        (ErrorKind::UnknownArgument, Some(flag)) if flag.starts_with('-') && flag.len() > 1 => {
            format!("unknown short flag '{flag}'")
        }
        (ErrorKind::UnknownArgument, Some(word)) => format!("unexpected {word}"),
        (ErrorKind::InvalidSubcommand, _) => {
            let word = context(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("unexpected {word}")
        }
        (ErrorKind::ArgumentConflict, Some(flag)) => conflict(error, flag),
        (ErrorKind::InvalidValue, Some(flag)) => match value.as_deref() {
            None | Some("") => format!("expected argument for flag '{flag}'"),
            Some(value) => enumeration(error, flag, value),
        },
        (ErrorKind::ValueValidation, Some(flag)) => {
            let cause = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            let value = value.unwrap_or_default();
            format!("flag '{flag}': '{value}': {cause}")
        }
        (ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues, Some(flag)) => {
            format!("unexpected value for flag '{flag}'")
        }
        (ErrorKind::MissingRequiredArgument, Some(flag)) => {
            format!("required argument '{flag}' not provided")
        }
        _ => first_line(error),
    }
}

/// The same flag twice, or two flags that exclude each other.
fn conflict(error: &Error, flag: &str) -> String {
    let name = flag.trim_start_matches('-');
    match context(error, ContextKind::PriorArg) {
        Some(prior) if bare_flag(&prior) != flag => {
            let prior = bare_flag(&prior).to_owned();
            if prior.trim_start_matches('-').replacen("no-", "", 1) == name.replacen("no-", "", 1) {
                let positive = name.replacen("no-", "", 1);
                format!("flag '{positive}' cannot be repeated")
            } else {
                format!("'{flag}' cannot be used with '{prior}'")
            }
        }
        Some(_) => format!("flag '{name}' cannot be repeated"),
        None => first_line(error),
    }
}

fn enumeration(error: &Error, flag: &str, value: &str) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(allowed)) if !allowed.is_empty() => {
            format!(
                "enum value must be one of {}, got '{value}'",
                allowed.join(",")
            )
        }
        _ => format!("flag '{flag}': '{value}' is not valid"),
    }
}

fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    }
}

/// `--log.level <LEVEL>` without what the value is called; `<TARGET>` and `<NETWORK>...`
/// without what is around the name.
fn bare_flag(argument: &str) -> &str {
    if argument.starts_with('-') {
        argument.split([' ', '=']).next().unwrap_or(argument)
    } else {
        argument.trim_end_matches('.').trim_matches(['<', '>'])
    }
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
