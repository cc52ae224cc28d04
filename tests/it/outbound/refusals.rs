//! The corpus of hostile URLs, through the guard and through a whole call.

use bunsen::outbound::{Destination, Grant, SendError, check_url};
use bunsen_engine::element::HostRule;
use url::Url;

use super::server::Server;
use super::{get, outbound, routed_to};

struct Case {
    rule: String,
    /// Code of the expected reason, or `unparsable`.
    reason: String,
    url: String,
}

/// `PORT` in a URL stands for a port on which a listener waits in vain.
fn corpus(port: u16) -> Vec<Case> {
    let text = include_str!("../../corpus/hostile-urls.json");
    let rows: Vec<[String; 3]> = serde_json::from_str(text).expect("the corpus");
    assert!(rows.len() >= 80);
    rows.into_iter()
        .map(|[rule, reason, url]| Case {
            rule,
            reason,
            url: url.replace("PORT", &port.to_string()),
        })
        .collect()
}

struct Rules {
    suffix: HostRule,
    grants: Vec<Grant>,
}

impl Rules {
    fn new() -> Self {
        Self {
            suffix: HostRule::Suffixes(vec![".vendor.example".into()]),
            grants: vec![Grant::parse("crm.corp:444", None).expect("a grant")],
        }
    }

    fn destination(&self, rule: &str) -> Destination<'_> {
        match rule {
            "public" => Destination {
                element: "crmdesk",
                hosts: &HostRule::Public,
                grants: &[],
            },
            "suffix" => Destination {
                element: "crmdesk",
                hosts: &self.suffix,
                grants: &[],
            },
            "grant" => Destination {
                element: "crmdesk",
                hosts: &HostRule::Public,
                grants: &self.grants,
            },
            other => panic!("no rule {other:?}"),
        }
    }
}

#[test]
fn every_hostile_url_is_refused_for_its_reason() {
    let rules = Rules::new();
    for case in corpus(8443) {
        let reason = match Url::parse(&case.url) {
            Err(_) => "unparsable",
            Ok(url) => match check_url(&url, &rules.destination(&case.rule)) {
                Ok(()) => "allowed",
                Err(refusal) => refusal.reason.code(),
            },
        };
        assert_eq!(reason, case.reason, "{:?}", case.url);
    }
}

#[tokio::test]
async fn no_hostile_url_reaches_anything_with_or_without_routes() {
    let trap = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let sandbox = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let plain = outbound(Default::default());
    let routed = outbound(routed_to(&sandbox));
    let rules = Rules::new();
    for case in corpus(trap.port) {
        if case.reason == "unparsable" {
            continue;
        }
        for client in [&plain, &routed] {
            let request = get(&case.url);
            match client.send(request, &rules.destination(&case.rule)).await {
                Err(SendError::Refused(refusal)) => {
                    assert_eq!(refusal.reason.code(), case.reason, "{:?}", case.url);
                }
                other => panic!("{:?}: {other:?}", case.url),
            }
        }
    }
    assert_eq!(trap.connections(), 0);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn what_the_rules_allow_is_allowed() {
    let rules = Rules::new();
    for (rule, url) in [
        ("public", "https://crm.vendor.example/x?y=z"),
        ("public", "https://crm.vendor.example:443/"),
        ("public", "https://crm.vendor.example:8443/"),
        ("public", "https://crm.vendor.example:1024/"),
        ("public", "https://büro.vendor.example/"),
        ("public", "https://a_b.vendor.example/"),
        ("public", "https://3com.vendor.example/"),
        ("public", "https://1.2.3.4.vendor.example/"),
        ("suffix", "https://acme.vendor.example/"),
        ("suffix", "https://ACME.Vendor.Example/"),
        ("suffix", "https://eu.acme.vendor.example/"),
        ("suffix", "https://acme.vendor.example:443/"),
        ("grant", "https://crm.corp:444/"),
        ("grant", "https://CRM.corp:444/"),
        ("grant", "https://other.vendor.example/"),
    ] {
        let url = Url::parse(url).expect("a URL");
        assert_eq!(check_url(&url, &rules.destination(rule)), Ok(()), "{url}");
    }
}

#[test]
fn a_rule_without_a_dot_in_front_means_that_host_alone() {
    let exact = HostRule::Suffixes(vec!["api.vendor.example".into()]);
    let empty = HostRule::Suffixes(vec![String::new(), ".".into()]);
    let allows = |hosts, url| {
        let destination = Destination {
            element: "crmdesk",
            hosts,
            grants: &[],
        };
        check_url(&Url::parse(url).expect("a URL"), &destination).is_ok()
    };
    assert!(allows(&exact, "https://api.vendor.example/"));
    assert!(!allows(&exact, "https://a.api.vendor.example/"));
    assert!(!allows(&exact, "https://xapi.vendor.example/"));
    assert!(!allows(&empty, "https://api.vendor.example/"));
}

#[test]
fn a_refusal_shows_the_host_and_nothing_else_of_the_url() {
    for url in [
        "http://acme.vendor.example/marked-path?marked-query#marked-fragment",
        "https://marked-user:marked-word@acme.vendor.example/marked-path",
        "https://acme.vendor.example:22/marked-path?marked-query",
        "data:marked-data",
    ] {
        let refusal =
            check_url(&Url::parse(url).expect("a URL"), &super::PUBLIC).expect_err("hostile");
        for text in [refusal.to_string(), format!("{refusal:?}")] {
            assert!(!text.contains("marked"), "{text}");
        }
    }
}

#[test]
fn grants_are_checked_when_they_are_made() {
    assert!(
        Grant::parse("CRM.Corp.example:8443", None).is_ok_and(|grant| {
            grant.host == "crm.corp.example" && grant.port == 8443 && grant.ca_pem.is_none()
        })
    );
    for (target, expected) in [
        ("crm.corp.example", "HOST:PORT"),
        ("crm.corp.example:0", "1 to 65535"),
        ("crm.corp.example:x", "1 to 65535"),
        ("10.0.0.1:443", "is an address"),
        ("[fd00::1]:443", "is an address"),
        ("crm:443", "has no dot"),
        ("localhost:443", "local use"),
        ("a.localhost:443", "local use"),
        ("crm.corp.example.:443", "dot at its end"),
        ("*.corp.example:443", "not a valid host name"),
    ] {
        let wrong = Grant::parse(target, None).expect_err(target);
        assert!(wrong.contains(expected), "{target}: {wrong}");
    }
    let wrong = Grant::parse("crm.corp.example:443", Some("not PEM".into())).expect_err("no PEM");
    assert!(wrong.contains("is not a PEM certificate"), "{wrong}");
}

proptest::proptest! {
    /// Whatever stands where the host belongs: what passes is a full name and nothing else.
    #[test]
    fn only_full_names_pass(host in r"[a-z0-9.:@%\[\]\\/_\-\u{ff10}-\u{ff19}\u{3002}\u{ad}]{0,30}") {
        let Ok(url) = Url::parse(&format!("https://{host}")) else {
            return Ok(());
        };
        if check_url(&url, &super::PUBLIC).is_ok() {
            let host = url.host_str().expect("a host");
            let (front, last) = host.rsplit_once('.').expect("a dot");
            proptest::prop_assert!(!front.is_empty() && last.starts_with(char::is_alphabetic));
            proptest::prop_assert!(host.parse::<std::net::IpAddr>().is_err());
            proptest::prop_assert!(url.username().is_empty() && url.password().is_none());
        }
    }

    /// The plain reading of the rule, by labels, agrees with the one by text.
    #[test]
    fn a_suffix_matches_whole_labels_with_one_in_front(
        host in "[ab]{1,2}(\\.[ab]{1,2}){1,4}",
        domain in "[ab]{1,2}(\\.[ab]{1,2}){0,2}",
    ) {
        let hosts = HostRule::Suffixes(vec![format!(".{domain}")]);
        let destination = Destination { element: "crmdesk", hosts: &hosts, grants: &[] };
        let url = Url::parse(&format!("https://{host}/")).expect("a URL");
        let (labels, wanted): (Vec<&str>, Vec<&str>) =
            (host.split('.').collect(), domain.split('.').collect());
        let expected = labels.len() > wanted.len() && labels.ends_with(&wanted);
        proptest::prop_assert_eq!(check_url(&url, &destination).is_ok(), expected);
    }
}
