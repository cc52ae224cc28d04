//! XML as simulators read it: a small tree with resolved namespaces, made under limits.
//!
//! Document types are refused, so that nobody's entities are ever expanded.

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

const DEEPEST: usize = 64;
const MOST_ELEMENTS: usize = 100_000;
const LONGEST: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Element {
    pub namespace: Option<String>,
    pub name: String,
    pub attributes: Vec<Attribute>,
    pub children: Vec<Element>,
    /// The text directly inside, CDATA included, put together over comments and children.
    pub text: String,
}

#[derive(Debug)]
pub struct Attribute {
    pub namespace: Option<String>,
    pub name: String,
    pub value: String,
}

impl Element {
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace.as_deref() == Some(namespace) && self.name == name
    }

    pub fn child(&self, namespace: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    pub fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let wanted = |attribute: &&Attribute| {
            attribute.namespace.as_deref() == namespace && attribute.name == name
        };
        attributes.find(wanted).map(|found| found.value.as_str())
    }
}

/// The document's root. The error is for people.
pub fn parse(text: &str) -> Result<Element, String> {
    if text.len() > LONGEST {
        return Err(format!("longer than {LONGEST} bytes"));
    }
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    // The bottom stands for the document; the root becomes its only child.
    let mut open = vec![Element::default()];
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() > DEEPEST || elements > MOST_ELEMENTS {
                    return Err(String::from("too deep or too many elements"));
                }
                if open.len() == 1 && !open[0].children.is_empty() {
                    return Err(String::from("more than one root element"));
                }
                open.push(opened(&reader, &start)?);
            }
            Event::End(_) => {
                let (Some(closed), Some(parent)) = (open.pop(), open.last_mut()) else {
                    return Err(String::from("an end without a start"));
                };
                parent.children.push(closed);
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(sign)) => sign.to_string(),
                    Ok(None) => resolve_predefined_entity(&reference.xml10_content())
                        .ok_or("an entity that XML does not define")?
                        .to_owned(),
                    Err(error) => return Err(error.to_string()),
                };
                add_text(&mut open, &resolved)?;
            }
            Event::DocType(_) => return Err(String::from("a document type is not taken")),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if open.len() > 1 {
        return Err(String::from("an element is not closed"));
    }
    let root = open.pop().and_then(|mut document| document.children.pop());
    root.ok_or_else(|| String::from("no element at all"))
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    if open.len() == 1 {
        if text.trim().is_empty() {
            return Ok(());
        }
        return Err(String::from("text outside of the root element"));
    }
    if let Some(innermost) = open.last_mut() {
        innermost.text.push_str(text);
    }
    Ok(())
}

fn opened(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
    let resolver = reader.resolver();
    let (namespace, name) = resolver.resolve_element(start.name());
    let mut element = Element {
        namespace: bound(namespace)?,
        name: name.as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?
            .into_owned();
        let (namespace, name) = resolver.resolve_attribute(attribute.key);
        element.attributes.push(Attribute {
            namespace: bound(namespace)?,
            name: name.as_ref().to_owned(),
            value,
        });
    }
    Ok(element)
}

fn bound(namespace: ResolveResult<'_>) -> Result<Option<String>, String> {
    match namespace {
        ResolveResult::Bound(namespace) => Ok(Some(namespace.as_ref().to_owned())),
        ResolveResult::Unbound => Ok(None),
        ResolveResult::Unknown(prefix) => Err(format!("the prefix \"{prefix}\" is not declared")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_do_not_matter_and_namespaces_do() {
        for text in [
            r#"<a:x xmlns:a="urn:a"><a:y>1</a:y></a:x>"#,
            r#"<x xmlns="urn:a"><y>1</y></x>"#,
            "\u{feff}<?xml version=\"1.0\"?><!-- c -->\n<b:x xmlns:b='urn:a'><z:y xmlns:z='urn:a'>1</z:y></b:x>\n",
        ] {
            let root = parse(text).expect(text);
            assert!(root.is("urn:a", "x"), "{root:?}");
            let child = root.child("urn:a", "y").expect("a child");
            assert_eq!(child.text, "1");
        }
        let none = parse("<x><y xmlns='urn:a'/></x>").expect("a tree");
        assert_eq!(none.namespace, None);
        assert!(none.child("urn:a", "y").is_some() && none.child("urn:b", "y").is_none());
    }

    #[test]
    fn texts_are_unescaped_once() {
        let root =
            parse("<x a='&lt;1'>&lt;q&gt; &amp;amp; &#65;<![CDATA[<&amp;>]]><!-- no --></x>");
        let root = root.expect("a tree");
        assert_eq!(root.text, "<q> &amp; A<&amp;>");
        assert_eq!(root.attribute(None, "a"), Some("<1"));
        assert_eq!(root.attribute(Some("urn:a"), "a"), None);
    }

    #[test]
    fn what_is_no_plain_document_is_refused() {
        let deep = format!("{}{}", "<x>".repeat(65), "</x>".repeat(65));
        let many = format!("<x>{}</x>", "<y/>".repeat(MOST_ELEMENTS));
        for text in [
            "",
            "text",
            "<x>",
            "<x></y>",
            "</x>",
            "<x/><y/>",
            "<x/>text",
            "<p:x/>",
            "<x p:a='1'/>",
            "<x a='1' a='2'/>",
            "<x>&unknown;</x>",
            "<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>",
            deep.as_str(),
            many.as_str(),
        ] {
            let shown: String = text.chars().take(40).collect();
            assert!(parse(text).is_err(), "{shown}");
        }
        let fits = format!("{}{}", "<x>".repeat(64), "</x>".repeat(64));
        assert!(parse(&fits).is_ok());
    }
}
