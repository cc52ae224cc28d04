//! Which call shows whether an instance's credentials work.

use http::Method;

use crate::element::shape::PathSegment;
use crate::element::{Element, Group, Resource, ResourceKind};

/// The call that the definition marks for it, else its resource `GET /ping`, else the check that
/// creating an instance makes. `None`: nobody can tell but by using it.
pub fn call<'a>(element: &'a Element, group: &Group) -> Option<&'a Resource> {
    let fitting = || {
        element
            .resources
            .iter()
            .filter(|resource| resource.groups.is_empty() || resource.groups.contains(&group.name))
    };
    let named = |resource: &&Resource| {
        resource.kind.answers_callers()
            && resource.method == Method::GET
            && matches!(resource.shape.path.as_slice(), [PathSegment::Literal(name)] if name == "ping")
    };
    let checks = |resource: &&Resource| resource.kind == ResourceKind::ProvisionAuthValidation;
    fitting()
        .find(|resource| resource.ping)
        .or_else(|| fitting().find(named))
        .or_else(|| fitting().find(checks))
}

/// The call that shows whether nothing but the credentials is wrong: the check that creating an
/// instance makes, else the call that is marked for it. `None`: there is none that would do nothing
/// else at the vendor.
pub fn check<'a>(element: &'a Element, group: &Group) -> Option<&'a Resource> {
    let checks = element.call(group, ResourceKind::ProvisionAuthValidation);
    let found = checks.or_else(|| call(element, group));
    found.filter(|resource| resource.once.is_none() && !element.has_hooks(resource))
}
