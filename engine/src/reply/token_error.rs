//! Refusals that every token call may answer, RFC 6749 section 5.2, in plain words for definitions
//! that have none of their own.

use http::StatusCode;
use serde_json::Value as Json;

use crate::element::oauth::{CALLBACK_URL, CLIENT_ID, CLIENT_SECRET, SCOPE};
use crate::element::{Element, Grant, Group, Resource, ResourceKind};

/// Our status and the message; `None`: this is no token call, or says nothing that is known.
pub(super) fn plain(
    element: &Element,
    group: &Group,
    resource: &Resource,
    status: StatusCode,
    answer: Option<&Json>,
) -> Option<(u16, String)> {
    let refused = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    if !refused || !resource.kind.gets_token() {
        return None;
    }
    let error = answer?.get("error")?.as_str()?;
    let vendor = &element.name;
    let step = resource.step();
    let grant = &group.oauth.as_ref()?.grant;
    let refreshes = resource.kind == ResourceKind::OauthOnTokenRefresh;
    let message = match (error, grant) {
        ("invalid_scope", _) => {
            let message = format!(
                "{vendor} does not know what is asked for at step {step}, or does not grant it. \
                 Check configuration '{SCOPE}'."
            );
            return Some((400, message));
        }
        // Nothing of what is signed is looked at beyond the first mistake.
        (
            "invalid_client" | "invalid_grant" | "unauthorized_client",
            Grant::JwtBearer(assertion),
        ) => {
            format!(
                "{vendor} refused what was signed for step {step}. Check configuration '{}' and \
                 '{CLIENT_ID}', and that the clock of this server is right.",
                assertion.key
            )
        }
        ("invalid_client" | "unauthorized_client", _) => format!(
            "{vendor} does not accept the client at step {step}. Check configuration \
             '{CLIENT_ID}' and '{CLIENT_SECRET}', and that this client may log in like this."
        ),
        ("invalid_grant", _) if refreshes => format!(
            "{vendor} refused the refresh token at step {step}: it has ended, or has been used by \
             somebody else. Access has to be allowed again."
        ),
        ("invalid_grant", Grant::Code) => format!(
            "{vendor} refused the authorization code at step {step}. It is good once and for a \
             short time, with the callback URL and the code verifier that its page was asked for \
             with: allow access again, and check configuration '{CALLBACK_URL}'."
        ),
        ("invalid_grant", Grant::Password) => {
            format!("{vendor} refused user name or password at step {step}. Check them.")
        }
        _ => return None,
    };
    Some((401, message))
}
