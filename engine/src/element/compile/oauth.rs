//! The words of OAuth, and the standard calls (RFC 6749, RFC 7009, RFC 5849) where a definition has
//! the reserved keys and no resources of its own: exports of the platform leave its own code out.

use http::Method;

use super::Checker;
use crate::element::definition::{
    AssertionWords, DefaultValue, ElementDefinition, GroupWords, OAuthWords,
};
use crate::element::oauth::{
    ACCESS_TOKEN, AUTHORIZATION_URL, Assertion, BASIC_HEADER, ClientAuthentication, Grant, OAuth,
    REFRESH_INTERVAL, REFRESH_TIME, REFRESH_TOKEN, REFRESH_URL, REQUEST_URL, REVOKE_URL, SCOPE,
    Signature, TOKEN_SECRET, TOKEN_URL,
};
use crate::element::{
    Authentication, Group, JsonType, Output, OutputFrom, Parameter, Resource, ResourceKind, Source,
    Target,
};
use crate::ids::ResourceId;
use crate::language::{AnswerPath, Placeholders, Template};

/// An assertion is good for an hour at most, and never for less than a slow call takes.
const LIFETIMES: std::ops::RangeInclusive<u32> = 60..=3600;

pub(super) fn oauth(words: &GroupWords, place: &str, checker: &mut Checker<'_>) -> Option<OAuth> {
    let place = format!("{place}.oauth");
    let words = words.oauth.as_ref()?;
    let assertion = words.assertion.as_ref();
    let grant = match words.grant.as_deref()? {
        "code" => Grant::Code,
        "clientCredentials" => Grant::ClientCredentials,
        "password" => Grant::Password,
        "oauth1" => Grant::OAuth1,
        "jwtBearer" => {
            let Some(words) = assertion else {
                checker.wrong(&place, "the grant jwtBearer needs an assertion");
                return None;
            };
            Grant::JwtBearer(Box::new(self::assertion(words, &place, checker)?))
        }
        _ => return None,
    };
    if assertion.is_some() && !matches!(grant, Grant::JwtBearer(_)) {
        let message = "only the grant jwtBearer sends one";
        checker.wrong(format!("{place}.assertion"), message);
    }
    if words.pkce.is_some() && !matches!(grant, Grant::Code) {
        checker.wrong(format!("{place}.pkce"), "only the grant code has one");
    }
    let issuer = words.issuer.as_deref();
    let issuer = issuer.and_then(|text| checker.template(&format!("{place}.issuer"), text));
    if issuer.is_some() && !matches!(grant, Grant::Code) {
        checker.wrong(format!("{place}.issuer"), "only the grant code has one");
    }
    Some(OAuth {
        issuer,
        pkce: words.pkce.is_some(),
        client: client(words, &grant),
        authorize: authorize(words, &place, checker),
        grant,
    })
}

fn client(words: &OAuthWords, grant: &Grant) -> ClientAuthentication {
    match (words.client.as_deref(), grant) {
        (Some("basic"), _) => ClientAuthentication::Basic,
        (Some("basicOrNone"), _) => ClientAuthentication::BasicOrNone,
        (Some("basicEncoded"), _) => ClientAuthentication::BasicEncoded,
        (Some("form"), _) => ClientAuthentication::Form,
        (Some(_), _) | (None, Grant::JwtBearer(_) | Grant::OAuth1) => ClientAuthentication::None,
        (None, _) => ClientAuthentication::Form,
    }
}

fn authorize(
    words: &OAuthWords,
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<(String, Template)> {
    let mut pairs = Vec::new();
    for (name, text) in &words.authorize {
        let template = checker.template(&format!("{place}.authorize.{name}"), text);
        pairs.extend(template.map(|template| (name.clone(), template)));
    }
    pairs
}

fn assertion(words: &AssertionWords, place: &str, checker: &mut Checker<'_>) -> Option<Assertion> {
    let place = format!("{place}.assertion");
    let mut part = |member: &str, text: &Option<String>| {
        checker.template(&format!("{place}.{member}"), text.as_deref()?)
    };
    let issuer = part("issuer", &words.issuer);
    let subject = part("subject", &words.subject);
    let audience = part("audience", &words.audience);
    let scope = part("scope", &words.scope);
    let lifetime = words.lifetime.unwrap_or(*LIFETIMES.end());
    if !LIFETIMES.contains(&lifetime) {
        let message = format!(
            "must be {} to {} seconds",
            LIFETIMES.start(),
            LIFETIMES.end()
        );
        checker.wrong(format!("{place}.lifetime"), message);
    }
    let key = words.key.clone()?;
    checker.known_key(&format!("{place}.key"), None, &key);
    if !checker.secrets.contains(&key) {
        let message = "the entry of a private key must be of type PASSWORD";
        checker.wrong(format!("{place}.key"), message);
    }
    Some(Assertion {
        issuer: issuer?,
        subject,
        audience: audience?,
        scope,
        lifetime,
        unique: words.unique,
        key,
    })
}

/// What a definition without our words means by an authentication type.
pub(super) fn of_platform(kind: &str, definition: &ElementDefinition) -> Option<OAuth> {
    let exchanges = |resource: &&crate::element::definition::ResourceDefinition| {
        resource.kind.as_deref() == Some("oauthOnTokenExchange")
    };
    let own = definition.resources.0.iter().find(exchanges);
    if own.is_none() && !has_entry(definition, TOKEN_URL) {
        return None;
    }
    let by_client = own.is_some_and(|resource| {
        let mut parameters = resource.parameters.0.iter();
        parameters.any(|parameter| parameter.name.as_deref() == Some("client_credentials"))
    });
    let grant = match kind {
        "oauth2" if by_client => Grant::ClientCredentials,
        "oauth2" => Grant::Code,
        "oauth2password" => Grant::Password,
        "oauth1" => Grant::OAuth1,
        _ => return None,
    };
    let basic = default_of(definition, BASIC_HEADER).is_some_and(|text| text == "true");
    Some(OAuth {
        client: match grant {
            Grant::OAuth1 => ClientAuthentication::None,
            _ if basic => ClientAuthentication::Basic,
            _ => ClientAuthentication::Form,
        },
        grant,
        pkce: false,
        issuer: None,
        authorize: Vec::new(),
    })
}

/// What its calls carry, unless the element's own parameters say where the token goes.
pub(super) fn authentication_of_platform(
    oauth: &OAuth,
    definition: &ElementDefinition,
) -> Option<Authentication> {
    if matches!(oauth.grant, Grant::OAuth1) {
        return Some(Authentication::OAuth1(Signature::HmacSha1));
    }
    let mut parameters = definition.parameters.0.iter();
    let said = parameters.any(|parameter| {
        let name = parameter.name.as_deref().unwrap_or_default();
        name.contains(ACCESS_TOKEN)
    });
    let bearer = Template::parse("Bearer {config.oauth.user.token}").ok()?;
    (!said).then(|| Authentication::Headers(vec![(http::header::AUTHORIZATION, bearer)]))
}

fn default_of<'a>(definition: &'a ElementDefinition, key: &str) -> Option<&'a str> {
    let mut entries = definition.configuration.0.iter();
    match &entries
        .find(|entry| entry.key.as_deref() == Some(key))?
        .default_value
    {
        DefaultValue::Text(text) => Some(text),
        _ => None,
    }
}

fn has_entry(definition: &ElementDefinition, key: &str) -> bool {
    let mut entries = definition.configuration.0.iter();
    entries.any(|entry| entry.key.as_deref() == Some(key) && entry.active != Some(false))
}

/// Adds the standard calls that a group's grant needs and the definition does not have.
pub(super) fn complete(
    definition: &ElementDefinition,
    groups: &[Group],
    resources: &mut Vec<Resource>,
) {
    let declared = resources.len();
    for group in groups {
        let Some(oauth) = &group.oauth else {
            continue;
        };
        let own = resources.get(..declared).unwrap_or_default();
        let has = |kind: ResourceKind| own.iter().any(|r| r.kind == kind && r.is_of(group));
        // A log-in that the definition's own calls make is not made twice.
        let logs_in = own.iter().any(|resource| {
            let gives = resource
                .outputs
                .iter()
                .any(|output| output.key == ACCESS_TOKEN);
            resource.kind != ResourceKind::OauthOnTokenRefresh && resource.is_of(group) && gives
        });
        let mut added = Vec::new();
        for kind in [
            ResourceKind::OauthOnTokenExchange,
            ResourceKind::OauthOnTokenRefresh,
            ResourceKind::OauthOnTokenRevoke,
            ResourceKind::OauthOnAuthorizeUrl,
            ResourceKind::OauthOnTokenRequest,
        ] {
            let twice = kind == ResourceKind::OauthOnTokenExchange && logs_in;
            if !has(kind) && !twice {
                added.extend(standard(kind, definition, group, oauth));
            }
        }
        resources.append(&mut added);
    }
}

fn standard(
    kind: ResourceKind,
    definition: &ElementDefinition,
    group: &Group,
    oauth: &OAuth,
) -> Option<Resource> {
    let url = match kind {
        ResourceKind::OauthOnTokenRefresh if has_entry(definition, REFRESH_URL) => REFRESH_URL,
        ResourceKind::OauthOnTokenExchange | ResourceKind::OauthOnTokenRefresh => TOKEN_URL,
        ResourceKind::OauthOnTokenRevoke => REVOKE_URL,
        ResourceKind::OauthOnAuthorizeUrl => AUTHORIZATION_URL,
        ResourceKind::OauthOnTokenRequest => REQUEST_URL,
        _ => return None,
    };
    if !has_entry(definition, url) {
        return None;
    }
    let one = matches!(oauth.grant, Grant::OAuth1);
    let (step, path, parameters) = match kind {
        ResourceKind::OauthOnTokenExchange if one => {
            ("exchange of the token", "/oauth-token-exchange", Vec::new())
        }
        ResourceKind::OauthOnTokenExchange => (
            "log-in",
            "/oauth-token-exchange",
            exchange(definition, oauth),
        ),
        ResourceKind::OauthOnTokenRefresh
            if matches!(oauth.grant, Grant::Code | Grant::Password) =>
        {
            let mut parameters = vec![
                form("grant_type", literal("refresh_token")),
                required(form("refresh_token", Source::Caller)),
            ];
            parameters.extend(client_parameters(oauth));
            ("renewal of the token", "/oauth-token-refresh", parameters)
        }
        ResourceKind::OauthOnTokenRevoke if !one => {
            let token = |key: &str| form("token", Source::Configuration(key.to_owned()));
            // With the refresh token the others of its grant end, which RFC 7009 asks of vendors.
            // The one that comes last wins.
            let mut parameters = vec![token(ACCESS_TOKEN), token(REFRESH_TOKEN)];
            parameters.extend(client_parameters(oauth));
            ("end of the token", "/oauth-token-revoke", parameters)
        }
        ResourceKind::OauthOnAuthorizeUrl if one => {
            let token = query("oauth_token", Source::Caller);
            (
                "the vendor's page",
                "/oauth-authorize",
                vec![required(token)],
            )
        }
        ResourceKind::OauthOnAuthorizeUrl if matches!(oauth.grant, Grant::Code) => (
            "the vendor's page",
            "/oauth-authorize",
            page(definition, oauth),
        ),
        ResourceKind::OauthOnTokenRequest if one => {
            ("request for a token", "/oauth-token-request", Vec::new())
        }
        _ => return None,
    };
    let get = kind == ResourceKind::OauthOnAuthorizeUrl;
    let method = if get { Method::GET } else { Method::POST };
    Some(Resource {
        id: ResourceId(0),
        kind,
        method: method.clone(),
        path: path.to_owned(),
        description: Some(step.to_owned()),
        vendor_method: method,
        vendor_path: Placeholders::parse_url(&format!("{{{url}}}")).ok()?,
        outputs: match kind {
            ResourceKind::OauthOnTokenExchange | ResourceKind::OauthOnTokenRequest if one => {
                outputs(&[
                    (ACCESS_TOKEN, "oauth_token", true),
                    (TOKEN_SECRET, "oauth_token_secret", true),
                ])
            }
            ResourceKind::OauthOnTokenExchange | ResourceKind::OauthOnTokenRefresh => {
                let mut outputs = outputs(&[
                    (ACCESS_TOKEN, "access_token", true),
                    (REFRESH_TOKEN, "refresh_token", false),
                    (REFRESH_INTERVAL, "expires_in", false),
                ]);
                outputs.push(Output {
                    key: REFRESH_TIME.to_owned(),
                    from: OutputFrom::Now,
                    required: true,
                });
                outputs
            }
            _ => Vec::new(),
        },
        handed: Vec::new(),
        gives: false,
        parameters,
        next: None,
        groups: vec![group.name.clone()],
        anonymous: true,
        once: None,
        repeatable: false,
        words: None,
        expect: None,
        faults: Vec::new(),
        shape: Default::default(),
        hooks: Vec::new(),
        ping: false,
        fields: None,
        described: Default::default(),
        obstacle: None,
    })
}

fn exchange(definition: &ElementDefinition, oauth: &OAuth) -> Vec<Parameter> {
    let configured = |name: &str, key: &str| form(name, Source::Configuration(key.to_owned()));
    let mut parameters = match oauth.grant {
        Grant::Code => vec![
            form("grant_type", literal("authorization_code")),
            required(form("code", Source::Caller)),
            form("redirect_uri", Source::Caller),
            form("code_verifier", Source::Caller),
        ],
        Grant::Password => vec![
            form("grant_type", literal("password")),
            required(configured("username", "username")),
            required(configured("password", "password")),
        ],
        Grant::ClientCredentials => vec![form("grant_type", literal("client_credentials"))],
        Grant::JwtBearer(_) => vec![
            form(
                "grant_type",
                literal("urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ),
            required(form("assertion", Source::Caller)),
        ],
        Grant::OAuth1 => Vec::new(),
    };
    let scoped = matches!(oauth.grant, Grant::Password | Grant::ClientCredentials);
    if scoped && has_entry(definition, SCOPE) {
        parameters.push(configured("scope", SCOPE));
    }
    parameters.extend(client_parameters(oauth));
    parameters
}

fn page(definition: &ElementDefinition, oauth: &OAuth) -> Vec<Parameter> {
    let mut parameters = vec![
        query("response_type", literal("code")),
        required(query("client_id", Source::Caller)),
        required(query("redirect_uri", Source::Caller)),
    ];
    if has_entry(definition, SCOPE) {
        parameters.push(query("scope", Source::Configuration(SCOPE.to_owned())));
    }
    // What was asked for with this page comes last and wins.
    parameters.push(query("scope", Source::Caller));
    parameters.push(query("state", Source::Caller));
    if oauth.pkce {
        parameters.push(required(query("code_challenge", Source::Caller)));
        parameters.push(query("code_challenge_method", literal("S256")));
    }
    let further = oauth.authorize.iter();
    parameters
        .extend(further.map(|(name, template)| query(name, Source::Literal(template.clone()))));
    parameters
}

fn client_parameters(oauth: &OAuth) -> Vec<Parameter> {
    let id = || required(form("client_id", Source::Caller));
    match oauth.client {
        ClientAuthentication::Basic
        | ClientAuthentication::BasicOrNone
        | ClientAuthentication::BasicEncoded => Vec::new(),
        ClientAuthentication::Form => vec![id(), form("client_secret", Source::Caller)],
        ClientAuthentication::None if matches!(oauth.grant, Grant::Code) => vec![id()],
        ClientAuthentication::None => Vec::new(),
    }
}

fn literal(text: &str) -> Source {
    Source::Literal(Template::parse_literal(text).unwrap_or_default())
}

fn form(name: &str, source: Source) -> Parameter {
    parameter(name, source, Target::Form(name.to_owned()))
}

fn query(name: &str, source: Source) -> Parameter {
    parameter(name, source, Target::Query(name.to_owned()))
}

fn parameter(name: &str, source: Source, target: Target) -> Parameter {
    Parameter {
        name: name.to_owned(),
        source,
        target,
        required: false,
        fill: None,
        vendor_type: JsonType::Text,
    }
}

fn required(parameter: Parameter) -> Parameter {
    Parameter {
        required: true,
        ..parameter
    }
}

fn outputs(listed: &[(&str, &str, bool)]) -> Vec<Output> {
    let outputs = listed.iter().filter_map(|(key, path, required)| {
        Some(Output {
            key: (*key).to_owned(),
            from: OutputFrom::Field(AnswerPath::parse(path).ok()?),
            required: *required,
        })
    });
    outputs.collect()
}
