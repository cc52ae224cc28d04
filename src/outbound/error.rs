//! What can go wrong with one call, sorted by "did the vendor see it?", in plain words.
//!
//! No text here repeats the URL's path or query, a header's value or a body: the client's own
//! error texts may, so none of them is passed on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;

use super::client::TooSlow;
use super::guard::{Reason, Refusal};
use super::resolve::ResolveError;

/// Settings that cannot be used; names the flag.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct OutboundError(pub(super) String);

/// How far a call came that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Resolve,
    Connect,
    Tls,
    /// The operator's own proxy did not let it out.
    Proxy,
}

/// A call without a usable answer.
#[derive(Debug, Clone)]
pub enum SendError {
    /// The guard said no; nothing left this machine but perhaps a question to the name server.
    Refused(Refusal),
    /// Failed before the vendor could see any of it: may be repeated freely.
    NotSent { step: Step, message: String },
    /// The whole call took longer than the limit.
    TimedOut {
        host: String,
        after: Duration,
        /// The vendor may have seen it.
        sent: bool,
    },
    /// The connection ended after the call was handed over and before the answer was complete.
    Cut { message: String },
    /// The answer is larger than `limit` bytes, announced, packed or unpacked.
    TooLarge { host: String, limit: usize },
    /// What came back is not HTTP, or not packed as it says.
    Malformed { message: String },
}

impl SendError {
    /// May the vendor have acted on the call? If not, it may be repeated whatever its method.
    pub fn vendor_may_have_seen_it(&self) -> bool {
        match self {
            Self::Refused(_) | Self::NotSent { .. } => false,
            Self::TimedOut { sent, .. } => *sent,
            Self::Cut { .. } | Self::TooLarge { .. } | Self::Malformed { .. } => true,
        }
    }

    /// A short constant name, for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::NotSent { step, .. } => match step {
                Step::Resolve => "not-resolved",
                Step::Connect => "not-connected",
                Step::Tls => "no-tls",
                Step::Proxy => "no-proxy",
            },
            Self::TimedOut { .. } => "timed-out",
            Self::Cut { .. } => "cut",
            Self::TooLarge { .. } => "too-large",
            Self::Malformed { .. } => "malformed",
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NotSent { message, .. } | Self::Cut { message } | Self::Malformed { message } => {
                f.write_str(message)
            }
            Self::TimedOut { host, after, sent } => {
                let after = after.as_secs_f64();
                match sent {
                    true => write!(
                        f,
                        "{host} did not answer completely within {after} s; \
                         whether it acted on the call is not known"
                    ),
                    false => write!(
                        f,
                        "{host} could not be reached within {after} s; nothing was sent"
                    ),
                }
            }
            Self::TooLarge { host, limit } => {
                write!(f, "the answer of {host} is larger than {limit} bytes")
            }
        }
    }
}

impl StdError for SendError {}

impl From<Refusal> for SendError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Sorts a failure that came before the answer's head was complete. `taken`: a connection had
/// taken the call over.
pub(super) fn before_head(
    error: &legacy::Error,
    host: &str,
    connect_timeout: Duration,
    taken: bool,
) -> SendError {
    match find::<ResolveError>(error) {
        Some(ResolveError::Forbidden(why)) => {
            return SendError::Refused(Refusal {
                host: host.to_owned(),
                reason: Reason::Address(why),
            });
        }
        Some(ResolveError::Unknown) => {
            return SendError::NotSent {
                step: Step::Resolve,
                message: format!("{host} does not resolve; check the host name"),
            };
        }
        None => {}
    }
    if error.is_connect() || !taken {
        return not_sent(error, host, connect_timeout);
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        let too_large = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large);
        return SendError::Malformed {
            message: if too_large {
                format!("{host} answered with more headers than are read")
            } else {
                format!("{host} answered with something that is not HTTP")
            },
        };
    }
    SendError::Cut {
        message: format!(
            "{host} ended the connection without answering; \
             whether it acted on the call is not known"
        ),
    }
}

fn not_sent(error: &legacy::Error, host: &str, connect_timeout: Duration) -> SendError {
    if let Some(what) = chain(error).find_map(proxy_in_words) {
        return SendError::NotSent {
            step: Step::Proxy,
            message: format!("no connection to {host}: the egress proxy {what}"),
        };
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return SendError::NotSent {
            step: Step::Tls,
            message: format!("no secure connection to {host}: {}", tls_in_words(tls)),
        };
    }
    if find::<TooSlow>(error).is_some() {
        return SendError::NotSent {
            step: Step::Connect,
            message: format!(
                "no connection to {host} within {} s",
                connect_timeout.as_secs_f64()
            ),
        };
    }
    let (step, what) = match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => (Step::Connect, "it refused the connection"),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            (Step::Connect, "there is no way to it in the network")
        }
        Some(io::ErrorKind::UnexpectedEof) => (
            Step::Tls,
            "it ended the connection during the TLS handshake",
        ),
        _ => (Step::Connect, "the connection failed"),
    };
    SendError::NotSent {
        step,
        message: format!("{host} cannot be reached: {what}"),
    }
}

/// What the proxy did. The error's type has no public name; its texts are tested with a proxy that
/// fails in each way.
fn proxy_in_words(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let text = cause.to_string();
    Some(match text.strip_prefix("tunnel error: ")? {
        "proxy authorization required" => "wants other credentials; check --egress-proxy",
        "unsuccessful" => "refused it; whoever runs the proxy must allow this host",
        "failed to create underlying connection" => "cannot be reached; check --egress-proxy",
        _ => "gave no usable answer; check --egress-proxy",
    })
}

fn tls_in_words(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            // The second: an authority of the same name, with another key.
            Certificate::UnknownIssuer | Certificate::BadSignature => {
                "its certificate is not from a known authority"
            }
            Certificate::Revoked => "its certificate was revoked",
            _ => "its certificate is not valid",
        },
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => {
            "it does not accept the TLS versions and ciphers that are offered"
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS on this port",
        _ => "the TLS handshake failed",
    }
}

/// Sorts a failure while the answer's body was read.
pub(super) fn in_body(error: &hyper::Error, host: &str) -> SendError {
    // A broken chunked coding arrives as invalid input.
    let broken = find::<io::Error>(error)
        .is_some_and(|error| matches!(error.kind(), io::ErrorKind::InvalidInput));
    if broken {
        return unpackable(host);
    }
    SendError::Cut {
        message: format!("{host} ended the connection in the middle of its answer"),
    }
}

/// What came is not coded as it says.
pub(super) fn unpackable(host: &str) -> SendError {
    SendError::Malformed {
        message: format!("{host} sent an answer that cannot be unpacked"),
    }
}

fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The causes of an error. An `io::Error` made from another error skips that one in its
/// `source()`, and TLS and resolver errors travel inside such.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| {
        let cause: &(dyn StdError + 'static) = *cause;
        match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}
