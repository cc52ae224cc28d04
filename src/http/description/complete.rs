//! What follows from a route itself and is therefore said of every operation in one place: its
//! family, who may call, the names in its path, the headers and failures that all have.

use serde_json::{Map, Value, json};

use crate::http::{Access, Route};

/// Families of operations in the order of reading.
pub const FAMILIES: &[(&str, &str)] = &[
    (
        "Instances",
        "Authenticated connections to accounts at vendors.",
    ),
    (
        "Instances by token",
        "The same for the instance whose element token is in the header.",
    ),
    (
        "Passthrough",
        "The vendor's own API, with an instance's credentials.",
    ),
    (
        "Connect page",
        "Where people connect their accounts themselves.",
    ),
    (
        "Notifications",
        "What you are told, and where your application wants to hear of it.",
    ),
    (
        "Elements",
        "The catalogue: what each connector needs and can do.",
    ),
    ("Hubs", "Families of elements that are called alike."),
    (
        "Log-in",
        "Sessions for people, and the secrets behind them.",
    ),
    (
        "Organization",
        "Your organization, its accounts (your customers) and users.",
    ),
    (
        "Operations",
        "For load balancers and tools; need no credentials.",
    ),
    ("Pages", "For people's browsers."),
];

fn family(route: &Route) -> &'static str {
    let below = route.path.strip_prefix("/elements/api-v2/");
    let mut words = below.unwrap_or_default().split('/');
    match (route.access, words.next(), words.nth(1)) {
        (Access::Vendor, ..) => "Passthrough",
        (Access::Token, ..) => "Instances by token",
        (Access::Page | Access::Link, ..) => "Pages",
        (Access::Open, ..) => "Operations",
        (_, Some("connect"), _) | (_, Some("organizations"), Some("branding")) => "Connect page",
        (Access::Password | Access::Cookie, ..) | (_, Some("authentication"), _) => "Log-in",
        (_, Some("instances"), _) | (_, Some("elements"), Some("instances")) => "Instances",
        (_, Some("elements"), _) => "Elements",
        (_, Some("hubs"), _) => "Hubs",
        (_, Some("notifications"), _) => "Notifications",
        _ => "Organization",
    }
}

/// Failures that mean the same everywhere: status, name, description.
const FAILURES: &[(&str, &str, &str)] = &[
    (
        "400",
        "BadRequest",
        "A parameter or the body is wrong; `message` names it and says what to do.",
    ),
    (
        "401",
        "Unauthorized",
        "No, a malformed, an unknown or a mismatching secret. With `providerMessage`: the vendor refuses the credentials given for it.",
    ),
    (
        "406",
        "NotAcceptable",
        "The header `Accept` does not take JSON.",
    ),
    ("408", "Timeout", "The body did not arrive in time."),
    (
        "413",
        "TooLarge",
        "The body is larger than this server takes.",
    ),
    (
        "415",
        "UnsupportedType",
        "The body has a content type that this operation does not take.",
    ),
    (
        "500",
        "InternalError",
        "A fault of the server; it is in its log under the `requestId`.",
    ),
    (
        "503",
        "Unavailable",
        "The server is starting or stopping, or its database is out of reach; try again.",
    ),
];

/// The shared failures as components.
pub fn errors() -> Value {
    let named = FAILURES.iter().map(|(status, name, description)| {
        let mut answer = json!({"description": description});
        complete_answer(status, &mut answer);
        ((*name).to_owned(), answer)
    });
    Value::Object(named.collect())
}

/// An operation as its handler describes it.
pub struct Operation<'a> {
    route: &'a Route,
    /// Key of an element, for examples.
    element: &'a str,
    written: Value,
}

impl<'a> Operation<'a> {
    pub fn new(route: &'a Route, element: &'a str, written: Value) -> Self {
        Self {
            route,
            element,
            written,
        }
    }

    /// `all` are the operations of the same handler, by path and method.
    pub fn complete(mut self, all: &Value) -> Value {
        let both = !all[&self.route.path]["patch"].is_null();
        if self.route.access == Access::Vendor {
            self.name_method();
        } else if self.route.method == "PUT" && both {
            // One handler, two operations: people and generators must tell them apart.
            let id = self.written["operationId"].as_str().unwrap_or_default();
            let id = id.replacen("update", "replace", 1);
            let summary = self.written["summary"].as_str().unwrap_or_default();
            let summary = format!("{summary}, by PUT");
            self.written["operationId"] = json!(id);
            self.written["summary"] = json!(summary);
        }
        self.written["tags"] = json!([family(self.route)]);
        self.written["security"] = self.security();
        self.parameters();
        self.answers();
        self.written
    }

    /// One handler for all methods, and each an operation of its own.
    fn name_method(&mut self) {
        let method = self.route.method;
        let lower = method.to_ascii_lowercase();
        let id = self.written["operationId"].as_str().unwrap_or_default();
        let summary = self.written["summary"].as_str().unwrap_or_default();
        let (id, summary) = (
            format!("{id}By{}{}", &method[..1], &lower[1..]),
            format!("{summary} by {method}"),
        );
        self.written["operationId"] = json!(id);
        self.written["summary"] = json!(summary);
        if method != "GET" {
            self.written["description"] = json!("As by GET.");
        }
        if matches!(method, "POST" | "PUT" | "PATCH") {
            self.written["requestBody"] = json!({
                "description": "Whatever the vendor takes.", "content": {"*/*": {}},
            });
        }
    }

    fn security(&self) -> Value {
        match self.route.access {
            Access::Open | Access::Page | Access::Link | Access::Password => json!([]),
            Access::Optional => json!([{}, {"userAndOrganization": []}, {"session": []}]),
            Access::Platform => json!([{"userAndOrganization": []}, {"session": []}]),
            Access::Token | Access::Vendor => json!([{"userAndElement": []}]),
            Access::Cookie => json!([{"cookie": []}]),
        }
    }

    /// The names in the path, then what the handler says.
    fn parameters(&mut self) {
        let segments: Vec<&str> = self.route.path.split('/').collect();
        let mut parameters: Vec<Value> = segments
            .windows(2)
            .filter_map(|pair| {
                let name = pair[1].strip_prefix('{')?.strip_suffix('}')?;
                Some(self.path_parameter(pair[0], name))
            })
            .collect();
        if let Value::Array(written) = self.written["parameters"].take() {
            parameters.extend(written.into_iter().map(|mut parameter| {
                // It may be left out, but there is no way to send null.
                let kind = &mut parameter["schema"]["type"];
                if let Some(name) = kind.as_array().and_then(|kinds| kinds.first()) {
                    *kind = name.clone();
                }
                parameter
            }));
        }
        self.written["parameters"] = json!(parameters);
    }

    fn path_parameter(&self, before: &str, name: &str) -> Value {
        let text = json!({"type": "string"});
        let number = json!({"type": "integer", "format": "int64", "minimum": 1});
        let one = before.trim_end_matches('s');
        let (schema, example, description) = match (before, name) {
            (_, "keyOrId") => (
                text,
                json!(self.element),
                "Key or id of the element.".to_owned(),
            ),
            (_, "vendorPath") => (
                text,
                json!("users/me"),
                "All that follows, as the vendor's API names it.".to_owned(),
            ),
            (_, "hub") => (text, json!("crm"), "Key of the hub.".to_owned()),
            (_, "type") => (
                text,
                json!("oauth2"),
                "A way to log in, as `authentication-types` lists it.".to_owned(),
            ),
            (_, "emailOrId") => (
                text,
                json!("ann@example.com"),
                "E-mail address or id of the user.".to_owned(),
            ),
            (_, "picture") => (
                text,
                json!("provider.png"),
                "Name of the picture; ends in `.png`.".to_owned(),
            ),
            (_, "token") => (
                text,
                json!("Zm9yIG9uZSBwZXJzb24gYW5kIG9uZSBjb25uZWN0aW9u"),
                "Token of the link, as it was made.".to_owned(),
            ),
            (_, "configId") => (
                number,
                json!(4),
                "Id of the entry; the same on every instance of the element.".to_owned(),
            ),
            _ => (number, json!(12), format!("Id of the {one}.")),
        };
        json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": schema, "example": example,
        })
    }

    fn answers(&mut self) {
        let access = self.route.access;
        let has_body = self.written.get("requestBody").is_some();
        let parameters = self.written["parameters"].as_array().map_or(0, Vec::len);
        let with_database = !matches!(access, Access::Open | Access::Page);
        let vendors = access == Access::Vendor;
        if has_body && !vendors {
            self.written["requestBody"]["required"] = json!(true);
        }
        let common = |status: &str| match status {
            // Everything else is a page of its own.
            _ if access == Access::Link => matches!(status, "400" | "500"),
            "400" => has_body || parameters > 0,
            "401" => with_database && access != Access::Password,
            "406" => !matches!(access, Access::Page | Access::Cookie | Access::Vendor),
            "415" => has_body && !vendors,
            "408" | "413" => has_body,
            "503" => with_database,
            _ => true,
        };
        let pages = self.written["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["name"] == "nextPage"));
        let vendor_may_warn = self.route.method == "PATCH";
        let Some(answers) = self.written["responses"].as_object_mut() else {
            return;
        };
        for (status, name, _) in FAILURES.iter().filter(|(status, ..)| common(status)) {
            let shared = json!({"$ref": format!("#/components/responses/{name}")});
            answers.entry(*status).or_insert(shared);
        }
        for (status, answer) in answers {
            if answer.get("$ref").is_some() {
                continue;
            }
            complete_answer(status, answer);
            let content = &answer["content"]["application/json"]["schema"];
            let is_list = content["type"] == "array";
            let may_warn = content["$ref"] == "#/components/schemas/Instance" || vendor_may_warn;
            let headers = &mut answer["headers"];
            if status == "200" && is_list {
                headers["Elements-Returned-Count"] = header("ReturnedCount");
            }
            if status == "200" && pages {
                headers["Elements-Next-Page-Token"] = header("NextPageToken");
            }
            if status == "200" && may_warn {
                headers["Elements-Error"] = header("Warning");
            }
        }
    }
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// Headers of every answer, the body of every failure, and of a picture no schema.
fn complete_answer(status: &str, answer: &mut Value) {
    let mut headers = match answer["headers"].take() {
        Value::Object(headers) => headers,
        _ => Map::new(),
    };
    headers.insert("Elements-Request-Id".into(), header("RequestId"));
    headers.insert("Bunsen-Mode".into(), header("Mode"));
    if matches!(status, "409" | "429" | "502" | "503") {
        headers.insert("Retry-After".into(), header("RetryAfter"));
    }
    answer["headers"] = Value::Object(headers);
    let error = json!({"schema": {"$ref": "#/components/schemas/Error"}});
    if answer["content"].get("*/*").is_some() {
        // The vendor's, of which nothing is known.
        answer["content"] = json!({"*/*": {}});
        return;
    }
    match answer["content"].get("text/html").is_some() {
        // A page of its own, unless nobody came as far as making one.
        true if status == "400" => answer["content"]["application/json"] = error,
        false if status >= "400" => answer["content"] = json!({"application/json": error}),
        _ => {}
    }
    if let Some(picture) = answer.pointer_mut("/content/image~1png") {
        *picture = json!({});
    }
}
