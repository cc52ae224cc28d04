//! Which resource a caller's path means.

use std::borrow::Cow;

use http::Method;

use crate::element::catalog::edit_distance;
use crate::element::shape::{Named, PathSegment};
use crate::element::{Element, Group, Resource};

/// The resource, and what stands for the variables of its path.
#[derive(Debug)]
pub struct Route<'a> {
    pub resource: &'a Resource,
    pub values: Vec<(&'a str, String)>,
    /// Dotted names of members that a body may have and the vendor does not take.
    pub unsent: Cow<'a, [String]>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// No resource has this path.
    Path,
    /// Resources with this path have other verbs.
    Method(Vec<Method>),
    /// `%` with something else than two digits, or no text behind it.
    Encoding,
}

impl Element {
    /// `path` is as it was sent, with or without `/hubs/{hub}`; slashes too many are none.
    ///
    /// The path with most literal segments wins, then the one whose literals come first, so that
    /// `/objects` is not an object of that name. PUT finds a resource that has only PATCH, and the
    /// other way round.
    pub fn route(&self, group: &Group, method: &Method, path: &str) -> Result<Route<'_>, Lost> {
        let segments = segments(path).ok_or(Lost::Encoding)?;
        let called = self.called(group);
        let called: Vec<&Resource> = called
            .filter(|resource| fitting(resource, &segments).is_some())
            .collect();
        let by = |method: &Method| {
            let of_method = called.iter().filter(|resource| resource.method == *method);
            of_method.min_by_key(|resource| precedence(&resource.shape.path))
        };
        let other = match *method {
            Method::PUT => Some(Method::PATCH),
            Method::PATCH => Some(Method::PUT),
            _ => None,
        };
        let found = by(method).or_else(|| by(&other?));
        let Some(resource) = found else {
            let mut methods: Vec<Method> = called.iter().map(|r| r.method.clone()).collect();
            methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
            methods.dedup();
            return Err(match methods.is_empty() {
                true => Lost::Path,
                false => Lost::Method(methods),
            });
        };
        let named = fitting(resource, &segments).flatten().and_then(Named::name);
        let unsent = match named {
            Some(name) => Cow::Owned(Self::unsent_by(self.object(name), &resource.method)),
            None => Cow::Borrowed(resource.shape.unsent.as_slice()),
        };
        let pairs = resource.shape.path.iter().zip(segments);
        let values = pairs.filter_map(|(segment, text)| match segment {
            PathSegment::Variable(name) => Some((name.as_str(), text)),
            PathSegment::Literal(_) => None,
        });
        Ok(Route {
            resource,
            values: values.collect(),
            unsent,
        })
    }

    /// The path of a resource that was probably meant by one that no resource has.
    pub fn nearest_path(&self, group: &Group, path: &str) -> Option<&str> {
        let segments = segments(path)?;
        let paths = self.called(group).flat_map(|resource| {
            let own = std::iter::once((&resource.shape.path, &resource.path));
            let only = resource.shape.only.iter();
            own.chain(only.map(|only| (&only.segments, &only.path)))
        });
        let near = paths.filter_map(|(pattern, path)| {
            let distance = distance(pattern, &segments)?;
            Some((distance, path.as_str()))
        });
        near.min().map(|(_, path)| path)
    }

    /// Those that callers with these credentials may call.
    fn called(&self, group: &Group) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| {
            resource.kind.answers_callers()
                && (resource.groups.is_empty() || resource.groups.contains(&group.name))
        })
    }

    /// The calls that one call of `resource` is made of, in order.
    pub fn chain<'a>(&'a self, resource: &'a Resource) -> Vec<&'a Resource> {
        let chain = std::iter::successors(Some(resource), |link| {
            link.next.and_then(|next| self.resources.get(next))
        });
        chain.take(crate::element::CHAIN_LIMIT).collect()
    }
}

/// Decoded, without the hub.
fn segments(path: &str) -> Option<Vec<String>> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut ahead = segments.clone();
    if ahead.next() == Some("hubs") && ahead.next().is_some() && ahead.next().is_some() {
        segments.next();
        segments.next();
    }
    segments.map(decoded).collect()
}

/// Slips in the words of a path; `None`: too many to be one.
fn distance(pattern: &[PathSegment], segments: &[String]) -> Option<usize> {
    if pattern.len() != segments.len() {
        return None;
    }
    let (mut slips, mut letters) = (0, 0);
    for (wanted, text) in pattern.iter().zip(segments) {
        if let PathSegment::Literal(word) = wanted {
            slips += edit_distance(&text.to_lowercase(), &word.to_lowercase());
            letters += word.chars().count();
        }
    }
    (letters > 0 && slips <= letters.div_ceil(3)).then_some(slips)
}

/// Whether the resource has the path, and which of those that it stands for it is.
fn fitting<'a>(resource: &'a Resource, segments: &[String]) -> Option<Option<&'a Named>> {
    if !fits(&resource.shape.path, segments) {
        return None;
    }
    let mut only = resource.shape.only.iter();
    match only.find(|only| fits(&only.segments, segments)) {
        None if !resource.shape.only.is_empty() => None,
        found => Some(found),
    }
}

fn fits(pattern: &[PathSegment], segments: &[String]) -> bool {
    pattern.len() == segments.len()
        && pattern
            .iter()
            .zip(segments)
            .all(|(wanted, text)| match wanted {
                PathSegment::Literal(literal) => literal == text,
                PathSegment::Variable(_) => true,
            })
}

/// Smallest first.
fn precedence(pattern: &[PathSegment]) -> (usize, Vec<bool>) {
    let variable = |segment: &PathSegment| matches!(segment, PathSegment::Variable(_));
    let variables: Vec<bool> = pattern.iter().map(variable).collect();
    (variables.iter().filter(|is| **is).count(), variables)
}

/// A segment of a path; `None` when what is encoded is no text.
fn decoded(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
