//! K_g, the BMC's own key for log-ins with two keys (IPMI 2.0, 13.31): `k_g`, `k_g_file`,
//! `k_g_env`, or FreeIPMI's `-k` in `custom_args`.
//!
//! Written as up to 20 bytes of text, or as `0x` and up to 40 hexadecimal digits; what is missing
//! is zeros.

use std::fmt;

use rmcp_ipmi::crypto::{KG_BYTES, Kg};
use zeroize::Zeroizing;

use super::password::{Environment, Found, Origin};
use super::raw::ModuleRaw;
use super::report::{Located, Report, joined};
use super::secret::Secret;

/// K_g, wiped on drop; cannot be printed.
#[derive(Clone)]
pub struct BmcKey(Kg);

impl BmcKey {
    /// The key, for the one place that hands it to a session.
    #[must_use]
    pub fn expose(&self) -> &Kg {
        &self.0
    }
}

impl fmt::Debug for BmcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Why a text is no K_g.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum KgError {
    #[error("K_g has {0} bytes; IPMI 2.0 allows at most {KG_BYTES}")]
    TooLong(usize),
    #[error("after `0x` K_g must have hexadecimal digits only")]
    NotHex,
    #[error("after `0x` K_g must have an even number of hexadecimal digits")]
    OddDigits,
    #[error("K_g contains a zero byte; write it in hexadecimal digits after `0x`")]
    ZeroByte,
}

/// Loads the K_g of a module. One that is all zeros is none, as for a BMC.
pub(crate) fn load(
    report: &mut Report<'_>,
    raw: &ModuleRaw,
    from_args: Option<&Located<Secret>>,
    environment: Environment<'_>,
) -> Option<BmcKey> {
    let origin = Origin {
        what: "K_g",
        keys: ["k_g", "k_g_file", "k_g_env"],
        text: raw.k_g.as_ref(),
        file: raw.k_g_file.as_ref(),
        variable: raw.k_g_env.as_ref(),
    };
    let given = raw.k_g.is_some() || raw.k_g_file.is_some() || raw.k_g_env.is_some();
    let found = if given {
        if let Some(arg) = from_args {
            let message = "the K_g in `custom_args` is overridden by `k_g`";
            report.warn(arg.mark, &joined(&raw.path, "custom_args"), message);
        }
        origin.fetch(report, &raw.path, environment)?
    } else {
        let arg = from_args?;
        Found {
            secret: arg.value.clone(),
            mark: arg.mark,
            path: joined(&raw.path, "custom_args"),
        }
    };
    match parse(found.secret.expose()) {
        Ok(key) => {
            let key = Kg::new(*key).map(BmcKey);
            if key.is_none() {
                let message = "is all zeros, which means that the BMC has no K_g: log-ins use \
                               the password alone";
                report.warn(found.mark, &found.path, message);
            }
            key
        }
        Err(error) => {
            report.secret_error(found.mark, &found.path, error.to_string());
            None
        }
    }
}

fn parse(text: &[u8]) -> Result<Zeroizing<[u8; KG_BYTES]>, KgError> {
    let mut key = Zeroizing::new([0; KG_BYTES]);
    let digits = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"));
    let Some(digits) = digits else {
        if text.contains(&0) {
            return Err(KgError::ZeroByte);
        }
        let start = key.get_mut(..text.len());
        let start = start.ok_or(KgError::TooLong(text.len()))?;
        start.copy_from_slice(text);
        return Ok(key);
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(KgError::NotHex);
    }
    if !digits.len().is_multiple_of(2) {
        return Err(KgError::OddDigits);
    }
    if digits.len() > 2 * KG_BYTES {
        return Err(KgError::TooLong(digits.len() / 2));
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| {
            byte << 4 | u8::try_from(value(*digit)).unwrap_or_default()
        });
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_digits_are_filled_up_with_zeros() {
        let padded = |start: &[u8]| {
            let mut key = [0; KG_BYTES];
            key[..start.len()].copy_from_slice(start);
            key
        };
        for (text, expected) in [
            (&b"Kg-of-quanta"[..], padded(b"Kg-of-quanta")),
            (b"twenty bytes of K_g!", *b"twenty bytes of K_g!"),
            (b"0x00fF10", padded(&[0x00, 0xff, 0x10])),
            (b"0Xa5", padded(&[0xa5])),
            (b"x0", padded(b"x0")),
            (b"", [0; KG_BYTES]),
            (
                b"0x000102030405060708090a0b0c0d0e0f10111213",
                std::array::from_fn(|place| u8::try_from(place).unwrap()),
            ),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(&expected));
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        for (text, error) in [
            (&b"twenty-one bytes: no!"[..], KgError::TooLong(21)),
            (b"0x", KgError::NotHex),
            (b"0x12g4", KgError::NotHex),
            (b"0x 12", KgError::NotHex),
            (b"0x123", KgError::OddDigits),
            (
                b"0x000102030405060708090a0b0c0d0e0f1011121314",
                KgError::TooLong(21),
            ),
            (b"a\0b", KgError::ZeroByte),
        ] {
            assert_eq!(parse(text).map(|_| ()), Err(error));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = BmcKey(Kg::new(*b"twenty bytes of K_g!").unwrap());
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
}
