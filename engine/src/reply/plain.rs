//! What an answer means of which no rule of the definition says anything.

use super::Seen;
use crate::element::{Content, Element, Resource};

impl Seen<'_> {
    /// What no rule of the definition says: `(status, message)`.
    pub(super) fn plain_fault(&self, element: &Element, resource: &Resource) -> (u16, String) {
        let vendor = &element.name;
        let step = resource.step();
        let entry = element.host_entry(resource);
        let status = self.reply.status.as_u16();
        // Whoever makes a hub call has a request to look at, not only an instance.
        let called = resource.kind.answers_callers();
        match status {
            404 | 410 if called => (
                if status == 404 { 404 } else { 400 },
                format!("{vendor} found nothing at step {step}. Check the ids in the request."),
            ),
            200..=299 => {
                let what = match self.content {
                    Some(Content::Html) => "a web page",
                    Some(Content::Json | Content::Xml) => "something other than expected",
                    None if self.reply.body.is_empty() => "an empty body",
                    None => "something that cannot be read",
                };
                let message = format!(
                    "{vendor} answered step {step} with {what}. Check configuration '{entry}'; if it is right, the service has a problem."
                );
                (502, message)
            }
            100..=199 | 300..=399 => {
                let message = format!(
                    "{vendor} answered step {step} with status {status}, a redirect, which is never followed. Check configuration '{entry}'."
                );
                (502, message)
            }
            401 => (
                401,
                format!(
                    "{vendor} refused the credentials at step {step}. Check them and try again."
                ),
            ),
            403 => (
                403,
                format!(
                    "{vendor} does not allow step {step} with these credentials. Check the user's rights there."
                ),
            ),
            404 => (
                404,
                format!("{vendor} found nothing at step {step}. Check configuration '{entry}'."),
            ),
            429 => (
                429,
                format!(
                    "{vendor} allows no more calls for now (step {step}). Wait, then try again."
                ),
            ),
            405 | 406 | 409 | 415 => (
                status,
                format!("{vendor} refused step {step} with status {status}."),
            ),
            421 => (
                400,
                format!(
                    "{vendor} is not at the host that step {step} was sent to. Check configuration '{entry}'."
                ),
            ),
            400..=499 => (
                400,
                format!(
                    "{vendor} refused step {step} with status {status}. Check the {}.",
                    if called { "request" } else { "configuration" }
                ),
            ),
            _ => {
                let message = format!(
                    "{vendor} failed at step {step} with status {status}. Nothing is wrong with the request; try again later."
                );
                (502, message)
            }
        }
    }
}
