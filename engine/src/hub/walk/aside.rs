//! One record that is found by calls of other resources, where a value tells which it is.

use bytes::Bytes;

use super::super::{Answer, Plan};
use super::{At, Walk};
use crate::element::Resource;
use crate::reply::Fault;

impl Walk<'_> {
    /// The call of another resource that is to be made now, and the value for its path.
    pub(super) fn aside(&self) -> Option<(usize, &str)> {
        let Plan { instead, find, .. } = &self.plan;
        let instead = instead.as_ref().map(|(index, id)| (*index, id.as_str()));
        instead.or_else(|| Some((find.as_ref()?.by, find.as_ref()?.value.as_str())))
    }

    /// What the call of [`Walk::aside`] has answered.
    pub(super) fn read_aside<'w>(
        &mut self,
        read: Result<Answer<'_>, Fault>,
        whole: impl FnOnce() -> &'w Bytes,
    ) -> Result<(), Fault> {
        if self.plan.instead.is_some() {
            let list = self.plan.rest.clone();
            match read {
                Err(fault) if fault.status == 404 => {}
                // The call may be made again.
                Err(fault) => return Err(fault),
                Ok(answer) => {
                    if let Some(find) = &self.plan.find {
                        self.plan.rest = Some(find.whole.clone());
                    }
                    self.take(answer.content, whole());
                }
            }
            self.ended = true;
            if self.plan.find.take().is_some() && self.records.is_empty() {
                // It has the value no more: whoever has it is in the list.
                self.plan.instead = None;
                self.plan.rest = list;
                (self.ended, self.at, self.total) = (false, At::Number(0), None);
            }
            return Ok(());
        }
        if let Some(find) = &self.plan.find {
            let id = match read {
                Ok(answer) => find.named(&answer.content),
                // What this call does not take, the list may.
                Err(fault) if matches!(fault.status, 400 | 403 | 404) => None,
                Err(fault) => return Err(fault),
            };
            self.plan.instead = id.map(|id| (find.record, id));
            if self.plan.instead.is_none() {
                self.plan.find = None;
            }
        }
        Ok(())
    }
}

impl<'a> Walk<'a> {
    /// The resource that the next call is of.
    pub fn called(&self) -> &'a Resource {
        self.aside()
            .and_then(|(index, _)| self.element.resources.get(index))
            .unwrap_or(self.resource)
    }
}
