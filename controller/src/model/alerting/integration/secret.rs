//! The secrets that integrations have.

/// What a secret has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::alerting) enum SecretForm {
    /// A text on one line.
    Word,
    /// An address of the web; who sees the receiver sees its host.
    Address,
}

/// A secret that an integration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::alerting) struct SecretField {
    pub(in crate::model::alerting) name: &'static str,
    pub(in crate::model::alerting) is_needed: bool,
    pub(in crate::model::alerting) form: SecretForm,
}

pub(super) const fn needed(name: &'static str) -> SecretField {
    SecretField {
        name,
        is_needed: true,
        form: SecretForm::Word,
    }
}

pub(super) const fn optional(name: &'static str) -> SecretField {
    SecretField {
        name,
        is_needed: false,
        form: SecretForm::Word,
    }
}

/// The secret address of what has nothing else to be known by.
pub const URL: &str = "url";
/// Password of basic authentication.
pub const HTTP_PASSWORD: &str = "http_password";
/// Bearer token.
pub const BEARER_TOKEN: &str = "bearer_token";
/// With what a robot's messages are signed.
pub const SIGNING_KEY: &str = "signing_key";
/// Password at a mail server.
pub const PASSWORD: &str = "password";

/// An address that is a secret, and has to be there.
pub(super) const ADDRESS: SecretField = SecretField {
    name: URL,
    is_needed: true,
    form: SecretForm::Address,
};
