//! Whether a process gets on: by the CPU time that it uses, never by the clock.

use std::fs;
use std::time::Duration;

/// How often a process is looked at, and how many looks in a row may find all its threads asleep and no CPU time used: no program waits
/// for anything that lasts so long.
pub const LOOK: Duration = Duration::from_millis(250);
const IDLE_LOOKS: u32 = 60;
const OWN_WORK_S: f64 = 0.3;

/// Whether a process gets on.
#[derive(Default)]
pub struct Watch {
    cpu_at_begin: f64,
    cpu: f64,
    idle: u32,
}

impl Watch {
    /// Of a program that begins now.
    pub fn begin(pid: u32) -> Self {
        Watch { cpu_at_begin: cpu_s(pid), ..Watch::default() }
    }
    /// Why it is to be ended, if it is. `most_s` is the CPU time that a program may take.
    pub fn look(&mut self, pid: u32, most_s: f64) -> Option<&'static str> {
        let cpu = cpu_s(pid);
        // AddressSanitizer's own thread wakes to look at the memory: hundredths of a second in all that time.
        let works = cpu - self.cpu > OWN_WORK_S || !asleep(pid);
        if works {
            (self.idle, self.cpu) = (0, cpu);
        } else {
            self.idle += 1;
        }
        if self.idle >= IDLE_LOOKS {
            return Some("all threads sleep, and nothing wakes them");
        }
        (cpu - self.cpu_at_begin > most_s).then_some("more CPU time than any program needs")
    }
}

/// The fields of a `stat` file behind the name, which may have spaces in it.
fn stat(path: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// CPU time of all threads. Linux counts it in hundredths of a second.
fn cpu_s(pid: u32) -> f64 {
    let fields = stat(&format!("/proc/{pid}/stat")).unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) as f64 / 100.0
}

fn asleep(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let state = |thread: fs::DirEntry| {
        stat(&format!("{}/stat", thread.path().display())).and_then(|fields| fields.into_iter().next())
    };
    let awake: Vec<_> = threads
        .flatten()
        .filter(|thread| thread.file_name().to_str() != Some(&pid.to_string()))
        .filter_map(state)
        .filter(|state| state != "S")
        .collect();
    let main = stat(&format!("/proc/{pid}/stat")).is_some_and(|fields| fields[0] == "S");
    // One may be AddressSanitizer's own.
    main && awake.len() <= 1
}
