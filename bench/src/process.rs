//! What the kernel knows about a tree of processes: CPU time and memory, from `/proc`.

use std::collections::HashMap;
use std::fs;

use crate::Error;

/// The processes below and including one, by command name.
#[derive(Debug)]
pub struct Tree(Vec<Process>);

#[derive(Debug)]
struct Process {
    id: u32,
    name: String,
    ticks: u64,
}

impl Tree {
    pub fn of(root: u32) -> Result<Self, Error> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut found = HashMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(id) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A process may end while we look.
            if let Some((parent, process)) = read(id) {
                children.entry(parent).or_default().push(id);
                found.insert(id, process);
            }
        }
        let mut tree = Vec::new();
        let mut waiting = vec![root];
        while let Some(id) = waiting.pop() {
            waiting.extend(children.remove(&id).unwrap_or_default());
            tree.extend(found.remove(&id));
        }
        if tree.is_empty() {
            return Err(format!("process {root} has ended").into());
        }
        Ok(Self(tree))
    }

    /// Microseconds of CPU: Postgres, and all others. What ended meanwhile counts with its parent.
    pub fn cpu(&self) -> Split<f64> {
        let microseconds = 1e6 / rustix::param::clock_ticks_per_second() as f64;
        self.split(|process| process.ticks as f64 * microseconds)
    }

    /// Proportional memory in megabytes. A page that several share is counted once among them.
    pub fn memory(&self) -> Split<f64> {
        self.split(|process| {
            fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id))
                .ok()
                .and_then(|text| kilobytes(&text))
                .unwrap_or(0.0)
                / 1024.0
        })
    }

    fn split(&self, value: impl Fn(&Process) -> f64) -> Split<f64> {
        let (postgres, others): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .partition(|process| process.name.starts_with("postgres"));
        Split {
            server: others.into_iter().map(&value).sum(),
            postgres: postgres.into_iter().map(&value).sum(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Split<T> {
    pub server: T,
    pub postgres: T,
}

fn read(id: u32) -> Option<(u32, Process)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may hold any of them, so the last one ends it.
    let (start, rest) = text.rsplit_once(')')?;
    let name = start.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let parent = number(1)?.try_into().ok()?;
    // utime, stime, and the same of children that have ended.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some((parent, Process { id, name, ticks }))
}

fn kilobytes(rollup: &str) -> Option<f64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::{Tree, kilobytes};

    #[test]
    fn a_child_belongs_to_the_tree_and_weighs_something() {
        let alone = Tree::of(std::process::id()).expect("we live").0.len();
        let mut child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::null())
            .spawn()
            .expect("sleep is everywhere");
        let tree = Tree::of(std::process::id()).expect("we live");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert!(tree.0.len() > alone);
        assert!(tree.memory().server > 0.0);
        assert!(tree.memory().postgres.abs() < f64::EPSILON);
    }

    #[test]
    fn a_process_that_never_was_is_an_error() {
        assert!(Tree::of(u32::MAX).is_err());
    }

    #[test]
    fn the_proportional_share_is_found_among_its_parts() {
        let text = "00-ff ---p 0 00:00 0 [rollup]\nRss:  900 kB\nPss:  123 kB\nPss_Anon:  7 kB\n";
        assert_eq!(kilobytes(text), Some(123.0));
    }
}
