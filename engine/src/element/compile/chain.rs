//! Chains of resources: that they end, and that nobody is missing who would bring them something.

use super::Checker;
use crate::element::{CHAIN_LIMIT, Parameter, Resource, ResourceKind, Source, Target};

/// A chain ends, and within the limit.
pub(super) fn check(resources: &mut [Resource], checker: &mut Checker<'_>) {
    for start in 0..resources.len() {
        let place = format!("resources[{start}].nextResource");
        let mut seen = vec![start];
        let mut at = start;
        while let Some(next) = resources.get(at).and_then(|resource| resource.next) {
            if seen.contains(&next) {
                checker.wrong(place, "the chain comes back to itself");
                break;
            }
            seen.push(next);
            if seen.len() > CHAIN_LIMIT && checker.shipped {
                let message = format!("the chain is longer than {CHAIN_LIMIT} calls");
                checker.wrong(place, message);
                break;
            }
            at = next;
        }
        // An added definition is loaded all the same: whoever makes the call is told.
        if seen.len() > CHAIN_LIMIT
            && let Some(resource) = resources.get_mut(start)
        {
            resource.obstacle = Some(too_long());
        }
    }
}

/// Why a call is not made whose chain is longer than the limit.
pub(crate) fn too_long() -> String {
    format!("its chain is longer than {CHAIN_LIMIT} calls")
}

/// Nobody calls while an instance is made, so nothing can come from a caller's request.
pub(super) fn check_provisioning(
    resources: &[Resource],
    of_element: &[Parameter],
    checker: &mut Checker<'_>,
) {
    let mut run: Vec<usize> = Vec::new();
    for (index, resource) in resources.iter().enumerate() {
        let starts = matches!(
            resource.kind,
            ResourceKind::OnProvision | ResourceKind::ProvisionAuthValidation
        );
        let mut at = starts.then_some(index);
        while let Some(index) = at.filter(|index| !run.contains(index)) {
            run.push(index);
            at = resources.get(index).and_then(|resource| resource.next);
        }
    }
    for index in run {
        let Some(resource) = resources.get(index) else {
            continue;
        };
        let place = format!("resources[{index}]");
        let required = |parameter: &&Parameter| {
            matches!(parameter.source, Source::Caller | Source::Request(_))
                && (parameter.required || matches!(parameter.target, Target::Path(_)))
        };
        for parameter in of_element
            .iter()
            .chain(&resource.parameters)
            .filter(required)
        {
            let message = format!(
                "parameter {:?} comes from a caller, and there is none while an instance is made",
                parameter.name
            );
            checker.wrong(format!("{place}.parameters"), message);
        }
    }
}
