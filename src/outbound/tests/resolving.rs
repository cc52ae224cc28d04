//! Names that lead where they must not, at once or the second time.

use super::vendor::{Authority, Vendor};
use super::*;
use crate::outbound::Step;

const HOST: &str = "crm.vendor.example";

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn a_name_that_leads_only_to_forbidden_addresses_is_refused_unseen() {
    let trap = Trap::start().await;
    let port = trap.port();
    for (answer, why) in [
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "this network"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("169.254.169.254", "cloud metadata"),
        ("10.0.0.1", "private network"),
        ("fd00::1", "private network"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
    ] {
        let names = NameServer::answering(&[&[address(answer), LOOPBACK]]);
        let outcome = names
            .outbound()
            .send(get(HOST, port), &with_grants(&[]))
            .await;
        assert_eq!(refused_address(&outcome), Some(why), "{answer}");
        assert_eq!(names.asked(), 1);
        let text = outcome.expect_err("refused").to_string();
        assert!(text.starts_with("crm.vendor.example resolves to"), "{text}");
        assert!(
            !text.contains(answer),
            "the address itself stays ours: {text}"
        );
    }
    trap.assert_untouched().await;
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_apart_from_a_refused_one() {
    for answers in [&[&[] as &[IpAddr]] as &[&[IpAddr]], &[]] {
        let names = NameServer::answering(answers);
        let outcome = names
            .outbound()
            .send(get(HOST, 8443), &with_grants(&[]))
            .await;
        let Err(
            error @ SendError::NotSent {
                step: Step::Resolve,
                ..
            },
        ) = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            error.to_string(),
            "crm.vendor.example does not resolve; check the host name"
        );
    }
}

#[tokio::test]
async fn forbidden_addresses_among_good_ones_are_passed_over() {
    let authority = Authority::new();
    let (listener, trap) = listener_and_trap(PRIVATE).await;
    let vendor = Vendor::on(listener, HOST, &authority, true);
    let names = NameServer::answering(&[&[
        LOOPBACK,
        address("::1"),
        address("169.254.169.254"),
        PRIVATE,
        LOOPBACK,
    ]]);
    let grants = [
        Grant::parse(&format!("{HOST}:{}", vendor.port), Some(authority.pem())).expect("a grant"),
    ];
    let reply = names
        .outbound()
        .send(get(HOST, vendor.port), &with_grants(&grants))
        .await
        .expect("a reply");
    assert_eq!(reply.body, HOST);
    assert_eq!(
        names.asked(),
        1,
        "what was checked is what was connected to"
    );
    trap.assert_untouched().await;
}

/// The first answer is public and passes, the second points at loopback: no connection follows
/// it, whether the question is asked for the same call or for the next one.
#[tokio::test]
async fn a_name_that_changes_its_mind_gets_no_connection() {
    let authority = Authority::new();
    let (listener, trap) = listener_and_trap(PUBLIC).await;
    let vendor = Vendor::on(listener, HOST, &authority, false);
    let names = NameServer::answering(&[&[PUBLIC], &[LOOPBACK]]);
    // The grant is there for its certificate authority; PUBLIC would not need it.
    let grants = [
        Grant::parse(&format!("{HOST}:{}", vendor.port), Some(authority.pem())).expect("a grant"),
    ];
    let outbound = names.outbound();
    let reply = outbound
        .send(get(HOST, vendor.port), &with_grants(&grants))
        .await
        .expect("a reply");
    assert_eq!(reply.body, HOST);
    assert_eq!(names.asked(), 1, "asked once for one connection");
    for asked in 2..=3 {
        let outcome = outbound
            .send(get(HOST, vendor.port), &with_grants(&grants))
            .await;
        assert_eq!(refused_address(&outcome), Some("loopback"), "{outcome:?}");
        assert_eq!(names.asked(), asked);
    }
    assert_eq!(vendor.connections(), 1);
    trap.assert_untouched().await;
}

#[tokio::test]
async fn a_certificate_that_nobody_known_vouches_for_ends_the_call() {
    let vendor = Vendor::start(PUBLIC, HOST, &Authority::new(), true).await;
    let names = NameServer::answering(&[&[PUBLIC]]);
    let outcome = names
        .outbound()
        .send(get(HOST, vendor.port), &with_grants(&[]))
        .await;
    let Err(
        error @ SendError::NotSent {
            step: Step::Tls, ..
        },
    ) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        error.to_string(),
        "no secure connection to crm.vendor.example: \
         its certificate is not from a known authority"
    );
    assert_eq!(vendor.requests(), 0);
}

/// More addresses than anybody needs are not all tried.
#[tokio::test]
async fn a_long_list_of_addresses_is_cut() {
    let many: Vec<IpAddr> = (1..=200)
        .map(|n| IpAddr::V4(Ipv4Addr::new(1, 1, 1, n)))
        .collect();
    let names = NameServer::answering(&[&many]);
    let mut resolver = names.resolver.clone();
    let found = tower::Service::call(&mut resolver, HOST.parse().expect("a name")).await;
    assert_eq!(
        found
            .map_err(|error| error.to_string())
            .expect("addresses")
            .count(),
        8
    );
}
