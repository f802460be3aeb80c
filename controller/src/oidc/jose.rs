//! Signed tokens (RFC 7515) and the keys that verify them (RFC 7517).
//!
//! Only RS256 and ES256, and the kind of key must fit: neither `none` nor an
//! HMAC with a public key for its secret gets through, because nothing here can
//! compute either.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// Largest token.
const MAX_TOKEN: usize = 64 * 1024;
/// Most keys of a provider that are looked at.
const MAX_KEYS: usize = 100;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// It is no signed token.
    #[error("it is no signed token")]
    Malformed,
    /// It is signed by a method that we do not accept.
    #[error("it is signed neither by RS256 nor by ES256")]
    Algorithm,
    /// No key of the provider has its number.
    #[error("the provider has no such key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// What must be understood; we understand nothing beyond the standard.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// Keys of a provider.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Keys {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl Keys {
    /// The payload of a token that one of the keys has signed.
    ///
    /// # Errors
    /// See [`JoseError`].
    pub(super) fn verify(&self, token: &str) -> Result<Vec<u8>, JoseError> {
        if token.len() > MAX_TOKEN {
            return Err(JoseError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JoseError::Malformed)?;
        let decode = |text: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| JoseError::Malformed)
        };
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| JoseError::Malformed)?;
        if header.crit.is_some() {
            return Err(JoseError::Malformed);
        }
        let kind = match header.alg.as_str() {
            "RS256" => "RSA",
            "ES256" => "EC",
            _ => return Err(JoseError::Algorithm),
        };
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        let mut is_known = false;
        for key in self.keys.iter().take(MAX_KEYS) {
            // Keys of kinds that we do not know are left out.
            let Ok(key) = Key::deserialize(key) else {
                continue;
            };
            let fits = key.kty == kind
                && key.usage.as_deref().is_none_or(|usage| usage == "sig")
                && key.alg.as_deref().is_none_or(|alg| alg == header.alg)
                && (header.kid.is_none() || header.kid == key.kid);
            if !fits {
                continue;
            }
            is_known = true;
            if key.has_signed(message.as_bytes(), &signature) == Some(true) {
                return Ok(payload);
            }
        }
        Err(if is_known {
            JoseError::Signature
        } else {
            JoseError::UnknownKey
        })
    }
}

impl Key {
    /// `None` when the key itself is no good.
    fn has_signed(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let verified = match self.kty.as_str() {
            "RSA" => RsaPublicKeyComponents {
                n: decode(&self.n)?,
                e: decode(&self.e)?,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            "EC" if self.crv == "P-256" => {
                // An uncompressed point.
                let point = [vec![4], decode(&self.x)?, decode(&self.y)?].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            _ => return None,
        };
        Some(verified.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3: ES256.
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn keys() -> Keys {
        let key = serde_json::json!({"keys": [{"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
        serde_json::from_value(key).unwrap()
    }

    #[test]
    fn the_standards_example_is_believed_and_every_change_is_not() {
        let payload = keys().verify(TOKEN).unwrap();
        assert!(payload.starts_with(b"{\"iss\":\"joe\""));
        let parts: Vec<&str> = TOKEN.split('.').collect();
        let none = BASE64_URL_SAFE_NO_PAD.encode(b"{\"alg\":\"none\"}");
        let hmac = BASE64_URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\"}");
        let critical = BASE64_URL_SAFE_NO_PAD.encode(b"{\"alg\":\"ES256\",\"crit\":[\"x\"]}");
        let other = BASE64_URL_SAFE_NO_PAD.encode(b"{\"alg\":\"ES256\",\"kid\":\"x\"}");
        let evil = BASE64_URL_SAFE_NO_PAD.encode(b"{\"iss\":\"eve\"}");
        for (token, error) in [
            (format!("{none}.{}.", parts[1]), JoseError::Algorithm),
            (
                format!("{hmac}.{}.{}", parts[1], parts[2]),
                JoseError::Algorithm,
            ),
            (
                format!("{critical}.{}.{}", parts[1], parts[2]),
                JoseError::Malformed,
            ),
            (
                format!("{other}.{}.{}", parts[1], parts[2]),
                JoseError::UnknownKey,
            ),
            (
                format!("{}.{evil}.{}", parts[0], parts[2]),
                JoseError::Signature,
            ),
            (format!("{}.{}.", parts[0], parts[1]), JoseError::Signature),
            ("x".to_owned(), JoseError::Malformed),
            ("a.b.c.d".to_owned(), JoseError::Malformed),
        ] {
            assert_eq!(keys().verify(&token), Err(error), "{token}");
        }
    }
}
