//! Rows in the binary form of `COPY`, written where they wait: nothing is kept of them but bytes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::RequestDay;
use crate::ids::{AccountId, InstanceId, OrganizationId, UserId};

/// In the order of [`RequestBatch::push`].
pub(super) const STATEMENT: &str =
    "copy request_log (org_id, at, request_id, account_id, user_id, instance_id, element_key,
        method, route, resource, status, vendor_status, attempts, own_us, vendor_us, bytes_in,
        bytes_out, complete, arguments_hash, client)
    from stdin with (format binary)";
const COLUMNS: i16 = 20;

/// Signature, flags, and an extension of the header that has no length.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &(-1_i16).to_be_bytes();
/// 2000-01-01, from which the database counts, in microseconds after 1970.
const EPOCH: i64 = 946_684_800_000_000;
/// In microseconds.
const DAY: i64 = 86_400_000_000;

/// One call.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    pub organization: OrganizationId,
    /// Microseconds after 1970.
    pub at: i64,
    pub id: [u8; 12],
    pub account: AccountId,
    pub user: UserId,
    pub instance: Option<InstanceId>,
    pub element_key: Option<&'a str>,
    pub method: &'a str,
    pub route: &'a str,
    pub resource: Option<&'a str>,
    pub status: u16,
    pub vendor_status: Option<u16>,
    pub attempts: u16,
    pub own: Duration,
    pub vendor: Duration,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub complete: bool,
    pub arguments_hash: Option<[u8; 16]>,
    pub client: Option<IpAddr>,
}

/// Rows on their way.
#[derive(Debug, Default)]
pub struct RequestBatch {
    bytes: Vec<u8>,
    rows: usize,
    /// On which days, counted from 1970.
    days: BTreeSet<i64>,
}

impl RequestBatch {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Those that its rows are of.
    pub fn days(&self) -> impl Iterator<Item = RequestDay> {
        let moment = |day: &i64| Timestamp::from_microsecond(day.saturating_mul(DAY)).ok();
        self.days.iter().filter_map(moment).map(RequestDay::of)
    }

    pub(super) fn pieces(&self) -> [&[u8]; 3] {
        [HEADER, &self.bytes, TRAILER]
    }

    pub fn push(&mut self, row: &NewRequest<'_>) {
        self.rows += 1;
        self.days.insert(row.at.div_euclid(DAY));
        self.bytes.extend_from_slice(&COLUMNS.to_be_bytes());
        self.number(row.organization.0);
        self.number(row.at - EPOCH);
        self.field(&row.id);
        self.number(row.account.0);
        self.number(row.user.0);
        match row.instance {
            Some(instance) => self.number(instance.0),
            None => self.null(),
        }
        self.text(row.element_key);
        self.text(Some(row.method));
        self.text(Some(row.route));
        self.text(row.resource);
        self.small(row.status);
        match row.vendor_status {
            Some(status) => self.small(status),
            None => self.null(),
        }
        self.small(row.attempts);
        self.number(microseconds(row.own));
        self.number(microseconds(row.vendor));
        self.number(i64::try_from(row.bytes_in).unwrap_or(i64::MAX));
        self.number(i64::try_from(row.bytes_out).unwrap_or(i64::MAX));
        self.field(&[u8::from(row.complete)]);
        match &row.arguments_hash {
            Some(hash) => self.field(hash),
            None => self.null(),
        }
        match row.client {
            Some(IpAddr::V4(address)) => self.address(2, 32, &address.octets()),
            Some(IpAddr::V6(address)) => self.address(3, 128, &address.octets()),
            None => self.null(),
        }
    }

    fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn field(&mut self, value: &[u8]) {
        let length = i32::try_from(value.len()).expect("a field of the log is short");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
    }

    fn number(&mut self, value: i64) {
        self.field(&value.to_be_bytes());
    }

    fn small(&mut self, value: u16) {
        let value = i16::try_from(value).unwrap_or(i16::MAX);
        self.field(&value.to_be_bytes());
    }

    fn text(&mut self, value: Option<&str>) {
        match value {
            Some(text) => self.field(text.as_bytes()),
            None => self.null(),
        }
    }

    /// Family, bits of the mask, not a network, bytes.
    fn address(&mut self, family: u8, bits: u8, octets: &[u8]) {
        let length = u8::try_from(octets.len()).expect("an address is short");
        let mut value = Vec::with_capacity(4 + octets.len());
        value.extend_from_slice(&[family, bits, 0, length]);
        value.extend_from_slice(octets);
        self.field(&value);
    }
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
