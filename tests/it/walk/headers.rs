//! Headers that prove nobody.

use super::pair;
use crate::answer::{unknown_organization_secret, unknown_secret};
use crate::server::TestServer;

/// Each with what is wrong about it.
pub fn refused_headers(server: &TestServer) -> Vec<(&'static str, String)> {
    let (user, organization) = (&server.admin.user_secret, &server.admin.organization_secret);
    let (foreign_user, foreign_organization) = (
        &server.foreign.user_secret,
        &server.foreign.organization_secret,
    );
    vec![
        ("no pair at all", "nonsense".to_owned()),
        ("another scheme", "Basic dXNlcjpwYXNzd29yZA==".to_owned()),
        ("an unknown session", format!("Bearer {}", unknown_secret())),
        (
            "an unknown keyword",
            format!("User {user}, Company {organization}"),
        ),
        (
            "a keyword twice",
            format!("User {user}, User {user}, Organization {organization}"),
        ),
        (
            "a pair without secret",
            format!("User, Organization {organization}"),
        ),
        (
            "brackets left in place",
            pair(&format!("<{user}>"), organization),
        ),
        ("an unknown user", pair(&unknown_secret(), organization)),
        (
            "an unknown organization",
            pair(user, &unknown_organization_secret()),
        ),
        (
            "both unknown",
            pair(&unknown_secret(), &unknown_organization_secret()),
        ),
        (
            "the user in another organization",
            pair(user, foreign_organization),
        ),
        (
            "another organization's user",
            pair(foreign_user, organization),
        ),
        ("the secrets exchanged", pair(organization, user)),
        ("the user secret twice", pair(user, user)),
        (
            "a secret cut short",
            pair(&user[..user.len() - 1], organization),
        ),
        (
            "a secret with something behind it",
            pair(&format!("{user}="), organization),
        ),
        (
            "the organization in capitals",
            pair(user, &organization.to_uppercase()),
        ),
        ("a deactivated user", server.inactive.header()),
    ]
}
