//! Lines on standard output, and medians.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::Error;

pub fn title(text: &str) {
    line(format_args!("\n## {text}"));
}

pub fn line(text: impl Display) {
    // Nobody reads any more when this fails.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

static ROWS: OnceLock<PathBuf> = OnceLock::new();

/// A figure that has a target.
#[derive(Debug)]
pub struct Row<'a> {
    pub work: &'a str,
    /// The limit that was measured beside it.
    pub beside: &'a str,
    pub measured: &'a str,
    pub target: &'a str,
    /// `None`: nobody has said how much it has to be.
    pub reached: Option<bool>,
}

/// From now on rows go to this file, too.
pub fn rows_go_to(file: PathBuf) {
    // Only the arguments name one.
    let _ = ROWS.set(file);
}

/// For the table of all figures: a line of columns between tabs.
pub fn row(row: &Row<'_>) -> Result<(), Error> {
    let Some(file) = ROWS.get() else {
        return Ok(());
    };
    let reached = match row.reached {
        Some(true) => "ok",
        Some(false) => "missed",
        None => "-",
    };
    let columns = [row.work, row.beside, row.measured, row.target, reached];
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{}", columns.join("\t"))?)
}

/// The middle of several measurements, and how far they lie apart.
#[derive(Debug, Clone, Copy)]
pub struct Middle {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Middle {
    /// Of nothing it is nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let last = values.len().saturating_sub(1);
        Self {
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            least: at(0),
            most: at(last),
        }
    }

    pub fn show(&self, decimals: usize) -> String {
        format!(
            "{:.decimals$} ({:.decimals$} to {:.decimals$})",
            self.median, self.least, self.most
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Middle;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let middle = Middle::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(middle.show(1), "2.5 (1.0 to 4.0)");
    }

    #[test]
    fn one_measurement_is_its_own_middle() {
        assert_eq!(Middle::of([7.0]).show(0), "7 (7 to 7)");
    }
}
