//! The signed assertion of a JWT bearer grant, RFC 7523: RS256 over a few claims.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value as Json};

use crate::configuration::Values;
use crate::element::Assertion;
use crate::ids::Secret;
use crate::language::Template;
use crate::oauth::Nonce;
use crate::request::BuildError;

/// `values` are effective ones; `now` in milliseconds since 1970.
pub(super) fn sign(
    assertion: &Assertion,
    values: &Values,
    (now, nonce): (i64, &Nonce),
) -> Result<Secret, BuildError> {
    let issued = now / 1000;
    let mut claims = Map::new();
    claims.insert("iss".into(), claim(&assertion.issuer, values)?);
    if let Some(subject) = &assertion.subject {
        claims.insert("sub".into(), claim(subject, values)?);
    }
    claims.insert("aud".into(), claim(&assertion.audience, values)?);
    if let Some(scope) = &assertion.scope {
        claims.insert("scope".into(), claim(scope, values)?);
    }
    claims.insert("iat".into(), issued.into());
    claims.insert(
        "exp".into(),
        (issued + i64::from(assertion.lifetime)).into(),
    );
    // Two of the same second would be the same text otherwise.
    if assertion.unique {
        claims.insert("jti".into(), URL_SAFE_NO_PAD.encode(nonce).into());
    }

    let entry = |message: String| BuildError::Entry {
        key: assertion.key.clone(),
        message,
    };
    let Some(pem) = values.get(&assertion.key) else {
        return Err(entry("is needed to log in".to_owned()));
    };
    let key = private_key(pem.reveal()).map_err(entry)?;
    let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(Json::Object(claims).to_string());
    let signed = format!("{head}.{body}");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| entry("cannot sign".to_owned()))?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(Secret::new(format!("{signed}.{signature}")))
}

fn claim(template: &Template, values: &Values) -> Result<Json, BuildError> {
    let rendered = template.render(values, |text| Ok(text.trim().to_owned()))?;
    rendered
        .map(|rendered| Json::from(rendered.text))
        .ok_or_else(|| {
            let absent = template.keys().find(|(key, _)| !values.contains_key(*key));
            BuildError::Entry {
                key: absent.map_or_else(String::new, |(key, _)| key.to_owned()),
                message: "is needed to log in".to_owned(),
            }
        })
}

/// From PEM, PKCS#8 or PKCS#1, as people paste it: line breaks may have become `\n` or blanks.
/// The message says what was pasted instead, and nothing of it.
fn private_key(text: &str) -> Result<RsaKeyPair, String> {
    const WANTED: &str = "must be an RSA private key in PEM form, from -----BEGIN … PRIVATE \
                          KEY----- to -----END … PRIVATE KEY-----";
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let Some((_, rest)) = text.split_once("-----BEGIN ") else {
        return Err(WANTED.to_owned());
    };
    let Some((label, rest)) = rest.split_once("-----") else {
        return Err(WANTED.to_owned());
    };
    if label.starts_with("ENCRYPTED") || rest.contains("Proc-Type") {
        return Err("is protected by a passphrase; give the private key without one".to_owned());
    }
    if label.contains("PUBLIC KEY") || label.contains("CERTIFICATE") {
        return Err(format!("is the public half ({label}); {WANTED}"));
    }
    if !matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY") {
        return Err(WANTED.to_owned());
    }
    let Some((body, _)) = rest.split_once(&format!("-----END {label}-----")) else {
        return Err(format!("is cut off: -----END {label}----- is missing"));
    };
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(body).map_err(|_| {
        "is damaged: what stands between its first and last line is no Base64".to_owned()
    })?;
    let pair = match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        _ => RsaKeyPair::from_pkcs8(&der),
    };
    pair.map_err(|rejected| match rejected.to_string().as_str() {
        "WrongAlgorithm" => "is no RSA key, which this log-in needs".to_owned(),
        "TooSmall" => "is too short an RSA key; make one of 2048 bits or more".to_owned(),
        "TooLarge" => "is too long an RSA key; make one of 4096 bits at most".to_owned(),
        _ => "is damaged: it is no valid RSA private key".to_owned(),
    })
}

#[cfg(test)]
mod tests;
