//! SOAP 1.1 envelopes: read from calls, and written as the vendor writes them.

use bytes::Bytes;
use http::StatusCode;
use quick_xml::escape::escape;

use crate::answer::{self, Answer};
use crate::xml::{self, Element};

pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// One of the two versions of the interface, which differ in path, namespace and header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1_5,
    V1_6,
}

impl Version {
    /// The version whose address a path is. The web server does not care about case.
    pub fn at(path: &str) -> Option<Self> {
        let versions = [Self::V1_5, Self::V1_6].into_iter();
        versions
            .clone()
            .find(|version| version.path().eq_ignore_ascii_case(path))
    }

    pub fn number(self) -> &'static str {
        match self {
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::V1_5 => "/ATServices/1.5/atws.asmx",
            Self::V1_6 => "/ATServices/1.6/atws.asmx",
        }
    }

    pub fn namespace(self) -> &'static str {
        match self {
            Self::V1_5 => "http://autotask.net/ATWS/v1_5/",
            Self::V1_6 => "http://autotask.net/ATWS/v1_6/",
        }
    }
}

/// What a call says: who integrates, and the one element in the body.
#[derive(Debug)]
pub struct Message {
    pub integration_code: Option<String>,
    pub request: Element,
}

/// Why an envelope is not read, in the words of a fault.
#[derive(Debug)]
pub struct Fault {
    pub code: &'static str,
    pub text: String,
}

impl Fault {
    /// The text after the arrow is unverified.
    pub fn unreadable(reason: &str) -> Self {
        let text = format!(
            "Server was unable to read request. ---> There is an error in XML document (1, 2). ---> {reason}"
        );
        Self {
            code: "Client",
            text,
        }
    }

    pub fn into_answer(self) -> Answer {
        let body = format!(
            "<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Body><soap:Fault><faultcode>soap:{}</faultcode><faultstring>{}</faultstring><detail/></soap:Fault></soap:Body></soap:Envelope>",
            self.code,
            escape(&self.text)
        );
        document(StatusCode::INTERNAL_SERVER_ERROR, &body)
    }
}

/// Reads an envelope whose body must hold the given element of the version's namespace.
pub fn read(body: &[u8], version: Version, wanted: &str) -> Result<Message, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| Fault::unreadable(&error.to_string()))?;
    let envelope = xml::parse(text).map_err(|error| Fault::unreadable(&error))?;
    if envelope.name == "Envelope" && !envelope.is(SOAP, "Envelope") {
        return Err(Fault {
            code: "VersionMismatch",
            text: String::from(
                "Possible SOAP version mismatch: the envelope is not one of SOAP 1.1.",
            ),
        });
    }
    if !envelope.is(SOAP, "Envelope") {
        return Err(Fault::unreadable("the root is no soap:Envelope"));
    }
    let namespace = version.namespace();
    let headers = envelope.child(SOAP, "Header");
    for block in headers.into_iter().flat_map(|header| &header.children) {
        let must = block.attribute(Some(SOAP), "mustUnderstand");
        if matches!(must, Some("1" | "true")) && !block.is(namespace, "AutotaskIntegrations") {
            return Err(Fault {
                code: "MustUnderstand",
                text: String::from("SOAP header was not understood."),
            });
        }
    }
    let integrations = headers.and_then(|header| header.child(namespace, "AutotaskIntegrations"));
    let code = integrations.and_then(|block| block.child(namespace, "IntegrationCode"));
    let integration_code = code
        .map(|code| code.text.trim().to_owned())
        .filter(|code| !code.is_empty());
    let mut bodies = envelope.children.into_iter();
    let body = bodies.find(|child| child.is(SOAP, "Body"));
    let body = body.ok_or_else(|| Fault::unreadable("there is no soap:Body"))?;
    let mut requests = body.children.into_iter();
    let request = requests.find(|child| child.is(namespace, wanted));
    let request = request.ok_or_else(|| {
        Fault::unreadable(&format!(
            "the body holds no {wanted} of the namespace {namespace}"
        ))
    })?;
    Ok(Message {
        integration_code,
        request,
    })
}

/// `<{operation}Response><{operation}Result>…`, the form of every answer.
pub fn result(version: Version, operation: &str, content: &str) -> Answer {
    let namespace = version.namespace();
    let body = format!(
        "<soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:xsi=\"{INSTANCE}\" xmlns:xsd=\"{SCHEMA}\"><soap:Body><{operation}Response xmlns=\"{namespace}\"><{operation}Result>{content}</{operation}Result></{operation}Response></soap:Body></soap:Envelope>"
    );
    document(StatusCode::OK, &body)
}

/// The members of an `ATWSResponse`, in the order of the description.
#[derive(Debug, Default)]
pub struct Response {
    pub entities: String,
    pub entity_type: String,
    pub errors: Vec<String>,
    pub return_infos: String,
}

impl Response {
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            errors: vec![message.into()],
            ..Self::default()
        }
    }

    pub fn written(&self) -> String {
        let code = if self.errors.is_empty() { 1 } else { -1 };
        let errors: String = self
            .errors
            .iter()
            .map(|message| format!("<ATWSError>{}</ATWSError>", element("Message", message)))
            .collect();
        [
            element("ReturnCode", &code.to_string()),
            holding("EntityResults", &self.entities),
            element("EntityResultType", &self.entity_type),
            holding("Errors", &errors),
            holding("EntityReturnInfoResults", &self.return_infos),
        ]
        .concat()
    }
}

/// An element with text.
pub fn element(name: &str, text: &str) -> String {
    holding(name, &escape(text))
}

/// An element with what is already written.
pub fn holding(name: &str, content: &str) -> String {
    if content.is_empty() {
        return format!("<{name}/>");
    }
    format!("<{name}>{content}</{name}>")
}

/// An entry of `EntityReturnInfoResults`; nothing was written and nothing is a duplicate.
pub fn return_info(entity_id: u64, message: Option<&str>) -> String {
    let message = message.map_or_else(String::new, |text| element("Message", text));
    format!(
        "<EntityReturnInfo><EntityId>{entity_id}</EntityId><DatabaseAction>None</DatabaseAction><DuplicateStatus><Found>false</Found><Ignored>false</Ignored></DuplicateStatus>{message}</EntityReturnInfo>"
    )
}

fn document(status: StatusCode, root: &str) -> Answer {
    let text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{root}");
    answer::typed(status, "text/xml; charset=utf-8", Bytes::from(text))
}
