//! What an instance is asked about itself: whether its credentials work, and which fields its
//! objects have at the vendor.

use std::borrow::Cow;

use bunsen_engine::element::objects::Object;
use bunsen_engine::element::shape::PathSegment;
use bunsen_engine::element::{Element, Resource};
use bunsen_engine::hub::fields::{self, Shown};
use bunsen_engine::hub::{Caller, Route, Walk, ping};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::value::RawValue;

use super::calls::Calls;
use super::link::Link;
use super::{Called, Content, List, to_its_end, token_key, told};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId};
use crate::ready::Ready;

/// Pages of fields that are asked for.
const PAGES: usize = 20;
/// Fields of one page; the vendor may give fewer.
const PAGE_SIZE: &str = "1000";

/// Fields of an object, and what of them could not be had.
#[derive(Debug)]
pub struct Fields {
    pub fields: Vec<Shown>,
    pub notices: Vec<String>,
}

/// Makes the call that the definition has for it. An element without one is only as good as the last
/// call of its instance.
///
/// # Errors
/// As [`super::call`]; a disabled instance can be tried.
pub async fn try_credentials(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    called: &mut Called,
) -> Result<()> {
    let ready = Ready::even_disabled(app, organization, id).await?;
    let Some(resource) = ping::call(ready.element, ready.group) else {
        return Ok(());
    };
    if !ready.element.has_hooks(resource) {
        return tried(ready, resource, called).await;
    }
    let work = to_its_end(app, called, |app, mut called| async move {
        let tried = async {
            let ready = Ready::even_disabled(&app, organization, id).await?;
            match ping::call(ready.element, ready.group) {
                Some(resource) => tried(ready, resource, &mut called).await,
                None => Ok(()),
            }
        };
        let outcome = tried.await;
        (outcome, called)
    });
    Box::pin(work).await
}

async fn tried<'a>(ready: Ready<'a>, resource: &'a Resource, called: &mut Called) -> Result<()> {
    let headers = HeaderMap::new();
    let caller = nobody(resource, "", Vec::new(), &headers);
    caller.check(ready.element, resource).map_err(told)?;
    called.resource = format!("{} {}", resource.method, resource.path);
    let mut calls = Calls::new(ready, called).await?;
    calls.make(&mut link(resource), &caller).await?;
    Ok(())
}

/// The definition's fields of the object, with what the vendor says of them and what it has besides.
///
/// # Errors
/// As [`super::call`]. A vendor that keeps its list of fields from these credentials is no failure:
/// what the definition has is good without it.
pub async fn fields(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    (element, object): (&Element, &Object),
    called: &mut Called,
) -> Result<Fields> {
    let mut lists = object.discovery.iter();
    let hooked = |index: &usize| {
        let list = element.resources.get(*index);
        list.is_some_and(|list| element.has_hooks(list))
    };
    if !lists.any(hooked) {
        return found(app, organization, id, (element, object), called).await;
    }
    let (element, object) = (element.key.clone(), object.name.clone());
    let work = to_its_end(app, called, |app, mut called| async move {
        let lost = || Error::internal("the catalogue has changed");
        let found = async {
            let element = app.catalog().get(&element).ok_or_else(lost)?;
            let object = element.object(&object).ok_or_else(lost)?;
            found(&app, organization, id, (element, object), &mut called).await
        };
        let outcome = found.await;
        (outcome, called)
    });
    Box::pin(work).await
}

async fn found(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    (element, object): (&Element, &Object),
    called: &mut Called,
) -> Result<Fields> {
    let mut found = Fields {
        fields: fields::of(element, object),
        notices: Vec::new(),
    };
    if object.discovery.is_empty() {
        return Ok(found);
    }
    let ready = Ready::even_disabled(app, organization, id).await?;
    let (element, group) = (ready.element, ready.group);
    let lists = object.discovery.iter().filter_map(|index| {
        let resource = element.resources.get(*index)?;
        let fits = resource.groups.is_empty() || resource.groups.contains(&group.name);
        Some((resource, resource.fields.as_ref()?)).filter(|_| fits)
    });
    let lists: Vec<_> = lists.collect();
    let key = token_key(&ready, format!("{organization} {id}").as_bytes())?;
    let mut calls = Calls::new(ready, called).await?;
    for (resource, rule) in lists {
        if calls.are_used_up() {
            found.notices.push(cut_off(&object.name));
            break;
        }
        match items(&mut calls, resource, &object.vendor_name, &key).await {
            Ok(Items { items, whole }) => {
                if !whole {
                    found.notices.push(cut_off(&object.name));
                }
                let items = items.iter().map(|item| item.as_ref());
                fields::add(&mut found.fields, element, object, rule, items);
            }
            Err(Error::Vendor(failure)) if matches!(failure.status, 403 | 404) => {
                found.notices.push(format!(
                    "The vendor does not show its own fields to this instance: {}",
                    failure.message
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn cut_off(object: &str) -> String {
    format!(
        "The vendor's list of the fields of {object} is longer than one call reads; the rest is left \
         out."
    )
}

struct Items {
    items: Vec<Bytes>,
    /// Nothing is left out.
    whole: bool,
}

/// What the vendor lists, item by item.
async fn items<'a>(
    calls: &mut Calls<'a, '_>,
    resource: &'a Resource,
    object: &str,
    key: &bunsen_engine::hub::TokenKey,
) -> Result<Items> {
    let headers = HeaderMap::new();
    let element = calls.element();
    calls.names(resource);
    if !resource.shape.is_list() {
        let caller = nobody(resource, object, Vec::new(), &headers);
        caller.check(element, resource).map_err(told)?;
        let content = calls.make(&mut link(resource), &caller).await?;
        let items = match content {
            Some(Content::List(List { json, .. }) | Content::Record(json)) => inside(&json),
            _ => Vec::new(),
        };
        return Ok(Items { items, whole: true });
    }
    let mut items = Vec::new();
    let mut token = None;
    let mut room = calls.limits().bytes;
    for _ in 0..PAGES {
        let mut query = vec![("pageSize".to_owned(), PAGE_SIZE.to_owned())];
        query.extend(token.take().map(|token| ("nextPage".to_owned(), token)));
        let caller = nobody(resource, object, query, &headers);
        caller.check(element, resource).map_err(told)?;
        let walk = Walk::new(element, resource, calls.values(), &caller, key).map_err(told)?;
        let mut walk = walk.holding_at_most(room);
        while !calls.are_used_up()
            && calls
                .make(&mut Link::Page(&mut walk), &caller)
                .await?
                .is_some()
        {}
        room = room.saturating_sub(walk.held());
        let page = walk.finish(key).map_err(told)?;
        items.extend(page.records);
        token = page.next;
        if token.is_none() || room == 0 || calls.are_used_up() {
            break;
        }
    }
    Ok(Items {
        items,
        whole: token.is_none(),
    })
}

/// The items of a list, or the members of an object that names them.
fn inside(json: &[u8]) -> Vec<Bytes> {
    let copied = |items: Vec<&RawValue>| {
        let items = items.into_iter();
        items
            .map(|item| Bytes::copy_from_slice(item.get().as_bytes()))
            .collect()
    };
    if let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(json) {
        return copied(items);
    }
    let named = serde_json::from_slice::<std::collections::BTreeMap<String, &RawValue>>(json);
    copied(named.unwrap_or_default().into_values().collect())
}

fn link<'a>(resource: &'a Resource) -> Link<'a, 'a> {
    Link::One {
        resource,
        nulls: true,
        last: false,
        form: None,
    }
}

/// A call that we make ourselves; `object` is what a variable in the path stands for.
fn nobody<'a>(
    resource: &'a Resource,
    object: &str,
    query: Vec<(String, String)>,
    headers: &'a HeaderMap,
) -> Caller<'a> {
    let variables = resource
        .shape
        .path
        .iter()
        .filter_map(|segment| match segment {
            PathSegment::Variable(name) => Some((name.as_str(), object.to_owned())),
            PathSegment::Literal(_) => None,
        });
    let route = Route {
        resource,
        values: variables.collect(),
        unsent: Cow::default(),
    };
    Caller::new(route, query, headers, Bytes::new())
}
