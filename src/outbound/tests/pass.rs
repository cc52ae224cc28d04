//! Calls that are handed through keep the same promises.

use http_body_util::BodyExt;

use super::vendor::{Authority, Vendor};
use super::*;
use crate::outbound::{Answer, Passing, Payload};

const HOST: &str = "crm.corp.example";

async fn pass(
    outbound: &Outbound,
    request: &VendorRequest,
    grants: &[Grant],
) -> Result<Answer, SendError> {
    let passing = Passing {
        request,
        target: "/kept//as%2Fit/is?x='y'",
        payload: Payload::Bytes(bytes::Bytes::new()),
    };
    outbound.pass(passing, &with_grants(grants)).await
}

#[tokio::test]
async fn names_that_lead_inside_are_refused() {
    let trap = Trap::start().await;
    for answer in [LOOPBACK, PRIVATE] {
        let names = NameServer::answering(&[&[answer]]);
        let request = get(HOST, trap.port());
        let outcome = pass(&names.outbound(), &request, &[]).await;
        assert!(refused_address(&outcome).is_some(), "{outcome:?}");
    }
    for host in ["169.254.169.254", "[::1]", "intranet"] {
        let names = NameServer::answering(&[&[PUBLIC]]);
        let request = get(host, trap.port());
        let outcome = pass(&names.outbound(), &request, &[]).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{outcome:?}");
        assert_eq!(names.asked(), 0);
    }
    for method in [Method::TRACE, Method::CONNECT] {
        let names = NameServer::answering(&[&[PUBLIC]]);
        let mut request = get(HOST, trap.port());
        request.method = method;
        let outcome = pass(&names.outbound(), &request, &[]).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{outcome:?}");
    }
    trap.assert_untouched().await;
}

/// By TLS, on one connection with the calls that are held.
#[tokio::test]
async fn a_granted_host_is_reached() {
    let authority = Authority::new();
    let vendor = Vendor::start(PRIVATE, HOST, &authority, true).await;
    let outbound = NameServer::answering(&[&[PRIVATE]]).outbound();
    let target = format!("{HOST}:{}", vendor.port);
    let grants = [Grant::parse(&target, Some(authority.pem())).expect("a grant")];
    let request = get(HOST, vendor.port);
    let mut answer = pass(&outbound, &request, &grants).await.expect("an answer");
    assert_eq!(answer.status, 200);
    // What was looked at comes again.
    let seen = answer.body.peek(1000).await.expect("a body");
    assert_eq!(seen.expect("a small one"), HOST);
    let body = answer.body.collect().await.expect("all of it").to_bytes();
    assert_eq!(body, HOST);

    let mut answer = pass(&outbound, &request, &grants).await.expect("an answer");
    assert_eq!(answer.body.peek(3).await.expect("a body"), None);
    let body = answer.body.collect().await.expect("all of it").to_bytes();
    assert_eq!(body, HOST);
    let held = outbound
        .send(get(HOST, vendor.port), &with_grants(&grants))
        .await;
    assert_eq!(held.expect("a reply").body, HOST);
    // What is handed through shares no connection with what is held.
    assert_eq!((vendor.connections(), vendor.requests()), (2, 3));
}
