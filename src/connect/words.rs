//! What went wrong, for somebody who has never read our documentation: what happened, whether
//! anything was stored, what to do now.

use bunsen_engine::element::Element;
use bunsen_engine::reply::Blame;

use super::ways::called;
use crate::error::Error;

#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub title: String,
    pub text: String,
    /// Entries to correct, and how.
    pub fields: Vec<(String, String)>,
    /// The vendor's own words.
    pub said: Option<String>,
}

impl Told {
    /// One sentence for the application, which learns what it has to mend itself.
    pub fn sentence(&self, error: &Error) -> String {
        match error {
            Error::Vendor(failure) if failure.blame == Blame::Client => failure.message.clone(),
            _ => format!("{}. {}", self.title, self.text),
        }
    }
}

/// `element`: what was to be connected. `in_browser`: at the vendor's page, so that nothing was typed
/// here that could be wrong.
pub fn told(element: &Element, in_browser: bool, error: &Error) -> Told {
    let name = called(element);
    let mut told = Told {
        status: 400,
        title: String::new(),
        text: String::new(),
        fields: fields(element, error),
        said: None,
    };
    let (title, text) = match error {
        Error::Invalid(text) if told.fields.is_empty() => {
            ("This cannot be used".to_owned(), text.clone())
        }
        Error::Invalid(_) => (
            "Something needs to be corrected".to_owned(),
            "Look at the marked fields. Nothing has been stored.".to_owned(),
        ),
        Error::Vendor(failure) => {
            told.status = failure.status;
            told.said.clone_from(&failure.provider_message);
            match failure.status {
                // Nothing that a person can type or allow mends the application's own client.
                _ if in_browser && failure.blame == Blame::Client => not_set_up(name),
                400 | 401 if in_browser && told.fields.is_empty() => not_let_in(name),
                status => vendor(name, status, failure.retry_after.as_deref(), &told),
            }
        }
        Error::TooManyAttempts { retry_after } => {
            told.status = 429;
            (
                "Too many attempts".to_owned(),
                format!(
                    "To protect your account, wait {} before you try again.",
                    minutes(*retry_after)
                ),
            )
        }
        Error::InFlight { .. } => {
            told.status = 409;
            (
                "Still working on it".to_owned(),
                format!(
                    "Your first click is being handled: {name} has been asked and has not \
                         answered yet. Wait a moment, then try again."
                ),
            )
        }
        Error::OtherAccount(_) => {
            told.status = 409;
            (
                "This is another account".to_owned(),
                "Nothing has been changed.".to_owned(),
            )
        }
        Error::OverShare(_) => {
            told.status = 429;
            (
                "Very busy at the moment".to_owned(),
                "Nothing has been stored. Wait a moment, then try again.".to_owned(),
            )
        }
        Error::Conflict(_) => {
            told.status = 409;
            (
                "Somebody else was faster".to_owned(),
                "This connection is being changed by somebody else at the same time. Wait a moment, \
                 then try again."
                    .to_owned(),
            )
        }
        Error::NotFound(_) => {
            told.status = 404;
            (
                "This connection no longer exists".to_owned(),
                "It has been removed meanwhile. Go back to the application and start again."
                    .to_owned(),
            )
        }
        Error::Forbidden(text) => {
            told.status = 403;
            ("This is not allowed".to_owned(), text.clone())
        }
        Error::TooLarge { .. } => {
            told.status = 413;
            (
                "That is too much text".to_owned(),
                "One of the fields holds far more than it should. Nothing has been stored."
                    .to_owned(),
            )
        }
        _ => {
            told.status = 503;
            (
                "This does not work at the moment".to_owned(),
                "The trouble is on our side. Nothing has been stored; try again in a few minutes."
                    .to_owned(),
            )
        }
    };
    told.title = title;
    told.text = text;
    told
}

fn not_let_in(name: &str) -> (String, String) {
    (
        format!("{name} did not let us in"),
        "It did not accept what its own page had given. That happens when a step took too long. \
         Nothing has been stored; try again, and if it happens once more, tell whoever sent you here."
            .to_owned(),
    )
}

fn not_set_up(name: &str) -> (String, String) {
    (
        format!("This application is not set up right at {name}"),
        format!(
            "You have done nothing wrong: {name} does not accept the application itself. Nothing has \
             been stored. Tell whoever sent you here."
        ),
    )
}

fn vendor(name: &str, status: u16, retry_after: Option<&str>, told: &Told) -> (String, String) {
    match status {
        400 if !told.fields.is_empty() => (
            format!("{name} does not know this address"),
            "Look at the marked fields. Nothing has been stored.".to_owned(),
        ),
        400 => (
            format!("{name} cannot use these details"),
            "Check what you have entered. Nothing has been stored.".to_owned(),
        ),
        401 => (
            format!("{name} did not accept these details"),
            format!(
                "Check them for typing mistakes and enter them again, or sign in at {name} itself \
                 to see that they still work. Nothing has been stored."
            ),
        ),
        403 => (
            format!("{name} does not allow this"),
            format!(
                "Your details are right, but this account may not be used from outside. Ask whoever \
                 looks after your {name} account to allow API access for you."
            ),
        ),
        429 => (
            format!("{name} is busy"),
            format!(
                "It takes no more requests for this account at the moment. Wait {} and try again.",
                retry_after
                    .and_then(|text| text.trim().parse().ok())
                    .map_or_else(|| "a few minutes".to_owned(), minutes)
            ),
        ),
        _ => (
            format!("{name} cannot be reached"),
            "Either it has a problem of its own, or the address is not right. Nothing has been \
             stored; try again in a few minutes."
                .to_owned(),
        ),
    }
}

fn minutes(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        number => format!("{number} minutes"),
    }
}

/// Our errors name entries in quotes, as `configuration 'site': …`; messages never repeat values.
fn fields(element: &Element, error: &Error) -> Vec<(String, String)> {
    let (message, of_vendor) = match error {
        Error::Invalid(message) => (message.as_str(), false),
        Error::Vendor(failure) if failure.status == 400 => (failure.message.as_str(), true),
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for entry in &element.entries {
        let quoted = format!("'{}'", entry.key);
        let Some((_, rest)) = message.split_once(&quoted) else {
            continue;
        };
        if found.iter().any(|(key, _)| *key == entry.key) {
            continue;
        }
        let own = rest.strip_prefix(": ").unwrap_or_default();
        let own = own.split("; configuration '").next().unwrap_or_default();
        let text = match own {
            _ if of_vendor => format!("Check this: {} found nothing there.", called(element)),
            "" => "Check this.".to_owned(),
            own => sentence(own),
        };
        found.push((entry.key.clone(), text));
    }
    found
}

fn sentence(text: &str) -> String {
    let mut signs = text.chars();
    let Some(first) = signs.next() else {
        return String::new();
    };
    let end = if text.ends_with('.') { "" } else { "." };
    match text.split(' ').next() {
        Some("must" | "is" | "holds" | "still") => format!("This {text}{end}"),
        _ => format!("{}{}{end}", first.to_uppercase(), signs.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::VendorFailure;

    #[test]
    fn an_application_that_is_not_set_up_is_not_blamed_on_the_person() {
        let (catalog, _) = crate::elements::load(None).expect("the shipped elements");
        let element = catalog.iter().next().expect("an element");
        let refused = |blame| {
            Error::Vendor(Box::new(VendorFailure {
                status: 401,
                message: "The client is not known.".into(),
                provider_message: None,
                retry_after: None,
                blame,
            }))
        };
        let client = refused(Blame::Client);
        let page = told(element, true, &client);
        assert!(page.title.contains("not set up right"), "{page:?}");
        assert!(page.text.contains("Tell whoever sent you"), "{page:?}");
        assert_eq!(page.sentence(&client), "The client is not known.");
        let owner = refused(Blame::Owner);
        let page = told(element, true, &owner);
        assert!(page.title.contains("did not let us in"), "{page:?}");
        assert!(page.sentence(&owner).contains("did not let us in"));
    }
}
