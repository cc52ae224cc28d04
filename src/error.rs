//! What a caller can be told. The HTTP form is in `http/error.rs`; the public sentence and the
//! internal cause never share a field.

use std::error::Error as StdError;
use std::fmt;

use bunsen_engine::element::OtherAccount;
use bunsen_engine::reply::Blame;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One enum for every outcome that is not success. `Display` is the public sentence.
#[derive(Debug)]
pub enum Error {
    /// 401: no, malformed, unknown or mismatching credentials of ours.
    Unauthenticated(&'static str),
    /// 403: a known caller who may not.
    Forbidden(String),
    /// 404: does not exist, or belongs to somebody else.
    NotFound(String),
    /// 400: names the field and the fix.
    Invalid(String),
    /// 405.
    MethodNotAllowed,
    /// 405: verbs that are allowed, by comma.
    OtherMethod { allowed: String },
    /// 406.
    NotAcceptable,
    /// 409.
    Conflict(String),
    /// 409: somebody works on the same request; `retry_after` in seconds.
    InFlight {
        message: &'static str,
        retry_after: u32,
    },
    /// 409: the log-in has led to another account at the vendor than the one there was.
    OtherAccount(Box<OtherAccount>),
    /// 413: `limit` in bytes.
    TooLarge { limit: usize },
    /// 415.
    UnsupportedMediaType(String),
    /// 408: the caller's own body did not arrive in time.
    RequestTimeout,
    /// 429: too many wrong log-ins, or questions of strangers; seconds until the next may be tried.
    TooManyAttempts { retry_after: u64 },
    /// 429: the organization uses all that is its share of this server; names the limit.
    OverShare(String),
    /// 429: the organization has made as many calls of vendors as it may; names the limit, and has the
    /// seconds until there are more.
    OverBudget { message: String, retry_after: u64 },
    /// 503: starting, stopping, or the database is out of reach.
    Unavailable(&'static str),
    /// The vendor, or the way to it, failed: our status, our words, the vendor's own text.
    Vendor(Box<VendorFailure>),
    /// 500: the cause is for the log only.
    Internal(Box<dyn StdError + Send + Sync>),
}

/// A failure outside, already translated for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFailure {
    /// HTTP status for our caller, 400 to 599.
    pub status: u16,
    /// Who failed, at which step, what to check.
    pub message: String,
    /// The vendor's own text, when the vendor answered.
    pub provider_message: Option<String>,
    /// The vendor's `Retry-After`, passed on as it came.
    pub retry_after: Option<String>,
    /// Who can help.
    pub blame: Blame,
}

impl Error {
    /// A cause without a type of its own; the caller is only told "internal error".
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated(text) | Self::Unavailable(text) => f.write_str(text),
            Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Invalid(text)
            | Self::Conflict(text)
            | Self::OverShare(text)
            | Self::UnsupportedMediaType(text) => f.write_str(text),
            Self::InFlight { message, .. } => f.write_str(message),
            Self::OverBudget { message, .. } => f.write_str(message),
            // Names are for the page of the person they belong to.
            Self::OtherAccount(_) => f.write_str("This is another account at the vendor."),
            Self::MethodNotAllowed => f.write_str("This method is not allowed here."),
            Self::OtherMethod { allowed } => {
                write!(f, "This method is not allowed here; use {allowed}.")
            }
            Self::NotAcceptable => {
                f.write_str("This resource is only available as application/json.")
            }
            Self::TooLarge { limit } => {
                write!(f, "The request body is larger than {limit} bytes.")
            }
            Self::TooManyAttempts { retry_after } => {
                write!(f, "Too many attempts; try again in {retry_after} seconds.")
            }
            Self::RequestTimeout => f.write_str("The request body did not arrive in time."),
            Self::Vendor(failure) => f.write_str(&failure.message),
            Self::Internal(_) => f.write_str("Internal error."),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Internal(cause) => Some(cause.as_ref()),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    /// A database that cannot be reached is 503; everything else it says is our fault.
    fn from(error: sqlx::Error) -> Self {
        let out_of_reach = match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
            // It is stopping, has crashed, or is starting; is full, or takes no connections.
            sqlx::Error::Database(refused) => matches!(
                refused.code().as_deref(),
                Some("57P01" | "57P02" | "57P03" | "53300" | "55000")
            ),
            _ => false,
        };
        if out_of_reach {
            tracing::error!(%error, "the database cannot be reached");
            return Self::Unavailable("The database cannot be reached; try again.");
        }
        Self::Internal(Box::new(error))
    }
}
