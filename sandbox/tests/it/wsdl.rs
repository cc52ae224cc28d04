//! Autotask's calls and answers against the vendor's own descriptions of 1.5 and 1.6.
//!
//! The descriptions are not ours to copy: the folder that holds them is named by `BUNSEN_VENDOR_SPECS`. No deviation is
//! excused here; faults are SOAP's own and stand in no description.

use std::path::Path;

use http::Method;
use serde_json::json;

use crate::autotask::{
    CODE, NEUTRAL, SOAP, USER, ZONE, change, envelope, namespace, soap, text_of, tree,
};
use crate::client::{Reply, Running, start};
use crate::wsdl_description::{Description, only};
use crate::xml::{self, Element};

/// The one element in the body of an envelope.
fn content(envelope: &Element) -> &Element {
    assert!(envelope.is(SOAP, "Envelope"));
    let body = only(envelope, SOAP, "Body");
    assert_eq!(body.children.len(), 1);
    &body.children[0]
}

/// The official descriptions with the last digit of their versions, or nothing when they are not at hand.
fn descriptions() -> Option<Vec<(u8, Description)>> {
    let Some(folder) = std::env::var_os("BUNSEN_VENDOR_SPECS").filter(|folder| !folder.is_empty())
    else {
        eprintln!("skipped: BUNSEN_VENDOR_SPECS names no folder with the vendors' descriptions");
        return None;
    };
    let read = [5, 6].map(|version| {
        let path = Path::new(&folder).join(format!("autotask-atws-1.{version}.wsdl"));
        let text = std::fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (version, Description::read(&text))
    });
    Some(read.into())
}

#[tokio::test]
async fn every_operation_and_action_is_known() {
    let Some(descriptions) = descriptions() else {
        return;
    };
    let sandbox = start().await;
    for (version, description) in descriptions {
        assert_eq!(description.namespace, namespace(version));
        let path = description.address.split(".autotask.net").nth(1);
        assert_eq!(path, Some(crate::autotask::path(version).as_str()));
        assert_eq!(description.operations.len(), 14);
        for operation in &description.operations {
            let name = operation.action.strip_prefix(&namespace(version));
            assert_eq!(name, Some(operation.request.as_str()), "{operation:?}");
            // Only a zone look-up is without the header, and only it is open to strangers.
            let open = operation.request == "getZoneInfo";
            assert_eq!(operation.takes_header, !open);
            let body = envelope(version, &operation.request, "", None);
            let call = soap(&sandbox, ZONE, version, &operation.request, &body);
            let stranger = call.answer().await;
            assert_eq!(stranger.status == 401, !open, "{operation:?}");
            let body = envelope(version, &operation.request, "", Some(CODE));
            let call = soap(&sandbox, ZONE, version, &operation.request, &body);
            let reply = call.basic(USER, "password").answer().await;
            let answer = tree(&reply);
            if reply.status == 200 {
                assert_eq!(content(&answer).name, operation.answer);
            } else {
                let text = text_of(&answer, "faultstring");
                assert!(
                    text.ends_with(&format!("does not simulate {}", operation.request)),
                    "{text}"
                );
            }
        }
    }
}

/// A call with the seeded user: the request and the answer, which must both be as described.
async fn described(
    sandbox: &Running,
    description: &Description,
    version: u8,
    call: (&str, &str, &str),
) -> Reply {
    let (host, operation, inner) = call;
    let body = envelope(version, operation, inner, Some(CODE));
    let request = xml::parse(&body).expect("a request");
    let header = &only(&request, SOAP, "Header").children[0];
    let none: Vec<String> = Vec::new();
    assert_eq!(description.complaints(header), none);
    assert_eq!(description.complaints(content(&request)), none);
    let call = soap(sandbox, host, version, operation, &body).basic(USER, "password");
    let reply = call.answer().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = tree(&reply);
    assert_eq!(description.complaints(content(&answer)), none);
    reply
}

#[tokio::test]
async fn every_simulated_answer_is_as_described() {
    let Some(descriptions) = descriptions() else {
        return;
    };
    let query = |id: u32| {
        format!(
            "<sXML><![CDATA[<queryxml><entity>Account</entity><query><field>id<expression op=\"Equals\">{id}</expression></field></query></queryxml>]]></sXML>"
        )
    };
    let known = format!("<UserName>{USER}</UserName>");
    for (version, description) in descriptions {
        let sandbox = start().await;
        for call in [
            (NEUTRAL, "getZoneInfo", known.as_str()),
            (NEUTRAL, "getZoneInfo", "<UserName>nobody</UserName>"),
            (NEUTRAL, "getZoneInfo", ""),
            (ZONE, "getThresholdAndUsageInfo", ""),
            (ZONE, "query", &query(0)),
            (ZONE, "query", &query(1)),
            (ZONE, "query", "<sXML>nonsense</sXML>"),
            (ZONE, "query", ""),
        ] {
            described(&sandbox, &description, version, call).await;
        }
        // Every refusal that comes in the form of an answer.
        let check = (ZONE, "getThresholdAndUsageInfo", "");
        let refused = async |what: &str| {
            let reply = described(&sandbox, &description, version, check).await;
            assert_eq!(text_of(&tree(&reply), "ReturnCode"), "-1", "{what}");
        };
        let customer = "customers/30049";
        let user = format!("{customer}/users/{USER}");
        change(
            &sandbox,
            Method::PATCH,
            &user,
            json!({ "refusal": "no_permission" }),
        )
        .await;
        refused("no permission").await;
        change(&sandbox, Method::PATCH, &user, json!({ "refusal": null })).await;
        change(
            &sandbox,
            Method::PATCH,
            customer,
            json!({ "threshold": 0, "threshold_enforced": true }),
        )
        .await;
        refused("threshold").await;
        change(
            &sandbox,
            Method::PATCH,
            customer,
            json!({ "threshold_enforced": false }),
        )
        .await;
        sandbox
            .fault(json!({ "kind": "rate_limited", "count": 1 }))
            .await;
        refused("threads").await;
        if version == 6 {
            let code = format!("integration-codes/{CODE}");
            change(&sandbox, Method::PUT, &code, json!({ "locked": true })).await;
            refused("code").await;
        }
        let off = json!({ "v1_5": "refused", "v1_6": "refused" });
        for zone in ["zones/0", "zones/2"] {
            change(&sandbox, Method::PUT, zone, off.clone()).await;
        }
        refused("switched off").await;
        described(
            &sandbox,
            &description,
            version,
            (NEUTRAL, "getZoneInfo", known.as_str()),
        )
        .await;
    }
}
