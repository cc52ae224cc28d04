//! Signatures of OAuth 1.0a, RFC 5849 section 3.4.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use ring::hmac;
use url::Url;

use crate::element::Signature;
use crate::language::percent_encode;

/// As it is sent in `oauth_signature_method`.
pub fn name(method: Signature) -> &'static str {
    match method {
        Signature::HmacSha1 => "HMAC-SHA1",
        Signature::HmacSha256 => "HMAC-SHA256",
        Signature::Plaintext => "PLAINTEXT",
    }
}

/// What is signed: method, address and every parameter, those of a form in `body` too.
pub fn base_string(method: &Method, url: &Url, own: &[(&str, String)], body: &[u8]) -> String {
    let query = url::form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
    let sent = query.chain(url::form_urlencoded::parse(body));
    let mut pairs: Vec<(String, String)> = sent
        .map(|(name, value)| (percent_encode(&name), percent_encode(&value)))
        .collect();
    let own = own.iter();
    pairs.extend(own.map(|(name, value)| (percent_encode(name), percent_encode(value))));
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    // The parser has taken a default port away and made scheme and host lower case already.
    let mut address = url.clone();
    address.set_query(None);
    address.set_fragment(None);
    format!(
        "{}&{}&{}",
        method.as_str(),
        percent_encode(address.as_str()),
        percent_encode(&pairs.join("&"))
    )
}

pub fn sign(method: Signature, base: &str, client_secret: &str, token_secret: &str) -> String {
    let key = format!(
        "{}&{}",
        percent_encode(client_secret),
        percent_encode(token_secret)
    );
    let algorithm = match method {
        Signature::Plaintext => return key,
        Signature::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Signature::HmacSha256 => hmac::HMAC_SHA256,
    };
    let key = hmac::Key::new(algorithm, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    }

    /// RFC 5849, section 3.4.1.1.
    #[test]
    fn the_base_string_of_the_standard() {
        let url =
            Url::parse("http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b").unwrap();
        let own = own(&[
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ]);
        assert_eq!(
            base_string(&Method::POST, &url, &own, b"c2&a3=2+q"),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D\
             %253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26\
             oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D\
             137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    /// RFC 5849, section 1.2: the token and the call to the photos.
    #[test]
    fn the_signatures_of_the_standard() {
        let token = own(&[
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "hh5s93j4hdidpola"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "walatlh"),
            ("oauth_verifier", "hfdp7dh39dks9884"),
        ]);
        let url = Url::parse("https://photos.example.net/token").unwrap();
        let base = base_string(&Method::POST, &url, &token, b"");
        assert_eq!(
            sign(
                Signature::HmacSha1,
                &base,
                "kd94hf93k423kf44",
                "hdhd0244k9j7ao03"
            ),
            "gKgrFCywp7rO0OXSjdot/IHF7IU="
        );
        let photos = own(&[
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ]);
        let url = "http://photos.example.net/photos?file=vacation.jpg&size=original";
        let base = base_string(&Method::GET, &Url::parse(url).unwrap(), &photos, b"");
        assert_eq!(
            sign(
                Signature::HmacSha1,
                &base,
                "kd94hf93k423kf44",
                "pfkkdhi9sl3r4s00"
            ),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I="
        );
        assert_eq!(sign(Signature::Plaintext, "", "a b", "c&d"), "a%20b&c%26d");
    }
}
