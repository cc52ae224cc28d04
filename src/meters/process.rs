//! What the kernel knows about this process, under the names that every Prometheus client uses.
//! Only Linux tells; elsewhere these lines are missing.

use std::fs;

use super::Text;

pub(super) fn render(text: &mut Text) {
    if let Some(process) = Process::read() {
        text.line(
            "counter",
            "process_cpu_seconds_total",
            "CPU time used, by user and system.",
            "",
            process.cpu_seconds,
        );
        text.plain(
            "process_resident_memory_bytes",
            "Memory in use.",
            process.resident,
        );
        text.plain(
            "process_virtual_memory_bytes",
            "Address space in use.",
            process.virtual_size,
        );
        text.plain("process_threads", "Threads.", process.threads);
        if let Some(started) = process.started {
            text.plain(
                "process_start_time_seconds",
                "When the process started, in seconds since 1970.",
                started,
            );
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them reads this folder.
        let open = open.count().saturating_sub(1);
        text.plain("process_open_fds", "Open files and connections.", open);
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if let Some(most) = limit.current {
        text.plain("process_max_fds", "How many may be open.", most);
    }
}

#[derive(Debug)]
struct Process {
    cpu_seconds: f64,
    threads: u64,
    started: Option<f64>,
    virtual_size: u64,
    resident: u64,
}

impl Process {
    fn read() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        let machine = fs::read_to_string("/proc/stat").ok();
        let page = rustix::param::page_size() as u64;
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Self::parse(&own, machine.as_deref(), page, ticks)
    }

    fn parse(own: &str, machine: Option<&str>, page: u64, ticks: f64) -> Option<Self> {
        // The name in brackets may hold anything, brackets and blanks among them.
        let (_, rest) = own.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Numbered as in proc(5), where the field behind the name is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let booted = machine.and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("btime "));
            line?.trim().parse::<f64>().ok()
        });
        let after_boot = field(22)? as f64 / ticks;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
            threads: field(20)?,
            started: booted.map(|booted| booted + after_boot),
            virtual_size: field(23)?,
            resident: field(24)? * page,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_moves_no_field() {
        let own = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 1000 8192 5 rest";
        let process = Process::parse(own, Some("cpu 1\nbtime 1700000000\n"), 4096, 100.0);
        let process = process.expect("the line is understood");
        assert!((process.cpu_seconds - 2.0).abs() < 1e-9);
        assert_eq!(
            (process.threads, process.virtual_size, process.resident),
            (3, 8192, 20480)
        );
        assert_eq!(process.started, Some(1_700_000_010.0));
    }

    #[test]
    fn nonsense_is_nothing() {
        for own in ["", "7 (a", "7 (a) S 1", "7 (a) S x x x x x x x x x x x x x"] {
            assert!(Process::parse(own, None, 4096, 100.0).is_none(), "{own}");
        }
    }
}
