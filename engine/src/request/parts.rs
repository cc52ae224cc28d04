//! Forms with files, as far as they do not come from a caller.

use super::{BuildError, Call, Inputs};
use crate::element::{Element, Resource, Target};
use crate::hub::{Caller, is_part};

/// Parts of a form with files that do not come with the caller's own: names and texts.
pub(crate) fn own_parts(
    element: &Element,
    resource: &Resource,
    inputs: &Inputs<'_>,
    caller: &Caller<'_>,
) -> Result<Vec<(String, String)>, BuildError> {
    let call = Call::of_caller(element, resource, inputs, caller);
    let mut parts = Vec::new();
    for parameter in call.parameters() {
        let Target::Part(name) = &parameter.target else {
            continue;
        };
        if is_part(parameter) {
            continue;
        }
        if let Some(resolved) = call.resolve(parameter, |text| Ok(text.to_owned()))? {
            parts.push((name.clone(), resolved.text()));
        }
    }
    Ok(parts)
}
