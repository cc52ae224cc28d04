//! One of the calls that a hub call is made of: how it is built, and what of its answer counts.

use std::cell::OnceCell;

use bunsen_engine::element::{HookKind, Resource};
use bunsen_engine::hub::{self, Caller, Given, Walk};
use bunsen_engine::reply::{Fault, VendorReply};
use bunsen_engine::request::{BuildError, Inputs, VendorRequest};
use serde_json::Value as Json;

use super::form::Form;
use super::{Content, List};
use crate::exchange::Asked;
use crate::ready::Ready;

/// One call that is to be made.
#[derive(Debug)]
pub enum Link<'l, 'a> {
    /// The next page of the vendor's that a list needs.
    Page(&'l mut Walk<'a>),
    One {
        resource: &'a Resource,
        nulls: bool,
        /// Its answer is the caller's.
        last: bool,
        /// What the caller sends, where that is a form with files.
        form: Option<&'l mut Form>,
    },
}

impl<'a> Link<'_, 'a> {
    pub(super) fn resource(&self) -> &'a Resource {
        match self {
            Self::Page(walk) => walk.called(),
            Self::One { resource, .. } => resource,
        }
    }

    pub(super) fn form(&mut self) -> Option<&mut Form> {
        match self {
            Self::One {
                form: Some(form), ..
            } => Some(form),
            _ => None,
        }
    }

    /// Its answer is a file for the caller.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::One { resource, last, .. } if *last && resource.shape.raw)
    }

    /// A file is held where the resource itself has a hook for it. The element's own, which run for
    /// everything, see status and headers.
    pub(super) fn asked(&self) -> Asked {
        let mut hooks = self.resource().hooks.iter();
        let seen = hooks.any(|hook| hook.kind == HookKind::PostRequest);
        match self.is_file() && !seen {
            true => Asked::File,
            false => Asked::Whole,
        }
    }

    pub(super) fn request(
        &self,
        ready: &Ready<'a>,
        inputs: &Inputs<'_>,
        caller: &Caller<'_>,
    ) -> Option<std::result::Result<VendorRequest, BuildError>> {
        let (element, group) = (ready.element, ready.group);
        match self {
            Self::Page(walk) => walk.request(group, inputs, caller),
            Self::One { resource, .. } => {
                Some(hub::build(element, group, resource, inputs, caller))
            }
        }
    }

    /// What of the answer counts, and the whole where it has become a tree on the way.
    pub(super) fn read(
        &mut self,
        ready: &Ready<'a>,
        inputs: &Inputs<'_>,
        reply: &VendorReply,
    ) -> std::result::Result<(Content, Option<Json>), Fault> {
        let (element, group) = (ready.element, ready.group);
        let (resource, nulls) = match self {
            Self::Page(walk) => {
                walk.accept(group, inputs, reply)?;
                return Ok((Content::Nothing, None));
            }
            Self::One {
                resource, nulls, ..
            } => (*resource, *nulls),
        };
        let json = OnceCell::new();
        let answer = hub::read(element, group, resource, inputs, reply, &json)?;
        // Of lists it is what is around them alone.
        let whole = answer.around.filter(|_| !resource.shape.is_list());
        let content = match answer.content {
            hub::Content::Nothing | hub::Content::Bytes(_) => Content::Nothing,
            hub::Content::One(record) => {
                let mut json = Vec::with_capacity(record.len());
                resource.shape.write(record, nulls, None, &mut json);
                Content::Record(json)
            }
            hub::Content::List(records) => Content::List(List {
                count: records.len(),
                json: resource.shape.write_list(records.into_iter(), nulls, None),
                total: None,
                next: None,
                filtered: None,
            }),
        };
        Ok((content, whole))
    }
}

/// The record with what the definition puts there.
pub(super) fn completed(content: Content, given: &Given) -> Content {
    match content {
        Content::Record(json) => Content::Record(given.complete(json)),
        Content::Nothing if given.has_fields() => Content::Record(given.complete(Vec::new())),
        content => content,
    }
}
