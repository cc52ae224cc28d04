//! Grants open one host and port of a private network, for those who hold them, and nothing else.

use super::vendor::{Authority, Vendor};
use super::*;
use crate::outbound::Step;

const HOST: &str = "crm.corp.example";

fn grant(host: &str, port: u16, authority: Option<&Authority>) -> Grant {
    Grant::parse(&format!("{host}:{port}"), authority.map(Authority::pem)).expect("a grant")
}

fn tls_failure(outcome: Result<impl std::fmt::Debug, SendError>) -> String {
    match outcome {
        Err(SendError::NotSent {
            step: Step::Tls,
            message,
        }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_granted_host_is_reached_and_its_connection_is_kept() {
    let authority = Authority::new();
    let vendor = Vendor::start(PRIVATE, HOST, &authority, true).await;
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    for _ in 0..3 {
        // Read from the store for every call, so equal and not identical.
        let grants = [grant(HOST, vendor.port, Some(&authority))];
        let reply = outbound
            .send(get(HOST, vendor.port), &with_grants(&grants))
            .await
            .expect("a reply");
        assert_eq!(reply.body, HOST);
    }
    assert_eq!((vendor.connections(), vendor.requests()), (1, 3));
    assert_eq!(outbound.0.clients.granted_count(), 1);
}

/// A warm connection of one tenant's grant is there; nobody else may use it.
#[tokio::test]
async fn a_grant_is_of_no_use_to_anybody_else() {
    let authority = Authority::new();
    let vendor = Vendor::start(PRIVATE, HOST, &authority, true).await;
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    let own = [grant(HOST, vendor.port, Some(&authority))];
    let warm = outbound
        .send(get(HOST, vendor.port), &with_grants(&own))
        .await;
    warm.expect("a reply");

    let other_port = [grant(HOST, vendor.port ^ 1, Some(&authority))];
    let other_host = [grant("erp.corp.example", vendor.port, Some(&authority))];
    let below = [grant("corp.example", vendor.port, Some(&authority))];
    for (who, grants) in [
        ("a tenant without grants", &[] as &[Grant]),
        ("a tenant with another port", &other_port),
        ("a tenant with another host", &other_host),
        ("a tenant with the domain", &below),
    ] {
        let outcome = outbound
            .send(get(HOST, vendor.port), &with_grants(grants))
            .await;
        assert_eq!(refused_address(&outcome), Some("private network"), "{who}");
    }
    let sibling = get("erp.corp.example", vendor.port);
    let outcome = outbound.send(sibling, &with_grants(&own)).await;
    assert_eq!(refused_address(&outcome), Some("private network"));

    // The same host and port, granted to a tenant who trusts another authority or none.
    let stranger = Authority::new();
    for authority in [Some(&stranger), None] {
        let grants = [grant(HOST, vendor.port, authority)];
        let outcome = outbound
            .send(get(HOST, vendor.port), &with_grants(&grants))
            .await;
        assert!(tls_failure(outcome).contains("not from a known authority"));
    }
    assert_eq!(vendor.requests(), 1);
}

#[tokio::test]
async fn the_granted_authority_vouches_for_no_other_name() {
    let authority = Authority::new();
    let vendor = Vendor::start(PRIVATE, "other.corp.example", &authority, true).await;
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    let grants = [grant(HOST, vendor.port, Some(&authority))];
    let outcome = outbound
        .send(get(HOST, vendor.port), &with_grants(&grants))
        .await;
    assert!(tls_failure(outcome).contains("for another name"));

    // A host without a grant at a public address, with a certificate of that authority.
    let vendor = Vendor::start(PUBLIC, "other.corp.example", &authority, true).await;
    let outbound = NameServer::answering(&[&[PUBLIC]]).outbound();
    let outcome = outbound
        .send(
            get("other.corp.example", vendor.port),
            &with_grants(&grants),
        )
        .await;
    assert!(tls_failure(outcome).contains("not from a known authority"));
}

#[tokio::test]
async fn a_grant_does_not_open_loopback_or_metadata() {
    let trap = Trap::start().await;
    let port = trap.port();
    let grants = [grant(HOST, port, None)];
    for (answer, why) in [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("0.0.0.0", "this network"),
        ("::", "this network"),
        ("169.254.169.254", "cloud metadata"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fd00:ec2::254", "cloud metadata"),
        ("100.100.100.200", "cloud metadata"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
    ] {
        let names = NameServer::answering(&[&[answer.parse().expect("an address")]]);
        let outcome = names
            .outbound()
            .send(get(HOST, port), &with_grants(&grants))
            .await;
        assert_eq!(refused_address(&outcome), Some(why), "{answer}");
    }
    trap.assert_untouched().await;
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_fails_the_call_and_names_the_grant() {
    let grants = [Grant {
        host: HOST.into(),
        port: 8443,
        ca_pem: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".into()),
    }];
    let names = NameServer::answering(&[&[PRIVATE]]);
    let outcome = names
        .outbound()
        .send(get(HOST, 8443), &with_grants(&grants))
        .await;
    assert_eq!(
        tls_failure(outcome),
        "the certificate authority granted for crm.corp.example:8443 is not a PEM certificate"
    );
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn clients_of_grants_are_bounded() {
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    let clients = &outbound.0.clients;
    for port in 1..=400 {
        clients
            .granted(&grant(HOST, port, None))
            .await
            .expect("a client");
    }
    clients.settle().await;
    assert!(
        clients.granted_count() <= 256,
        "{}",
        clients.granted_count()
    );
}
