//! The sandbox over HTTP, run in this process on a free port.

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
mod freshdesk_groups;
mod freshdesk_limits;
mod freshdesk_v1;
mod hosts;
mod pipedrive;
mod pipedrive_companies;
mod pipedrive_limits;
