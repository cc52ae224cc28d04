//! The sandbox over HTTP, run in this process on a free port.

mod autotask;
mod autotask_soap;
mod binary;
mod client;
mod control;
mod described;
mod docusign;
mod docusign_accounts;
mod docusign_limits;
mod docusign_sites;
mod faults;
mod freshdesk;
mod freshdesk_account;
mod freshdesk_contacts;
mod freshdesk_groups;
mod freshdesk_limits;
mod freshdesk_searches;
mod freshdesk_tickets;
mod freshdesk_v1;
mod hosts;
mod oauth;
mod oauth_applications;
mod oauth_docusign;
mod oauth_jwt;
mod oauth_page;
mod oauth_pipedrive;
mod oauth_rotation;
/// The patterns of the control calls, for exceptions.
#[path = "../../src/pattern.rs"]
mod pattern;
mod pipedrive;
mod pipedrive_companies;
mod pipedrive_described;
mod pipedrive_fields;
mod pipedrive_limits;
mod pipedrive_records;
mod sugarcrm;
mod sugarcrm_records;
mod sugarcrm_sessions;
mod wsdl;
mod wsdl_description;
/// The reader of the simulators, for reading their answers and the vendors' descriptions.
#[path = "../../src/xml.rs"]
mod xml;
