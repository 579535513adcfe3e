//! Why nothing came of a token. The distinctions are for the log: to whoever sent it, a token is valid or not.

use super::bounds::Excess;
use biscuit_auth::error::{Format, Token};

/// Why a token was refused, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The text is longer than any token may be.
    #[error("the token is too long")]
    TooLarge,
    /// The text is no biscuit, or one that contradicts itself.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Evaluating it could cost too much.
    #[error("the token is too complex: it has {0}")]
    TooComplex(#[from] Excess),
    /// It names a root key that is not trusted here.
    #[error("the token is signed with an unknown root key ({})", .0.map_or_else(|| "without id".to_owned(), |id| format!("id {id}")))]
    UnknownKey(Option<u32>),
    /// No trusted key signed it, or it was changed since.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A trusted key signed it, but it does not say who the bearer is.
    #[error("the token is not one of Lethe's: {0}")]
    NotOurs(&'static str),
    /// It was revoked, or what it was narrowed from was.
    #[error("the token was revoked")]
    Revoked,
    /// It is good unless it was revoked, and nothing was learnt of that yet.
    #[error("it is not known yet which tokens were revoked")]
    Unready,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It cannot be narrowed: its last bearer sealed it.
    #[error("the token is sealed")]
    Sealed,
    /// Narrowing to nothing less was asked for.
    #[error("nothing was asked for that would narrow the token")]
    NothingToNarrow,
}

impl From<Token> for TokenError {
    fn from(error: Token) -> Self {
        match error {
            Token::Format(Format::Signature(_) | Format::SealedSignature) => Self::BadSignature,
            Token::Format(format) => Self::Malformed(format.to_string()),
            Token::AppendOnSealed | Token::AlreadySealed => Self::Sealed,
            error @ (Token::InternalError
            | Token::FailedLogic(_)
            | Token::Language(_)
            | Token::RunLimit(_)
            | Token::ConversionError(_)
            | Token::Base64(_)
            | Token::Execution(_)) => Self::Malformed(error.to_string()),
        }
    }
}
