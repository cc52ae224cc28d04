//! Forms with files: which parts a vendor's form has, and what they are called there.

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

impl Element {
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
