//! Forms with files: which parts a vendor's form has, and what they are called there.

use std::borrow::Cow;

use super::{Caller, is_part};
use crate::element::{Element, Resource, Target};
use crate::request::{BuildError, Inputs, own_parts};

/// What a form is put together from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Names and texts that the caller's form does not bring.
    pub own: Vec<(String, String)>,
    /// Parts of the caller's form; others are left out.
    pub of_caller: Vec<PartOfCaller>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOfCaller {
    pub name: String,
    pub vendor_name: String,
    pub required: bool,
}

impl PartOfCaller {
    /// What the vendor calls a part of this name; `None`: it is another part. `more[*]` are all of
    /// `more[…]`.
    pub fn vendors(&self, name: &str) -> Option<Cow<'_, str>> {
        if self.name == name {
            return Some(Cow::Borrowed(&self.vendor_name));
        }
        let below = name.strip_prefix(self.name.strip_suffix("*]")?)?;
        let member = below.strip_suffix(']')?;
        let vendors = self.vendor_name.strip_suffix("*]")?;
        Some(Cow::Owned(format!("{vendors}{member}]")))
    }
}

impl Element {
    /// The resource that takes a form with files where `resource` is called.
    pub fn for_form<'a>(&'a self, resource: &'a Resource) -> &'a Resource {
        let other = resource.shape.form;
        let other = other.and_then(|other| self.resources.get(other));
        other.unwrap_or(resource)
    }

    /// Whether the vendor gets a form with files, and so must the caller send one.
    pub fn sends_parts(&self, resource: &Resource) -> bool {
        let mut parameters = self.parameters.iter().chain(&resource.parameters);
        parameters.any(is_part)
    }
}

/// The parts of the form that [`super::build`] makes no body for.
pub fn parts(
    element: &Element,
    resource: &Resource,
    inputs: &Inputs<'_>,
    caller: &Caller<'_>,
) -> Result<Parts, BuildError> {
    let parameters = element.parameters.iter().chain(&resource.parameters);
    let of_caller = parameters.filter(|parameter| is_part(parameter));
    let of_caller = of_caller.filter_map(|parameter| match &parameter.target {
        Target::Part(vendor_name) => Some(PartOfCaller {
            name: parameter.name.clone(),
            vendor_name: vendor_name.clone(),
            required: parameter.required,
        }),
        _ => None,
    });
    Ok(Parts {
        of_caller: of_caller.collect(),
        own: own_parts(element, resource, inputs, caller)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_get_the_vendors_names() {
        let part = |name: &str, vendor_name: &str| PartOfCaller {
            name: name.to_owned(),
            vendor_name: vendor_name.to_owned(),
            required: false,
        };
        let (file, more) = (part("file", "content[]"), part("more[*]", "custom[*]"));
        for (part, name, vendors) in [
            (&file, "file", Some("content[]")),
            (&file, "file[]", None),
            (&file, "files", None),
            (&more, "more[a]", Some("custom[a]")),
            (&more, "more[a][b]", Some("custom[a][b]")),
            (&more, "more[]", Some("custom[]")),
            (&more, "more", None),
            (&more, "more[a", None),
            (&more, "moreover[a]", None),
        ] {
            assert_eq!(part.vendors(name).as_deref(), vendors, "{name}");
        }
    }
}
