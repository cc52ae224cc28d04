//! The calls of both API versions, as data: what they cost, the scopes that bearer tokens need, what they do.

use super::front::Outcome;
use super::resources::{
    ACTIVITY_RESOURCE as ACTIVITY, ACTIVITY_TYPE_RESOURCE as ACTIVITY_TYPE, DEAL_RESOURCE as DEAL,
    FILE_RESOURCE as FILE, FILTER_RESOURCE as FILTER, LEAD_RESOURCE as LEAD, NOTE_RESOURCE as NOTE,
    ORGANIZATION_RESOURCE as ORGANIZATION, PERSON_RESOURCE as PERSON,
    PIPELINE_RESOURCE as PIPELINE, PRODUCT_RESOURCE as PRODUCT, Resource, STAGE_RESOURCE as STAGE,
    THREAD_RESOURCE as THREAD, USER_RESOURCE as USER,
};
use super::visit::Visit;
use super::world::World;
use super::{authorizations, files, filters, metadata, rows, search, sublists, users};
use crate::routes::Route;
use crate::vendor::Call;

/// One call of the API.
pub enum Operation {
    /// A log-in.
    Open(fn(&mut World, &Call) -> Outcome),
    /// Needs a token: what it costs, the scopes of which a bearer token needs one, and what it does for a user of a company.
    Token(
        u64,
        &'static [&'static str],
        fn(&World, u64, u64) -> Outcome,
    ),
    /// Deals with records.
    Records(Data),
}

pub struct Data {
    pub cost: u64,
    pub scopes: &'static [&'static str],
    pub resource: &'static Resource,
    pub run: Run,
    /// Whether v2 replaces it, so that the vendor takes it away.
    pub retired: bool,
}

type Run = fn(&mut Visit<'_>) -> Outcome;

const fn data(
    cost: u64,
    scopes: &'static [&'static str],
    resource: &'static Resource,
    run: Run,
) -> Operation {
    let retired = false;
    Operation::Records(Data {
        cost,
        scopes,
        resource,
        run,
        retired,
    })
}

/// A call of v1 that v2 replaces.
const fn old(
    cost: u64,
    scopes: &'static [&'static str],
    resource: &'static Resource,
    run: Run,
) -> Operation {
    let retired = true;
    Operation::Records(Data {
        cost,
        scopes,
        resource,
        run,
        retired,
    })
}

const CONTACTS: &[&str] = &["contacts"];
const DEALS: &[&str] = &["deals"];
const PIPELINES: &[&str] = &["deals", "admin"];
const ACTIVITIES: &[&str] = &["activities"];
const PRODUCTS: &[&str] = &["products"];
const DEAL_PRODUCTS: &[&str] = &["products", "deals"];
const LEADS: &[&str] = &["leads"];
const NOTES: &[&str] = &["deals", "contacts"];
const FILES: &[&str] = &["deals", "activities", "contacts"];
const MAIL: &[&str] = &["mail"];
const READ_USERS: &[&str] = &["users:read"];
const ADMIN: &[&str] = &["admin"];
const TYPES: &[&str] = &["activities", "admin"];
const SEARCH: &[&str] = &["search:read"];
const SEARCH_CONTACTS: &[&str] = &["contacts", "search:read"];
const SEARCH_DEALS: &[&str] = &["deals", "search:read"];
const SEARCH_PRODUCTS: &[&str] = &["products", "search:read"];
const SEARCH_LEADS: &[&str] = &["leads", "search:read"];
const RECENTS: &[&str] = &["recents:read", "search:read"];
const CONTACT_FIELDS: &[&str] = &["contacts", "contact-fields", "admin"];
const DEAL_FIELDS: &[&str] = &["deals", "deal-fields", "admin"];
const PRODUCT_FIELDS: &[&str] = &["products", "product-fields", "admin"];

macro_rules! routes {
    ($($path:literal: $($method:literal $operation:expr),+;)+) => {
        &[$(Route { path: $path, methods: &[$(($method, $operation)),+] }),+]
    };
}

pub static V1: &[Route<Operation>] = routes! {
    "authorizations": "POST" Operation::Open(authorizations::create);
    "users/me": "GET" Operation::Token(2, &["base"], users::me);
    "users": "GET" data(20, READ_USERS, &USER, users::list), "POST" data(10, ADMIN, &USER, users::create);
    "users/find": "GET" data(40, READ_USERS, &USER, users::find);
    "users/{id}": "GET" data(2, READ_USERS, &USER, users::show), "PUT" data(10, ADMIN, &USER, users::update);
    "activities":
        "GET" old(20, ACTIVITIES, &ACTIVITY, rows::list), "POST" old(10, ACTIVITIES, &ACTIVITY, rows::create),
        "DELETE" old(10, ACTIVITIES, &ACTIVITY, rows::delete_many);
    "activities/{id}":
        "GET" old(2, ACTIVITIES, &ACTIVITY, rows::show), "PUT" old(10, ACTIVITIES, &ACTIVITY, rows::update),
        "DELETE" old(6, ACTIVITIES, &ACTIVITY, rows::delete);
    "activityFields": "GET" data(20, ACTIVITIES, &ACTIVITY, metadata::list);
    "activityTypes":
        "GET" data(20, TYPES, &ACTIVITY_TYPE, rows::list), "POST" data(10, ADMIN, &ACTIVITY_TYPE, rows::create),
        "DELETE" old(10, ADMIN, &ACTIVITY_TYPE, rows::delete_many);
    "activityTypes/{id}":
        "PUT" data(10, ADMIN, &ACTIVITY_TYPE, rows::update), "DELETE" data(6, ADMIN, &ACTIVITY_TYPE, rows::delete);
    "dealFields": "GET" data(20, DEAL_FIELDS, &DEAL, metadata::list), "POST" data(10, DEAL_FIELDS, &DEAL, metadata::create);
    "dealFields/{id}":
        "GET" data(2, DEAL_FIELDS, &DEAL, metadata::show), "PUT" data(10, DEAL_FIELDS, &DEAL, metadata::update),
        "DELETE" data(6, DEAL_FIELDS, &DEAL, metadata::delete);
    "deals":
        "GET" old(20, DEALS, &DEAL, rows::list), "POST" old(10, DEALS, &DEAL, rows::create),
        "DELETE" old(10, DEALS, &DEAL, rows::delete_many);
    "deals/search": "GET" old(40, SEARCH_DEALS, &DEAL, search::of_one);
    "deals/{id}":
        "GET" old(2, DEALS, &DEAL, rows::show), "PUT" old(10, DEALS, &DEAL, rows::update), "DELETE" old(6, DEALS, &DEAL, rows::delete);
    "deals/{id}/activities": "GET" old(20, ACTIVITIES, &DEAL, sublists::activities);
    "deals/{id}/files": "GET" data(20, DEALS, &DEAL, sublists::files);
    "deals/{id}/mailMessages": "GET" data(20, MAIL, &DEAL, sublists::mails);
    "deals/{id}/products":
        "GET" old(20, DEAL_PRODUCTS, &DEAL, sublists::products), "POST" old(10, DEAL_PRODUCTS, &DEAL, sublists::attach);
    "deals/{id}/products/{product_attachment_id}":
        "PUT" old(10, DEALS, &DEAL, sublists::change_attached), "DELETE" old(6, DEAL_PRODUCTS, &DEAL, sublists::detach);
    "files": "GET" data(20, FILES, &FILE, files::list), "POST" data(10, FILES, &FILE, files::create);
    "files/{id}":
        "GET" data(2, FILES, &FILE, files::show), "PUT" data(10, FILES, &FILE, files::update), "DELETE" data(6, FILES, &FILE, rows::delete);
    "files/{id}/download": "GET" data(20, FILES, &FILE, files::download);
    "filters":
        "GET" data(20, FILES, &FILTER, filters::list), "POST" data(10, FILES, &FILTER, filters::create),
        "DELETE" data(10, FILES, &FILTER, rows::delete_many);
    "filters/{id}":
        "GET" data(2, FILES, &FILTER, filters::show), "PUT" data(10, FILES, &FILTER, filters::update),
        "DELETE" data(6, FILES, &FILTER, rows::delete);
    "itemSearch": "GET" old(40, SEARCH, &DEAL, search::items);
    "leadFields": "GET" data(20, LEADS, &LEAD, metadata::list);
    "leads": "GET" data(20, LEADS, &LEAD, rows::list), "POST" data(10, LEADS, &LEAD, rows::create);
    "leads/search": "GET" data(40, SEARCH_LEADS, &LEAD, search::of_one);
    "leads/{id}":
        "GET" data(2, LEADS, &LEAD, rows::show), "PATCH" data(10, LEADS, &LEAD, rows::update), "DELETE" data(6, LEADS, &LEAD, rows::delete);
    "mailbox/mailThreads": "GET" data(20, MAIL, &THREAD, sublists::threads);
    "mailbox/mailThreads/{id}":
        "GET" data(20, MAIL, &THREAD, sublists::thread), "PUT" data(10, MAIL, &THREAD, sublists::update_thread),
        "DELETE" data(6, MAIL, &THREAD, sublists::delete_thread);
    "noteFields": "GET" data(20, NOTES, &NOTE, metadata::list);
    "notes": "GET" data(20, NOTES, &NOTE, rows::list), "POST" data(10, NOTES, &NOTE, rows::create);
    "notes/{id}":
        "GET" data(2, NOTES, &NOTE, rows::show), "PUT" data(10, NOTES, &NOTE, rows::update), "DELETE" data(6, NOTES, &NOTE, rows::delete);
    "organizationFields":
        "GET" data(20, CONTACT_FIELDS, &ORGANIZATION, metadata::list), "POST" data(10, CONTACT_FIELDS, &ORGANIZATION, metadata::create);
    "organizationFields/{id}":
        "GET" data(2, CONTACT_FIELDS, &ORGANIZATION, metadata::show), "PUT" data(10, CONTACT_FIELDS, &ORGANIZATION, metadata::update),
        "DELETE" data(6, CONTACT_FIELDS, &ORGANIZATION, metadata::delete);
    "organizations":
        "GET" old(20, CONTACTS, &ORGANIZATION, rows::list), "POST" old(10, CONTACTS, &ORGANIZATION, rows::create),
        "DELETE" old(10, CONTACTS, &ORGANIZATION, rows::delete_many);
    "organizations/search": "GET" old(40, SEARCH_CONTACTS, &ORGANIZATION, search::of_one);
    "organizations/{id}":
        "GET" old(2, CONTACTS, &ORGANIZATION, rows::show), "PUT" old(10, CONTACTS, &ORGANIZATION, rows::update),
        "DELETE" old(6, CONTACTS, &ORGANIZATION, rows::delete);
    "organizations/{id}/activities": "GET" old(20, ACTIVITIES, &ORGANIZATION, sublists::activities);
    "organizations/{id}/deals": "GET" old(20, DEALS, &ORGANIZATION, sublists::deals);
    "organizations/{id}/files": "GET" data(20, CONTACTS, &ORGANIZATION, sublists::files);
    "organizations/{id}/mailMessages": "GET" data(20, MAIL, &ORGANIZATION, sublists::mails);
    "organizations/{id}/persons": "GET" old(20, CONTACTS, &ORGANIZATION, sublists::persons);
    "personFields":
        "GET" data(20, CONTACT_FIELDS, &PERSON, metadata::list), "POST" data(10, CONTACT_FIELDS, &PERSON, metadata::create);
    "personFields/{id}":
        "GET" data(2, CONTACT_FIELDS, &PERSON, metadata::show), "PUT" data(10, CONTACT_FIELDS, &PERSON, metadata::update),
        "DELETE" data(6, CONTACT_FIELDS, &PERSON, metadata::delete);
    "persons":
        "GET" old(20, CONTACTS, &PERSON, rows::list), "POST" old(10, CONTACTS, &PERSON, rows::create),
        "DELETE" old(10, CONTACTS, &PERSON, rows::delete_many);
    "persons/search": "GET" old(40, SEARCH_CONTACTS, &PERSON, search::of_one);
    "persons/{id}":
        "GET" old(2, CONTACTS, &PERSON, rows::show), "PUT" old(10, CONTACTS, &PERSON, rows::update),
        "DELETE" old(6, CONTACTS, &PERSON, rows::delete);
    "persons/{id}/activities": "GET" old(20, ACTIVITIES, &PERSON, sublists::activities);
    "persons/{id}/deals": "GET" old(20, DEALS, &PERSON, sublists::deals);
    "persons/{id}/files": "GET" data(20, CONTACTS, &PERSON, sublists::files);
    "persons/{id}/mailMessages": "GET" data(20, MAIL, &PERSON, sublists::mails);
    "pipelines": "GET" old(10, PIPELINES, &PIPELINE, rows::list), "POST" old(10, ADMIN, &PIPELINE, rows::create);
    "pipelines/{id}":
        "GET" old(2, PIPELINES, &PIPELINE, rows::show), "PUT" old(10, ADMIN, &PIPELINE, rows::update),
        "DELETE" old(6, ADMIN, &PIPELINE, rows::delete);
    "productFields":
        "GET" data(20, PRODUCT_FIELDS, &PRODUCT, metadata::list), "POST" data(10, PRODUCT_FIELDS, &PRODUCT, metadata::create);
    "productFields/{id}":
        "GET" data(2, PRODUCT_FIELDS, &PRODUCT, metadata::show), "PUT" data(10, PRODUCT_FIELDS, &PRODUCT, metadata::update),
        "DELETE" data(6, PRODUCT_FIELDS, &PRODUCT, metadata::delete);
    "products": "GET" old(20, PRODUCTS, &PRODUCT, rows::list), "POST" old(10, PRODUCTS, &PRODUCT, rows::create);
    "products/search": "GET" old(40, SEARCH_PRODUCTS, &PRODUCT, search::of_one);
    "products/{id}":
        "GET" old(2, PRODUCTS, &PRODUCT, rows::show), "PUT" old(10, PRODUCTS, &PRODUCT, rows::update),
        "DELETE" old(6, PRODUCTS, &PRODUCT, rows::delete);
    "recents": "GET" data(20, RECENTS, &DEAL, sublists::recents);
    "stages":
        "GET" old(10, PIPELINES, &STAGE, rows::list), "POST" old(10, ADMIN, &STAGE, rows::create),
        "DELETE" old(10, ADMIN, &STAGE, rows::delete_many);
    "stages/{id}":
        "GET" old(2, PIPELINES, &STAGE, rows::show), "PUT" old(10, ADMIN, &STAGE, rows::update),
        "DELETE" old(6, ADMIN, &STAGE, rows::delete);
};

pub static V2: &[Route<Operation>] = routes! {
    "activities": "GET" data(10, ACTIVITIES, &ACTIVITY, rows::list), "POST" data(5, ACTIVITIES, &ACTIVITY, rows::create);
    "activities/{id}":
        "GET" data(1, ACTIVITIES, &ACTIVITY, rows::show), "PATCH" data(5, ACTIVITIES, &ACTIVITY, rows::update),
        "DELETE" data(3, ACTIVITIES, &ACTIVITY, rows::delete);
    "activityFields": "GET" data(10, ACTIVITIES, &ACTIVITY, metadata::list);
    "activityFields/{field_code}": "GET" data(1, ACTIVITIES, &ACTIVITY, metadata::show);
    "dealFields": "GET" data(10, DEAL_FIELDS, &DEAL, metadata::list), "POST" data(5, DEAL_FIELDS, &DEAL, metadata::create);
    "dealFields/{field_code}":
        "GET" data(1, DEAL_FIELDS, &DEAL, metadata::show), "PATCH" data(5, DEAL_FIELDS, &DEAL, metadata::update),
        "DELETE" data(3, DEAL_FIELDS, &DEAL, metadata::delete);
    "deals": "GET" data(10, DEALS, &DEAL, rows::list), "POST" data(5, DEALS, &DEAL, rows::create);
    "deals/products": "GET" data(10, DEAL_PRODUCTS, &DEAL, sublists::products_of_deals);
    "deals/search": "GET" data(20, SEARCH_DEALS, &DEAL, search::of_one);
    "deals/{id}":
        "GET" data(1, DEALS, &DEAL, rows::show), "PATCH" data(5, DEALS, &DEAL, rows::update), "DELETE" data(3, DEALS, &DEAL, rows::delete);
    "deals/{id}/products":
        "GET" data(10, DEAL_PRODUCTS, &DEAL, sublists::products), "POST" data(5, DEAL_PRODUCTS, &DEAL, sublists::attach);
    "deals/{id}/products/{product_attachment_id}":
        "PATCH" data(5, DEAL_PRODUCTS, &DEAL, sublists::change_attached), "DELETE" data(3, DEAL_PRODUCTS, &DEAL, sublists::detach);
    "itemSearch": "GET" data(20, SEARCH, &DEAL, search::items);
    "leads/search": "GET" data(20, SEARCH_LEADS, &LEAD, search::of_one);
    "organizationFields":
        "GET" data(10, CONTACT_FIELDS, &ORGANIZATION, metadata::list), "POST" data(5, CONTACT_FIELDS, &ORGANIZATION, metadata::create);
    "organizationFields/{field_code}":
        "GET" data(1, CONTACT_FIELDS, &ORGANIZATION, metadata::show), "PATCH" data(5, CONTACT_FIELDS, &ORGANIZATION, metadata::update),
        "DELETE" data(3, CONTACT_FIELDS, &ORGANIZATION, metadata::delete);
    "organizations": "GET" data(10, CONTACTS, &ORGANIZATION, rows::list), "POST" data(5, CONTACTS, &ORGANIZATION, rows::create);
    "organizations/search": "GET" data(20, SEARCH_CONTACTS, &ORGANIZATION, search::of_one);
    "organizations/{id}":
        "GET" data(1, CONTACTS, &ORGANIZATION, rows::show), "PATCH" data(5, CONTACTS, &ORGANIZATION, rows::update),
        "DELETE" data(3, CONTACTS, &ORGANIZATION, rows::delete);
    "personFields": "GET" data(10, CONTACT_FIELDS, &PERSON, metadata::list), "POST" data(5, CONTACT_FIELDS, &PERSON, metadata::create);
    "personFields/{field_code}":
        "GET" data(1, CONTACT_FIELDS, &PERSON, metadata::show), "PATCH" data(5, CONTACT_FIELDS, &PERSON, metadata::update),
        "DELETE" data(3, CONTACT_FIELDS, &PERSON, metadata::delete);
    "persons": "GET" data(10, CONTACTS, &PERSON, rows::list), "POST" data(5, CONTACTS, &PERSON, rows::create);
    "persons/search": "GET" data(20, SEARCH_CONTACTS, &PERSON, search::of_one);
    "persons/{id}":
        "GET" data(1, CONTACTS, &PERSON, rows::show), "PATCH" data(5, CONTACTS, &PERSON, rows::update),
        "DELETE" data(3, CONTACTS, &PERSON, rows::delete);
    "pipelines": "GET" data(5, PIPELINES, &PIPELINE, rows::list), "POST" data(5, ADMIN, &PIPELINE, rows::create);
    "pipelines/{id}":
        "GET" data(1, PIPELINES, &PIPELINE, rows::show), "PATCH" data(5, ADMIN, &PIPELINE, rows::update),
        "DELETE" data(3, ADMIN, &PIPELINE, rows::delete);
    "productFields": "GET" data(10, PRODUCT_FIELDS, &PRODUCT, metadata::list), "POST" data(5, PRODUCT_FIELDS, &PRODUCT, metadata::create);
    "productFields/{field_code}":
        "GET" data(1, PRODUCT_FIELDS, &PRODUCT, metadata::show), "PATCH" data(5, PRODUCT_FIELDS, &PRODUCT, metadata::update),
        "DELETE" data(3, PRODUCT_FIELDS, &PRODUCT, metadata::delete);
    "products": "GET" data(10, PRODUCTS, &PRODUCT, rows::list), "POST" data(5, PRODUCTS, &PRODUCT, rows::create);
    "products/search": "GET" data(20, SEARCH_PRODUCTS, &PRODUCT, search::of_one);
    "products/{id}":
        "GET" data(1, PRODUCTS, &PRODUCT, rows::show), "PATCH" data(5, PRODUCTS, &PRODUCT, rows::update),
        "DELETE" data(3, PRODUCTS, &PRODUCT, rows::delete);
    "stages": "GET" data(5, PIPELINES, &STAGE, rows::list), "POST" data(5, ADMIN, &STAGE, rows::create);
    "stages/{id}":
        "GET" data(1, PIPELINES, &STAGE, rows::show), "PATCH" data(5, ADMIN, &STAGE, rows::update), "DELETE" data(3, ADMIN, &STAGE, rows::delete);
};
