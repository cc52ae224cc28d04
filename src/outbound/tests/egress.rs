//! What the guard still refuses when a proxy would resolve the names.

use super::vendor::{Authority, Vendor};
use super::*;
use crate::ids::Secret;
use crate::meters;
use crate::outbound::Step;

const HOST: &str = "crm.corp.example";

fn by(proxy: &Trap) -> Option<EgressProxy> {
    let url = Secret::new(format!("http://127.0.0.1:{}", proxy.port()));
    Some(EgressProxy::parse(&url).expect("a proxy"))
}

#[tokio::test]
async fn the_proxy_does_not_hear_of_names_that_lead_inside() {
    let public: IpAddr = "8.8.8.8".parse().expect("an address");
    for answer in [&[PRIVATE][..], &[public, LOOPBACK]] {
        let proxy = Trap::start().await;
        let names = NameServer::answering(&[answer]);
        let outbound = names.outbound_by(by(&proxy));
        for _ in 0..2 {
            let outcome = outbound.send(get(HOST, 443), &with_grants(&[])).await;
            assert!(refused_address(&outcome).is_some(), "{outcome:?}");
        }
        // What is known of a name is known for a while.
        assert_eq!(names.asked(), 1);
        proxy.assert_untouched().await;
    }
}

#[tokio::test]
async fn literals_are_refused_and_counted() {
    let handle = meters::start();
    let proxy = Trap::start().await;
    let outbound = NameServer::answering(&[]).outbound_by(by(&proxy));
    for host in ["169.254.169.254", "[::1]", "intranet"] {
        let outcome = outbound.send(get(host, 443), &with_grants(&[])).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{outcome:?}");
    }
    proxy.assert_untouched().await;
    let figures = handle.render();
    for series in [
        "bunsen_guard_refusals_total{reason=\"literal\"}",
        "bunsen_vendor_calls_total{element=\"crmdesk\",outcome=\"refused\"}",
    ] {
        assert!(figures.contains(series), "{figures}");
    }
}

#[tokio::test]
async fn names_that_do_not_resolve_here_are_the_proxys() {
    let proxy = Trap::start().await;
    let outbound = NameServer::answering(&[]).outbound_by(by(&proxy));
    drop(proxy);
    let outcome = outbound.send(get(HOST, 443), &with_grants(&[])).await;
    match outcome {
        Err(SendError::NotSent {
            step: Step::Proxy,
            message,
        }) => assert!(message.contains("cannot be reached"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn granted_hosts_are_called_directly() {
    let authority = Authority::new();
    let vendor = Vendor::start(PRIVATE, HOST, &authority, true).await;
    let proxy = Trap::start().await;
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound_by(by(&proxy));
    let target = format!("{HOST}:{}", vendor.port);
    let grants = [Grant::parse(&target, Some(authority.pem())).expect("a grant")];
    let reply = outbound
        .send(get(HOST, vendor.port), &with_grants(&grants))
        .await
        .expect("a reply");
    assert_eq!(reply.body, HOST);
    proxy.assert_untouched().await;
}
