//! One page for a caller, of as many of the vendor's pages as it takes.
//!
//! The caller's page and the vendor's differ: in size, since vendors have limits, in how they are
//! numbered, and in what is on them when some of the conditions are left for us. A [`Walk`] says
//! which call comes next, takes the answers, and knows where the caller's next page begins.

mod aside;

use std::cell::OnceCell;

use bytes::{Bytes, BytesMut};
use serde_json::Value as Json;

use super::members::Showing;
use super::paging::{
    LONGEST_CURSOR, Mode, Sizes, count, default_fields, goes_on, is_paging, page_sizes, too_long,
};
use super::token::{At, Place};
use super::{Answer, Caller, Content, Mistake, Plan, TokenKey, Wish, answer};
use crate::configuration::Values;
use crate::element::shape::PathSegment;
use crate::element::{Element, Group, Resource};
use crate::reply::{Fault, VendorReply};
use crate::request::{BuildError, Inputs, VendorRequest};

/// Records of a page when the caller does not say.
const DEFAULT_SIZE: usize = 200;

/// A vendor's pages that one of ours is put together from, and those that are looked through for
/// records which conditions of ours find.
const PAGES: usize = 10;
const CALLS: usize = 50;

/// One page on its way.
#[derive(Debug)]
pub struct Walk<'a> {
    element: &'a Element,
    resource: &'a Resource,
    plan: Plan,
    wish: Wish,
    mode: Mode,
    at: At,
    skip: usize,
    size: usize,
    sizes: Sizes,
    want: usize,
    /// Matching records before the page, where only counting them finds it.
    pass: usize,
    query: Vec<(String, String)>,
    records: Vec<Bytes>,
    /// Bytes of the vendor's answers that the records keep alive, and how many they may.
    held: usize,
    most: usize,
    calls: usize,
    /// An answer has been taken.
    moved: bool,
    /// The caller counts pages.
    by_number: bool,
    /// Why there are no further calls although the page is not full.
    stopped: Option<String>,
    /// The vendor has no more.
    ended: bool,
    total: Option<u64>,
    notices: Vec<String>,
}

/// What the caller gets.
#[derive(Debug)]
pub struct Page {
    /// In our members; [`crate::element::shape::Shape::write_page`] makes the answer.
    pub records: Vec<Bytes>,
    pub next: Option<String>,
    /// Of the whole list, where it is known.
    pub total: Option<u64>,
    /// What was not done as asked, for `Elements-Error`.
    pub notices: Vec<String>,
    /// Conditions that were applied here alone, since the vendor cannot be asked for them.
    pub filtered: Option<String>,
    pub wish: Wish,
}

impl<'a> Walk<'a> {
    /// The page that `caller` wants; `values` are [`Element::effective`], as in all `inputs` here.
    ///
    /// # Errors
    /// What is wrong with the query: sizes, numbers, tokens, conditions that nobody can apply.
    pub fn new(
        element: &'a Element,
        resource: &'a Resource,
        values: &Values,
        caller: &Caller<'_>,
        key: &TokenKey,
    ) -> Result<Self, Mistake> {
        let mut notices = Vec::new();
        let asked_size = count(caller, "pageSize")?;
        let page = count(caller, "page")?.unwrap_or(1);
        let token = caller.query("nextPage");
        // Clients without a token send these words.
        let token = token.filter(|token| !matches!(*token, "null" | "undefined"));
        let place = token.map(|token| key.open(token)).transpose()?;
        let place = match place {
            Some(place) if place.resource != resource.id => {
                return Err(Mistake(
                    "Query parameter 'nextPage' belongs to another list; begin without it."
                        .to_owned(),
                ));
            }
            place => place,
        };
        let query = match &place {
            Some(place) => place.query.clone(),
            None => {
                let mut query = caller.query.clone();
                query.retain(|(name, value)| !is_paging(name) && !value.is_empty());
                default_fields(resource, values, &mut query, &mut notices);
                query
            }
        };
        let wish = Wish::read(&query)?;
        let mut plan = Plan::new(element, resource, &wish)?;
        // One record is no second page.
        plan.find = plan.find.filter(|_| place.is_none() && page == 1);
        let mode = Mode::of(element, resource, values);
        let sizes = page_sizes(element, resource, values, mode);
        let (usual, max) = (sizes.usual, sizes.max);
        let mut want = match (asked_size, &place) {
            (Some(size), _) => size,
            (None, Some(place)) => place.want,
            (None, None) => DEFAULT_SIZE.min(usual),
        };
        if mode != Mode::Whole && want > PAGES * max {
            want = PAGES * max;
            notices.push(format!("pageSize was cut down to {want}."));
        }
        if let Some(order) = &plan.order
            && mode != Mode::Whole
            && plan.instead.is_none()
        {
            notices.push(format!(
                "orderBy was ignored: this list has no order by {order}."
            ));
        }
        let mut walk = Self {
            element,
            resource,
            plan,
            wish,
            mode,
            at: At::Number(0),
            skip: 0,
            size: max,
            sizes,
            want,
            pass: 0,
            query,
            records: Vec::new(),
            held: 0,
            most: usize::MAX,
            calls: 0,
            moved: false,
            by_number: place.is_none() && caller.query("page").is_some(),
            stopped: None,
            ended: false,
            total: None,
            notices,
        };
        match place {
            Some(place) => {
                walk.at = place.at;
                walk.skip = place.skip;
                walk.size = place.size;
            }
            None => walk.begin(page, usual, max),
        }
        Ok(walk)
    }

    /// The page ends, and its token goes on, once its records keep so many bytes of the vendor's
    /// answers.
    #[must_use]
    pub fn holding_at_most(self, bytes: usize) -> Self {
        Self {
            most: bytes,
            ..self
        }
    }

    /// Bytes of the vendor's answers that the records keep alive.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Where page number `page` begins.
    fn begin(&mut self, page: usize, usual: usize, max: usize) {
        let before = (page - 1).saturating_mul(self.want);
        let exact = self.plan.rest.is_none();
        if exact {
            // As few records too many as possible.
            let calls = self.want.div_ceil(max).max(1);
            self.size = self.want.div_ceil(calls);
        } else if self.plan.own.is_empty() {
            // Nearly all that the vendor gives is wanted.
            self.size = usual;
        }
        match self.mode {
            _ if self.plan.instead.is_some() => self.at = At::Number(before as u64),
            Mode::Whole => self.at = At::Number(before as u64),
            Mode::Offset(_) if exact => self.at = At::Number(before as u64),
            Mode::Page(_) if exact => {
                self.at = At::Number((before / self.size) as u64);
                self.skip = before % self.size;
            }
            _ => {
                self.pass = before;
                if before > 0 && exact {
                    self.size = before.saturating_add(self.want).min(max);
                }
            }
        }
    }

    /// The next call; `None`: the page is there. `caller` has been checked.
    pub fn request(
        &self,
        group: &Group,
        inputs: &Inputs<'_>,
        caller: &Caller<'_>,
    ) -> Option<Result<VendorRequest, BuildError>> {
        if self.is_done() {
            return None;
        }
        let mut caller = caller.clone();
        caller.query.clone_from(&self.query);
        caller.pushed.clone_from(&self.plan.pushed);
        let resource = self.called();
        if let Some((_, value)) = self.aside() {
            caller.pushed.clear();
            let variable = resource
                .shape
                .path
                .iter()
                .find_map(|segment| match segment {
                    PathSegment::Variable(name) => Some(name.as_str()),
                    PathSegment::Literal(_) => None,
                });
            caller.path = vec![(variable.unwrap_or_default(), value.to_owned())];
            return Some(super::build(self.element, group, resource, inputs, &caller));
        }
        let mut say = |name: &str, value: String| caller.query.push((name.to_owned(), value));
        if self.mode != Mode::Whole {
            say("pageSize", self.size.to_string());
        }
        match (self.mode, &self.at) {
            (Mode::Page(first) | Mode::Offset(first), At::Number(number)) => {
                say("page", first.saturating_add(*number).to_string());
            }
            (Mode::Cursor, At::Cursor(cursor)) => say("nextPage", cursor.clone()),
            _ => {}
        }
        Some(super::build(self.element, group, resource, inputs, &caller))
    }

    fn is_done(&self) -> bool {
        self.ended
            || self.stopped.is_some()
            || self.records.len() >= self.want
            || self.calls >= CALLS
            || self.held >= self.most
    }

    /// Whether what has been read is a page that a token goes on behind, so that a call that could not
    /// be made need not lose it. Whoever counts pages would leave out what a short one has not.
    pub fn may_stop(&self) -> bool {
        self.moved && self.pass == 0 && !self.by_number && !self.is_done()
    }

    /// Makes no further call. `why` ends the page's notice before its token is spoken of.
    pub fn stop(&mut self, why: impl Into<String>) {
        self.stopped = Some(why.into());
    }

    /// Takes the answer to the call of [`Walk::request`].
    ///
    /// # Errors
    /// As [`answer::read`]; one record that is not there is an empty list.
    pub fn accept(
        &mut self,
        group: &Group,
        inputs: &Inputs<'_>,
        reply: &VendorReply,
    ) -> Result<(), Fault> {
        self.calls += 1;
        let before = self.records.len();
        // A hint says nothing of what the list holds.
        let aside = self.aside().is_some();
        let length = self.read(group, inputs, reply)?;
        self.moved |= !aside;
        self.keep(before, length);
        Ok(())
    }

    /// Of the records from this one on, which are slices of an answer of so many bytes, copies are
    /// kept where they would hold much more than they are.
    fn keep(&mut self, from: usize, answer: usize) {
        let new = self.records.get_mut(from..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let bytes = new.iter().map(Bytes::len).sum::<usize>();
        if bytes.saturating_mul(2) > answer {
            self.held += answer;
            return;
        }
        self.held += bytes;
        let mut together = BytesMut::with_capacity(bytes);
        for record in new {
            together.extend_from_slice(record);
            *record = together.split().freeze();
        }
    }

    /// Gives the bytes that the records are cut out of.
    fn read(
        &mut self,
        group: &Group,
        inputs: &Inputs<'_>,
        reply: &VendorReply,
    ) -> Result<usize, Fault> {
        let json = OnceCell::new();
        let read = answer::read(self.element, group, self.called(), inputs, reply, &json);
        let whole = || json.get().unwrap_or(&reply.body);
        if self.aside().is_some() {
            self.read_aside(read, whole)?;
            return Ok(whole().len());
        }
        let Answer { content, around } = read?;
        let around = around.unwrap_or_default();
        self.total = self.total_of(&around).or(self.total);
        let given = self.take(content, whole());
        if self.mode != Mode::Whole && given.left == 0 {
            self.go_on(&around, reply, given.records)?;
        }
        Ok(whole().len())
    }

    /// What of the answer belongs to the page, and how much of it is left for the next.
    /// `whole`: what it is cut out of.
    fn take(&mut self, content: Content<'_>, whole: &Bytes) -> Given {
        let mut found = match content {
            Content::List(list) => list,
            Content::One(one) => vec![one],
            Content::Nothing | Content::Bytes(_) => Vec::new(),
        };
        let records = found.len();
        // In our members, so that conditions, order and fields find them.
        let shown = self.called().shape.record.as_ref().map(|words| {
            let mut all = String::with_capacity(whole.len() + whole.len() / 2);
            let mut showing = Showing::new(words);
            let ends = found.iter().map(|record| {
                showing.show(record, &mut all);
                all.len()
            });
            let ends: Vec<usize> = ends.collect();
            (Bytes::from(all), ends)
        });
        let whole = match &shown {
            Some((all, ends)) => {
                let text = std::str::from_utf8(all).unwrap_or_default();
                let begins = std::iter::once(&0).chain(ends);
                let ranges = begins.zip(ends).map(|(begin, end)| *begin..*end);
                found = ranges.filter_map(|range| text.get(range)).collect();
                all
            }
            None => whole,
        };
        let rest = self.plan.rest.take();
        let fits = |record: &str| rest.as_ref().is_none_or(|rest| rest.matches(record));
        let slice = |record: &str| whole.slice_ref(record.as_bytes());
        let mut left = 0;
        if self.mode == Mode::Whole || self.plan.instead.is_some() {
            found.retain(|record| fits(record));
            if let Some(order) = &self.plan.order {
                order.sort(&mut found, |record| record);
            }
            let before = match self.at {
                At::Number(number) => usize::try_from(number).unwrap_or(usize::MAX),
                At::Cursor(_) => 0,
            };
            self.total = Some(found.len() as u64);
            let page = found.iter().skip(before).take(self.want);
            self.records.extend(page.map(|record| slice(record)));
            let end = before.saturating_add(self.records.len());
            self.ended = end >= found.len();
            self.at = At::Number(end as u64);
        } else {
            for (index, record) in found.iter().enumerate().skip(self.skip) {
                if !fits(record) {
                    continue;
                }
                if self.pass > 0 {
                    self.pass -= 1;
                    continue;
                }
                self.records.push(slice(record));
                if self.records.len() == self.want {
                    self.skip = index + 1;
                    left = records - self.skip;
                    break;
                }
            }
        }
        self.plan.rest = rest;
        Given { records, left }
    }

    /// To the vendor's next page.
    fn go_on(&mut self, around: &Json, reply: &VendorReply, records: usize) -> Result<(), Fault> {
        let paging = &self.resource.shape.paging;
        let nothing = Values::new();
        self.skip = 0;
        if self.mode == Mode::Cursor {
            let next = paging.next.as_ref();
            match next.and_then(|next| next.find_text(around, &nothing)) {
                // So vendors that count say that there is no more.
                Some(next) if next == "-1" => self.ended = true,
                Some(next) if next.len() > LONGEST_CURSOR => return Err(too_long(next.len())),
                Some(next) if self.at != At::Cursor(next.clone()) => self.at = At::Cursor(next),
                _ => self.ended = true,
            }
            return Ok(());
        }
        let cut = self.sizes.may_be_cut(self.size);
        let more = goes_on(paging, around, reply).unwrap_or(records >= self.size || cut);
        // A vendor that has nothing and says that there is more would be asked for ever.
        self.ended = !more || records == 0;
        if let At::Number(number) = &mut self.at {
            let further = match self.mode {
                Mode::Offset(_) if cut => records as u64,
                Mode::Offset(_) => records.max(self.size) as u64,
                _ => 1,
            };
            *number = number.saturating_add(further);
        }
        Ok(())
    }

    fn total_of(&self, around: &Json) -> Option<u64> {
        let path = self.resource.shape.paging.total.as_ref()?;
        let counted = self.plan.rest.is_none();
        let text = path.find_text(around, &Values::new()).filter(|_| counted)?;
        text.parse().ok()
    }

    /// The page, once [`Walk::request`] has no more calls.
    ///
    /// # Errors
    /// A page number that is too far off to be counted to; a query that no token can carry.
    pub fn finish(mut self, key: &TokenKey) -> Result<Page, Mistake> {
        if !self.ended && self.pass > 0 {
            return Err(Mistake(format!(
                "Page number is too high: {} pages of the vendor were read and the page was not reached. Narrow 'where', or go from page to page with nextPage.",
                self.calls
            )));
        }
        if !self.ended && self.records.len() < self.want {
            let why = self.stopped.unwrap_or_else(|| {
                format!("{} pages of the vendor were looked through", self.calls)
            });
            let notice = format!("The page is not full: {why}; go on with the token.");
            self.notices.push(notice);
        }
        let place = (!self.ended).then_some(Place {
            resource: self.resource.id,
            at: self.at,
            skip: self.skip,
            size: self.size,
            want: self.want,
            query: self.query,
        });
        let next = place.map(|place| key.seal(&place)).transpose()?;
        let filtered = self.plan.filtered();
        Ok(Page {
            records: self.records,
            next,
            total: self.total,
            notices: self.notices,
            filtered,
            wish: self.wish,
        })
    }
}

struct Given {
    /// On the vendor's page.
    records: usize,
    /// Of those, behind the end of ours.
    left: usize,
}
