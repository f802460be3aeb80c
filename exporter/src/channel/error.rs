//! Why a request to the controller had no usable answer.

/// What went wrong. `Display` is for the operator and shows no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    /// The token cannot be read.
    #[error("--controller.token-file: {0}")]
    Token(String),
    /// No connection, or it broke.
    #[error("{0}")]
    Connect(String),
    /// The TLS handshake failed, or its settings are wrong.
    #[error("TLS: {0}")]
    Tls(String),
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// The token is not known.
    #[error("the controller does not know the token, or it is expired: status 401{0}")]
    Unauthorized(String),
    /// The token is not for this, or the controller will not answer here.
    #[error("the controller refuses: status 403{0}")]
    Forbidden(String),
    /// Another status.
    #[error("the controller answers with status {0}{1}")]
    Status(u16, String),
    /// More than a configuration has.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// Not what a controller answers.
    #[error("this is no answer of a controller: {0}")]
    Garbled(String),
    /// The configuration itself is wrong.
    #[error("the configuration is refused: {0}")]
    Config(String),
}

impl ChannelError {
    /// The word for metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::Status(..) => "status",
            Self::TooLarge(_) => "too_large",
            Self::Garbled(_) => "garbled",
            Self::Config(_) => "config",
        }
    }
}
