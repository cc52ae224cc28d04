//! What a call brings that the instance's configuration keeps.

use super::{BuildError, Call, Inputs};
use crate::element::{Element, Group, Resource, Target};
use crate::hub::Caller;

/// By key; nothing where no parameter says so.
pub(crate) fn kept<'a>(
    element: &'a Element,
    group: &Group,
    resource: &'a Resource,
    inputs: &Inputs<'a>,
    caller: Option<&'a Caller<'a>>,
) -> Result<Vec<(String, String)>, BuildError> {
    let mut parameters = element.parameters.iter().chain(&resource.parameters);
    if !parameters.any(|parameter| matches!(parameter.target, Target::Configuration(_))) {
        return Ok(Vec::new());
    }
    let call = match caller {
        None => Call::new(element, group, resource, inputs),
        Some(caller) => Call::of_caller(element, resource, inputs, caller),
    };
    let mut kept = Vec::new();
    for parameter in call.parameters() {
        let Target::Configuration(key) = &parameter.target else {
            continue;
        };
        let resolved = call.resolve(parameter, |text| Ok(text.to_owned()))?;
        let text = resolved.map(|resolved| resolved.text());
        // The database's JSON has none.
        kept.extend(
            text.filter(|text| !text.contains('\0'))
                .map(|text| (key.clone(), text)),
        );
    }
    Ok(kept)
}
