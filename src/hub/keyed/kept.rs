//! What a caller was answered, in the form that is sealed.

use bunsen_engine::reply::Blame;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result, VendorFailure};
use crate::hub::{Answer, Content, List};

/// Bytes of what is kept of an answer, all together.
const LONGEST: usize = 256 * 1024;
/// Characters of a failure's message of which the rest is not kept.
const LONGEST_MESSAGE: usize = 1000;

/// What a caller was answered.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    content: KeptContent,
    notices: Vec<String>,
    /// Other than 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// As text, which headers that hooks and definitions add are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeptContent {
    Nothing,
    Record(String),
    List {
        json: String,
        count: usize,
        total: Option<u64>,
        next: Option<String>,
    },
    /// It is done, and its answer is a file, or longer than what is kept.
    NotKept,
    Failure {
        status: u16,
        message: String,
        provider_message: Option<String>,
        retry_after: Option<String>,
    },
}

impl Kept {
    pub fn of(answer: &Answer) -> Self {
        let text = |json: &[u8]| std::str::from_utf8(json).ok().map(str::to_owned);
        let content = match &answer.content {
            Content::Nothing => Some(KeptContent::Nothing),
            Content::Record(json) => text(json).map(KeptContent::Record),
            Content::List(list) => text(&list.json).map(|json| KeptContent::List {
                json,
                count: list.count,
                total: list.total,
                next: list.next.clone(),
            }),
            Content::File(_) | Content::Held { .. } => None,
        };
        let headers = answer.headers.iter().filter_map(|(name, value)| {
            let value = std::str::from_utf8(value.as_bytes()).ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        Self {
            content: content.unwrap_or(KeptContent::NotKept),
            notices: answer.notices.clone(),
            status: answer.status.map(|status| status.as_u16()),
            headers: headers.collect(),
        }
    }

    pub fn of_failure(failure: &VendorFailure) -> Self {
        Self {
            content: KeptContent::Failure {
                status: failure.status,
                message: failure.message.clone(),
                provider_message: failure.provider_message.clone(),
                retry_after: failure.retry_after.clone(),
            },
            notices: Vec::new(),
            status: None,
            headers: Vec::new(),
        }
    }

    /// As it is sealed; where that is too long, without what makes it so.
    ///
    /// # Errors
    /// None that can happen.
    pub fn written(&self) -> Result<Zeroizing<Vec<u8>>> {
        let whole = self.whole()?;
        match whole.len() <= LONGEST {
            true => Ok(whole),
            false => self.short().whole(),
        }
    }

    /// That it is done, and of a failure what it was.
    pub fn short(&self) -> Self {
        let content = match &self.content {
            KeptContent::Failure {
                status, message, ..
            } => KeptContent::Failure {
                status: *status,
                message: message.chars().take(LONGEST_MESSAGE).collect(),
                provider_message: None,
                retry_after: None,
            },
            _ => KeptContent::NotKept,
        };
        Self {
            content,
            notices: Vec::new(),
            status: None,
            headers: Vec::new(),
        }
    }

    fn whole(&self) -> Result<Zeroizing<Vec<u8>>> {
        let whole = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(Zeroizing::new(whole))
    }

    pub fn told(self) -> Result<Answer> {
        let content = match self.content {
            KeptContent::Nothing => Content::Nothing,
            KeptContent::Record(json) => Content::Record(json.into_bytes()),
            KeptContent::List {
                json,
                count,
                total,
                next,
            } => Content::List(List {
                json: json.into_bytes(),
                count,
                total,
                next,
                filtered: None,
            }),
            KeptContent::NotKept => {
                return Err(Error::Conflict(format!(
                    "This call was made and answered with 200; its answer is not here any more, \
                     since only {LONGEST} bytes and no files are kept. Do not send it again: read at \
                     the vendor what it has made."
                )));
            }
            KeptContent::Failure {
                status,
                message,
                provider_message,
                retry_after,
            } => {
                return Err(Error::Vendor(Box::new(VendorFailure {
                    blame: Blame::Nobody,
                    status,
                    message,
                    provider_message,
                    retry_after,
                })));
            }
        };
        let headers = self.headers.into_iter().filter_map(|(name, value)| {
            let name = HeaderName::try_from(name).ok()?;
            Some((name, HeaderValue::try_from(value).ok()?))
        });
        Ok(Answer {
            content,
            status: self
                .status
                .and_then(|status| StatusCode::from_u16(status).ok()),
            headers: headers.collect(),
            notices: self.notices,
        })
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_not_kept() {
        let answer = |bytes: usize| Answer {
            content: Content::Record(vec![b'1'; bytes]),
            status: Some(StatusCode::ACCEPTED),
            headers: [(
                HeaderName::from_static("x-own"),
                HeaderValue::from_static("1"),
            )]
            .into_iter()
            .collect(),
            notices: vec!["a notice".to_owned()],
        };
        let read = |kept: &Kept| -> Kept {
            let written = kept.written().expect("written");
            assert!(written.len() <= LONGEST, "{}", written.len());
            serde_json::from_slice(&written).expect("what was written")
        };
        let kept = read(&Kept::of(&answer(LONGEST - 100)));
        let kept = kept.told().expect("an answer");
        assert!(matches!(kept.content, Content::Record(json) if json.len() == LONGEST - 100));
        assert_eq!(kept.notices, ["a notice"]);
        assert_eq!(kept.status, Some(StatusCode::ACCEPTED));
        assert_eq!(kept.headers["x-own"], "1");
        let mut noticed = answer(1);
        noticed.notices = vec!["n".repeat(LONGEST)];
        for long in [answer(LONGEST), noticed] {
            let kept = read(&Kept::of(&long));
            assert!(kept.content == KeptContent::NotKept);
            let told = kept.told();
            assert!(matches!(told, Err(Error::Conflict(text)) if text.contains("Do not send")));
        }
        let failure = VendorFailure {
            blame: Blame::Nobody,
            status: 500,
            message: "m".repeat(LONGEST),
            provider_message: Some("p".repeat(LONGEST)),
            retry_after: None,
        };
        let told = read(&Kept::of_failure(&failure)).told();
        assert!(matches!(told, Err(Error::Vendor(failure)) if failure.status == 500));
    }
}
