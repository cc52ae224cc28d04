//! What an answer gives to callers beside its records, and how resources are read.

use http::HeaderName;

use super::{Content, JsonType, OutputFrom, Resource};

/// Why built-in code of the platform is not called, in the platform's own words.
pub const BUILT_IN: &str = "This API is not currently supported for this element";

/// A part of a vendor's answer in a place of its own in ours.
#[derive(Debug)]
pub struct Handed {
    pub to: HandedTo,
    pub from: OutputFrom,
    /// What a text is in our record.
    pub kind: JsonType,
}

#[derive(Debug)]
pub enum HandedTo {
    Header(HeaderName),
    /// Names from the outside in.
    Field(Vec<String>),
}

impl Resource {
    /// Whether XML is an answer that is read, and not the page of somebody on the way.
    pub(crate) fn reads_xml(&self) -> bool {
        let expected = self.expect.as_ref().and_then(|expect| expect.content);
        self.shape.xml || expected == Some(Content::Xml)
    }

    /// Why callers cannot make it, if they cannot.
    pub(crate) fn refusal(&self, element_key: &str) -> Option<String> {
        let obstacle = self.obstacle.as_deref()?;
        Some(match obstacle {
            BUILT_IN => BUILT_IN.to_owned(),
            obstacle => format!(
                "The resource {} {} of element '{element_key}' is not supported here: {obstacle}.",
                self.method, self.path
            ),
        })
    }
}
