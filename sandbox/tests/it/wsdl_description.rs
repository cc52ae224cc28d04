//! A reader of WSDL documents and the comparison of elements with what they describe: names, namespaces, order, number,
//! simple values.

use std::collections::BTreeMap;

use crate::xml::{self, Element};

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const BINDING: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// One `element` of a sequence.
#[derive(Debug, Clone)]
struct Particle {
    name: String,
    least: usize,
    most: usize,
    /// As written: `tns:…` or `s:…`; none for anything at all.
    kind: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Type {
    base: Option<String>,
    sequence: Vec<Particle>,
    values: Vec<String>,
}

#[derive(Debug)]
pub struct Operation {
    pub action: String,
    pub request: String,
    pub answer: String,
    pub takes_header: bool,
}

#[derive(Debug, Default)]
pub struct Description {
    pub namespace: String,
    pub address: String,
    types: BTreeMap<String, Type>,
    /// Global elements and the type of each; inline types are held under `element:{name}`.
    elements: BTreeMap<String, String>,
    pub operations: Vec<Operation>,
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn attribute<'a>(element: &'a Element, name: &str) -> &'a str {
    let value = element.attribute(None, name);
    value.unwrap_or_else(|| panic!("{} has no {name}", element.name))
}

fn children<'a>(
    parent: &'a Element,
    namespace: &'a str,
    name: &'a str,
) -> impl Iterator<Item = &'a Element> {
    let fits = move |child: &&Element| child.is(namespace, name);
    parent.children.iter().filter(fits)
}

pub fn only<'a>(parent: &'a Element, namespace: &'a str, name: &'a str) -> &'a Element {
    let child = parent.child(namespace, name);
    child.unwrap_or_else(|| panic!("{} has no {name}", parent.name))
}

impl Description {
    pub fn read(text: &str) -> Self {
        let root = xml::parse(text).expect("a description");
        let mut read = Self {
            namespace: attribute(&root, "targetNamespace").to_owned(),
            ..Self::default()
        };
        let types = root.child(WSDL, "types").expect("types");
        for schema in children(types, SCHEMA, "schema") {
            assert_eq!(attribute(schema, "targetNamespace"), read.namespace);
            assert_eq!(attribute(schema, "elementFormDefault"), "qualified");
            for item in &schema.children {
                read.add_type(item);
            }
        }
        read.add_operations(&root);
        read
    }

    fn add_type(&mut self, item: &Element) {
        let name = attribute(item, "name").to_owned();
        match item.name.as_str() {
            "complexType" => {
                self.types.insert(name, complex(item));
            }
            "simpleType" => {
                let restriction = only(item, SCHEMA, "restriction");
                let values = children(restriction, SCHEMA, "enumeration");
                let values = values.map(|value| attribute(value, "value").to_owned());
                let values = values.collect();
                self.types.insert(
                    name,
                    Type {
                        values,
                        ..Type::default()
                    },
                );
            }
            "element" => {
                let kind = match item.attribute(None, "type") {
                    Some(kind) => kind.to_owned(),
                    None => {
                        let own = format!("element:{name}");
                        let inline = only(item, SCHEMA, "complexType");
                        self.types.insert(own.clone(), complex(inline));
                        own
                    }
                };
                self.elements.insert(name, kind);
            }
            other => panic!("a schema with {other}"),
        }
    }

    fn add_operations(&mut self, root: &Element) {
        let messages: BTreeMap<&str, &str> = children(root, WSDL, "message")
            .map(|message| {
                let part = only(message, WSDL, "part");
                (
                    attribute(message, "name"),
                    local(attribute(part, "element")),
                )
            })
            .collect();
        let ports: BTreeMap<&str, &Element> =
            children(only(root, WSDL, "portType"), WSDL, "operation")
                .map(|operation| (attribute(operation, "name"), operation))
                .collect();
        for bound in children(only(root, WSDL, "binding"), WSDL, "operation") {
            let port = ports[attribute(bound, "name")];
            let element = |direction| {
                let message = attribute(only(port, WSDL, direction), "message");
                messages[local(message)].to_owned()
            };
            self.operations.push(Operation {
                action: attribute(only(bound, BINDING, "operation"), "soapAction").to_owned(),
                request: element("input"),
                answer: element("output"),
                takes_header: only(bound, WSDL, "input")
                    .child(BINDING, "header")
                    .is_some(),
            });
        }
        let port = only(only(root, WSDL, "service"), WSDL, "port");
        self.address = attribute(only(port, BINDING, "address"), "location").to_owned();
    }

    /// The particles of a type, those of its bases first.
    fn sequence(&self, name: &str) -> Vec<Particle> {
        let found = &self.types[name];
        let mut sequence = match &found.base {
            Some(base) => self.sequence(base),
            None => Vec::new(),
        };
        sequence.extend(found.sequence.clone());
        sequence
    }

    fn extends(&self, name: &str, base: &str) -> bool {
        name == base
            || self.types.get(name).is_some_and(|found| {
                found
                    .base
                    .as_deref()
                    .is_some_and(|own| self.extends(own, base))
            })
    }

    /// Everything that is wrong with a global element, as `path: what`.
    pub fn complaints(&self, element: &Element) -> Vec<String> {
        let mut complaints = Vec::new();
        match self.elements.get(&element.name) {
            Some(kind) if element.namespace.as_deref() == Some(&self.namespace) => {
                self.check(element, Some(kind), &element.name, &mut complaints);
            }
            _ => complaints.push(format!("{}: no such element", element.name)),
        }
        complaints
    }

    fn check(
        &self,
        element: &Element,
        kind: Option<&str>,
        path: &str,
        complaints: &mut Vec<String>,
    ) {
        let stated = element.attribute(Some(INSTANCE), "type");
        let Some(kind) = kind else {
            // A field of an entity: anything, so the answer must say what it is.
            match stated.and_then(|stated| stated.strip_prefix("xsd:")) {
                Some(simple) => simple_value(simple, &element.text, path, complaints),
                None => complaints.push(format!("{path}: says no xsi:type")),
            }
            return;
        };
        if let Some(simple) = kind.strip_prefix("s:") {
            simple_value(simple, &element.text, path, complaints);
            return;
        }
        let declared = kind.strip_prefix("tns:").unwrap_or(kind);
        let name = stated.unwrap_or(declared);
        if !self.extends(name, declared) {
            return complaints.push(format!("{path}: {name} is no {declared}"));
        }
        let values = &self.types[name].values;
        if !values.is_empty() {
            if !values.contains(&element.text) {
                complaints.push(format!(
                    "{path}: \"{}\" is none of {values:?}",
                    element.text
                ));
            }
            return;
        }
        if !element.text.trim().is_empty() {
            complaints.push(format!("{path}: text between elements"));
        }
        self.check_children(element, &self.sequence(name), path, complaints);
    }

    fn check_children(
        &self,
        element: &Element,
        sequence: &[Particle],
        path: &str,
        complaints: &mut Vec<String>,
    ) {
        let mut left = element.children.iter().peekable();
        for particle in sequence {
            let path = format!("{path}/{}", particle.name);
            let mut times = 0;
            while let Some(child) = left.next_if(|child| child.is(&self.namespace, &particle.name))
            {
                times += 1;
                self.check(child, particle.kind.as_deref(), &path, complaints);
            }
            if times < particle.least || times > particle.most {
                complaints.push(format!("{path}: {times} times"));
            }
        }
        for child in left {
            complaints.push(format!(
                "{path}/{}: unknown or in the wrong place",
                child.name
            ));
        }
    }
}

fn complex(item: &Element) -> Type {
    let extension = item
        .child(SCHEMA, "complexContent")
        .map(|content| only(content, SCHEMA, "extension"));
    let holder = extension.unwrap_or(item);
    let sequence = holder.child(SCHEMA, "sequence");
    let particles = sequence
        .into_iter()
        .flat_map(|list| children(list, SCHEMA, "element"));
    let occurs = |text: &str| text.parse().unwrap_or(usize::MAX);
    let sequence = particles.map(|particle| Particle {
        name: attribute(particle, "name").to_owned(),
        least: occurs(attribute(particle, "minOccurs")),
        most: occurs(attribute(particle, "maxOccurs")),
        kind: particle.attribute(None, "type").map(str::to_owned),
    });
    Type {
        base: extension.map(|extension| local(attribute(extension, "base")).to_owned()),
        sequence: sequence.collect(),
        values: Vec::new(),
    }
}

fn simple_value(kind: &str, text: &str, path: &str, complaints: &mut Vec<String>) {
    let fits = match kind {
        "string" => true,
        "int" => text.parse::<i32>().is_ok(),
        "long" => text.parse::<i64>().is_ok(),
        "boolean" => matches!(text, "true" | "false"),
        other => panic!("the test does not know {other} at {path}"),
    };
    if !fits {
        complaints.push(format!("{path}: \"{text}\" is no {kind}"));
    }
}

#[test]
fn the_comparison_sees_what_is_wrong() {
    let text = r#"<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:b="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
      <w:types><s:schema elementFormDefault="qualified" targetNamespace="urn:t">
        <s:element name="answer"><s:complexType><s:sequence>
          <s:element minOccurs="1" maxOccurs="1" name="number" type="s:int"/>
          <s:element minOccurs="0" maxOccurs="unbounded" name="thing" type="tns:Base"/>
          <s:element minOccurs="0" maxOccurs="1" name="state" type="tns:State"/>
        </s:sequence></s:complexType></s:element>
        <s:complexType name="Base"><s:sequence><s:element minOccurs="1" maxOccurs="1" name="id" type="s:long"/></s:sequence></s:complexType>
        <s:complexType name="Derived"><s:complexContent><s:extension base="tns:Base"><s:sequence><s:element minOccurs="0" maxOccurs="1" name="Any"/></s:sequence></s:extension></s:complexContent></s:complexType>
        <s:simpleType name="State"><s:restriction base="s:string"><s:enumeration value="On"/></s:restriction></s:simpleType>
      </s:schema></w:types>
      <w:portType/><w:binding/><w:service><w:port><b:address location="https://x.example/"/></w:port></w:service>
    </w:definitions>"#;
    let description = Description::read(text);
    let count = |inner: &str| {
        let text = format!("<answer xmlns='urn:t' xmlns:xsi='{INSTANCE}'>{inner}</answer>");
        description
            .complaints(&xml::parse(&text).expect("an answer"))
            .len()
    };
    let derived = "<thing xsi:type='Derived'><id>1</id><Any xsi:type='xsd:int'>1</Any></thing>";
    for good in [
        String::from("<number>1</number>"),
        format!("<number>1</number>{derived}{derived}<state>On</state>"),
        String::from("<number>1</number><thing><id>2</id></thing>"),
    ] {
        assert_eq!(count(&good), 0, "{good}");
    }
    for bad in [
        "",
        "<number>x</number>",
        "<number>1</number><number>1</number>",
        "<number>1</number><other/>",
        "<state>On</state><number>1</number>",
        "<number>1</number><state>Off</state>",
        "<number>1</number>text",
        "<number>1</number><thing/>",
        "<number>1</number><thing><id>1</id><Any xsi:type='xsd:int'>1</Any></thing>",
        "<number>1</number><thing xsi:type='State'>On</thing>",
        "<number>1</number><thing xsi:type='Derived'><Any xsi:type='xsd:int'>1</Any><id>1</id></thing>",
        "<number>1</number><thing xsi:type='Derived'><id>1</id><Any>1</Any></thing>",
        "<number>1</number><thing xsi:type='Derived'><id>1</id><Any xsi:type='xsd:int'>x</Any></thing>",
        "<number xmlns='urn:other'>1</number>",
    ] {
        assert_ne!(count(bad), 0, "{bad}");
    }
    let foreign = xml::parse("<answer xmlns='urn:other'/>").expect("an answer");
    assert_eq!(description.complaints(&foreign).len(), 1);
}
