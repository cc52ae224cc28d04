//! Forms as token calls and log-in pages send them, and queries, which look alike.

use url::form_urlencoded;

use crate::vendor::Call;

#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Nothing when the body is of another type.
    pub fn of(call: &Call) -> Option<Self> {
        let essence = call.header("content-type").unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim();
        let form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        form.then(|| Self::read(&call.body))
    }

    pub fn query(text: &str) -> Self {
        Self::read(text.as_bytes())
    }

    fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of a name; one that was sent empty counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a name, unless it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Name and value of everything, as sent.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}
