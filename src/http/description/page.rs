//! The page: the document once more, for people. Plain HTML, one style, no script.

use askama::Template;
use html_escape::encode_text;
use pulldown_cmark::{Event, Parser, Tag, TagEnd, html};
use serde_json::Value;

use super::complete::FAMILIES;

/// The only style there is; the page's policy holds its hash.
pub const STYLE: &str = include_str!("style.css");

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    version: String,
    style: &'static str,
    guide: Vec<Section>,
    families: Vec<Family>,
    types: Vec<Type>,
}

struct Section {
    anchor: String,
    title: String,
    html: String,
}

struct Family {
    anchor: String,
    name: &'static str,
    description: &'static str,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    html: String,
    needs: &'static str,
    parameters: Vec<Member>,
    body: Option<Body>,
    answers: Vec<Answer>,
    curl: String,
}

/// A parameter, a header or a member of an object.
struct Member {
    name: String,
    place: String,
    kind: String,
    required: bool,
    html: String,
}

struct Body {
    kind: String,
    examples: Vec<Named>,
}

struct Named {
    name: String,
    json: String,
}

struct Answer {
    status: String,
    kind: String,
    headers: String,
    html: String,
}

struct Type {
    name: String,
    html: String,
    members: Vec<Member>,
    example: Option<String>,
}

pub fn render(document: &Value) -> String {
    let page = Page {
        version: text(&document["info"]["version"]),
        style: STYLE,
        guide: guide(&text(&document["info"]["description"])),
        families: families(document),
        types: types(document),
    };
    page.render().expect("writing to memory does not fail")
}

/// The sections of the guide, the part before the first heading first.
fn guide(markdown: &str) -> Vec<Section> {
    let parts = format!("\n## About\n\n{markdown}");
    let sections = parts.split("\n## ").skip(1).map(|part| {
        let (title, body) = part.split_once('\n').unwrap_or((part, ""));
        Section {
            anchor: anchor(title),
            title: title.to_owned(),
            html: prose(body),
        }
    });
    sections.collect()
}

fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// Our own Markdown as HTML. Where it is one paragraph, without its tags.
fn prose(markdown: &str) -> String {
    let events: Vec<Event<'_>> = Parser::new(markdown)
        .map(|event| match event {
            // Nobody writes HTML here; a placeholder in angle brackets is text.
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            other => other,
        })
        .collect();
    let paragraphs = events
        .iter()
        .filter(|event| matches!(event, Event::Start(_)))
        .count();
    let single = paragraphs == 1 && matches!(events.first(), Some(Event::Start(Tag::Paragraph)));
    let events = events.into_iter().filter(|event| {
        !(single
            && matches!(
                event,
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)
            ))
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn families(document: &Value) -> Vec<Family> {
    let mut families: Vec<Family> = FAMILIES
        .iter()
        .map(|(name, description)| Family {
            anchor: anchor(name),
            name,
            description,
            operations: Vec::new(),
        })
        .collect();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(written) = item.get(method) else {
                continue;
            };
            let family = families
                .iter_mut()
                .find(|family| written["tags"][0] == family.name);
            if let Some(family) = family {
                let operation = operation(document, path, method, written);
                family.operations.push(operation);
            }
        }
    }
    for family in &mut families {
        // What is a whole comes before its parts.
        family
            .operations
            .sort_by_key(|operation| operation.path.matches('/').count());
    }
    families
}

fn operation(document: &Value, path: &str, method: &str, written: &Value) -> Operation {
    let parameters = written["parameters"].as_array().into_iter().flatten();
    let answers = written["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&written["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&written["summary"]),
        html: prose(&text(&written["description"])),
        needs: needs(&written["security"]),
        parameters: parameters.map(parameter).collect(),
        body: written
            .get("requestBody")
            .map(|body| body_of(document, body)),
        // What all have in common is in the guide.
        answers: answers
            .filter(|(_, answer)| answer.get("$ref").is_none())
            .map(answer)
            .collect(),
        curl: encode_text(&curl(document, path, method, written)).into_owned(),
    }
}

fn needs(security: &Value) -> &'static str {
    let ways = security.as_array().map_or(&[][..], Vec::as_slice);
    let first = ways.first().and_then(Value::as_object);
    match first.and_then(|way| way.keys().next()).map(String::as_str) {
        Some("userAndOrganization") => "User and Organization, or Bearer",
        Some("userAndElement") => "User and Element",
        Some("cookie") => "the cookie of the log-in form",
        _ if ways.len() > 1 => "nothing, or User and Organization, or Bearer",
        _ => "nothing",
    }
}

fn parameter(written: &Value) -> Member {
    let told = |word: &str, value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!(" {word}: `{text}`"),
        other => format!(" {word}: `{other}`"),
    };
    let example = told("Example", &written["example"]);
    let default = told("Default", &written["schema"]["default"]);
    Member {
        name: text(&written["name"]),
        place: text(&written["in"]),
        kind: kind(&written["schema"]),
        required: written["required"] == true,
        html: prose(&format!(
            "{}{default}{example}",
            text(&written["description"])
        )),
    }
}

/// JSON as HTML; its quotes stay, which an attribute could not have.
fn shown(json: &Value) -> String {
    encode_text(&format!("{json:#}")).into_owned()
}

fn content(written: &Value) -> Option<(&String, &Value)> {
    written["content"].as_object()?.iter().next()
}

fn body_of(document: &Value, written: &Value) -> Body {
    let Some((_, content)) = content(written) else {
        return Body {
            kind: String::new(),
            examples: Vec::new(),
        };
    };
    let named = content["examples"].as_object().into_iter().flatten();
    let mut examples: Vec<Named> = named
        .map(|(_, example)| Named {
            name: text(&example["summary"]),
            json: shown(&example["value"]),
        })
        .collect();
    let own = example(document, &content["schema"]);
    if let Some(own) = own.filter(|_| examples.is_empty()) {
        examples.push(Named {
            name: "Example".to_owned(),
            json: shown(&own),
        });
    }
    Body {
        kind: kind(&content["schema"]),
        examples,
    }
}

/// The example of a type: its own, or put together from those of its members.
fn example(document: &Value, schema: &Value) -> Option<Value> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let schema = &document["components"]["schemas"][name];
    if let Some(own) = schema["examples"].get(0) {
        return Some(own.clone());
    }
    let members = schema["properties"].as_object()?.iter();
    let examples = members.filter_map(|(name, member)| {
        let example = member.get("example")?;
        Some((name.clone(), example.clone()))
    });
    Some(Value::Object(examples.collect())).filter(|all| all != &serde_json::json!({}))
}

fn answer((status, written): (&String, &Value)) -> Answer {
    let shared = ["Elements-Request-Id", "Bunsen-Mode"];
    let headers = written["headers"].as_object().into_iter().flatten();
    let headers: Vec<&str> = headers
        .map(|(name, _)| name.as_str())
        .filter(|name| !shared.contains(name))
        .collect();
    let failed = status.as_str() >= "400";
    let shown = content(written).filter(|_| !failed);
    Answer {
        status: status.clone(),
        kind: shown.map_or_else(String::new, |(media, content)| match media.as_str() {
            "application/json" => kind(&content["schema"]),
            media => media.to_owned(),
        }),
        headers: headers.join(", "),
        html: prose(&text(&written["description"])),
    }
}

/// The type in words, as HTML: only names of our own stand in it.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#type-{name}\">{name}</a>");
    }
    let (names, or_null): (Vec<&str>, bool) = match &schema["type"] {
        Value::String(name) => (vec![name], false),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let nullable = names.contains(&"null");
            let others = names.into_iter().filter(|name| *name != "null");
            (others.collect(), nullable)
        }
        _ => (Vec::new(), false),
    };
    if let Some(choices) = schema["oneOf"].as_array() {
        let kinds: Vec<String> = choices.iter().map(kind).collect();
        return kinds.join(" or ");
    }
    let words: Vec<String> = names
        .iter()
        .map(|name| match *name {
            "string" => match schema["format"].as_str() {
                Some("date-time") => "date and time".to_owned(),
                Some("date") => "date".to_owned(),
                _ => "text".to_owned(),
            },
            "integer" => "whole number".to_owned(),
            "array" => format!("list of {}", kind(&schema["items"])),
            "object" => match schema.get("additionalProperties") {
                Some(values) if values.is_object() => format!("object of {}", kind(values)),
                _ => "object".to_owned(),
            },
            other => other.to_owned(),
        })
        .collect();
    match (words.is_empty(), or_null) {
        (true, true) => "null".to_owned(),
        (true, false) => "anything".to_owned(),
        (false, true) => format!("{} or null", words.join(" or ")),
        (false, false) => words.join(" or "),
    }
}

fn types(document: &Value) -> Vec<Type> {
    let schemas = document["components"]["schemas"].as_object();
    let types = schemas.into_iter().flatten().map(|(name, schema)| {
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        let members = schema["properties"].as_object().into_iter().flatten();
        Type {
            name: name.clone(),
            html: prose(&text(&schema["description"])),
            members: members
                .map(|(name, member)| Member {
                    name: name.clone(),
                    place: String::new(),
                    kind: kind(member),
                    required: required.iter().any(|one| one == name),
                    html: prose(&text(&member["description"])),
                })
                .collect(),
            example: schema["examples"].get(0).map(shown),
        }
    });
    types.collect()
}

/// A line for a shell in which the guide's variables are set.
fn curl(document: &Value, path: &str, method: &str, written: &Value) -> String {
    let mut filled = path.to_owned();
    for parameter in written["parameters"].as_array().into_iter().flatten() {
        let example = match &parameter["example"] {
            Value::String(example) => example.clone(),
            example => example.to_string(),
        };
        filled = filled.replace(&format!("{{{}}}", text(&parameter["name"])), &example);
    }
    let mut line = match method {
        "get" => format!("curl \"$bunsen{filled}\""),
        "post" => format!("curl \"$bunsen{filled}\""),
        other => format!("curl -X {} \"$bunsen{filled}\"", other.to_uppercase()),
    };
    let needs = needs(&written["security"]);
    if needs.starts_with("User and Element") {
        line.push_str(" \\\n  -H \"Authorization: User $user, Element $element\"");
    } else if needs.starts_with("User") {
        line.push_str(" \\\n  -H \"Authorization: User $user, Organization $organization\"");
    } else if needs.contains("cookie") {
        line.push_str(" -b \"JSESSIONID=$session\"");
    }
    let body = written.get("requestBody");
    let Some((media, content)) = body.and_then(content) else {
        return line;
    };
    if media != "application/json" {
        line.push_str(" \\\n  --data-urlencode \"j_username=$address\" --data-urlencode \"j_password=$password\"");
        return line;
    }
    let named = content["examples"]
        .as_object()
        .and_then(|all| all.values().next());
    let body = match named {
        Some(example) => example["value"].clone(),
        None => example(document, &content["schema"]).unwrap_or_default(),
    };
    let body = body.to_string().replace('\'', "'\\''");
    line.push_str(&format!(
        " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    ));
    line
}
