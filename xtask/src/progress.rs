//! Whether a child process gets on. A wall clock cannot tell a process that hangs from one that a busy machine lets wait, so a limit
//! here is on a time in which the process neither says anything nor computes, and on what it computes without a word.
//!
//! The tests of the library and of the simulated driver include this file too.

use std::time::{Duration, Instant};

/// Less of a CPU than this over the whole limit is no work: something polls.
const LEAST_SHARE: f64 = 0.01;
/// How often the CPU time is read, at most.
const LOOK: Duration = Duration::from_millis(500);

/// Watches a child process, with its children and its process group.
pub struct Progress {
    pid: u32,
    limit: Duration,
    most_cpu: Duration,
    /// Since when it has been idle.
    idle: Instant,
    /// The CPU time that it had used by then, and when it spoke last; neither is known right after it spoke.
    cpu_when_idle: Option<Duration>,
    cpu_when_it_spoke: Option<Duration>,
}

impl Progress {
    /// The child hangs if it is silent and idle for `limit`, or computes for `most_cpu` and says nothing.
    pub fn new(pid: u32, limit: Duration, most_cpu: Duration) -> Self {
        let (start, idle) = (Some(Duration::ZERO), Instant::now());
        Self { pid, limit, most_cpu, idle, cpu_when_idle: start, cpu_when_it_spoke: start }
    }

    /// How long one may wait for the child's next word before asking [`hung`](Self::hung).
    pub fn patience(&self) -> Duration {
        LOOK.min(self.limit / 4)
    }

    /// The child said something.
    pub fn spoke(&mut self) {
        self.idle = Instant::now();
        self.cpu_when_idle = None;
        self.cpu_when_it_spoke = None;
    }

    /// Why the child counts as hung, if it does.
    pub fn hung(&mut self) -> Option<String> {
        let seconds = self.limit.as_secs_f64();
        // Where the system does not tell the CPU time, silence alone has to do.
        let Some(cpu) = cpu_time(self.pid) else {
            return (self.idle.elapsed() >= self.limit).then(|| format!("silent for {seconds} s"));
        };
        // What ended outside of our sight takes its time along: never count from more than there is.
        let spoke = cpu.min(self.cpu_when_it_spoke.unwrap_or(cpu));
        let idle = cpu.min(self.cpu_when_idle.unwrap_or(cpu));
        (self.cpu_when_it_spoke, self.cpu_when_idle) = (Some(spoke), Some(idle));
        if cpu - spoke >= self.most_cpu {
            return Some(format!("computed for {:.1} s and said nothing", (cpu - spoke).as_secs_f64()));
        }
        if cpu - idle > self.limit.mul_f64(LEAST_SHARE) {
            self.idle = Instant::now();
            self.cpu_when_idle = Some(cpu);
        }
        (self.idle.elapsed() >= self.limit).then(|| format!("silent and idle for {seconds} s"))
    }
}

/// The CPU time that a process, its descendants and its process group have used, with what ended below them.
#[cfg(target_os = "linux")]
fn cpu_time(pid: u32) -> Option<Duration> {
    struct Process {
        pid: u32,
        parent: u32,
        group: u32,
        ticks: u64,
    }
    /// `/proc/PID/stat` counts in hundredths of a second on every architecture (USER_HZ).
    const TICK: Duration = Duration::from_millis(10);
    let processes: Vec<Process> = std::fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name, in brackets, may hold anything.
            let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
            let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
            // utime, stime, and the same of children that were waited for.
            let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
            let id = |index| u32::try_from(number(index)?).ok();
            Some(Process { pid, parent: id(1)?, group: id(2)?, ticks })
        })
        .collect();
    let mut ours = vec![pid];
    loop {
        let before = ours.len();
        for process in &processes {
            if !ours.contains(&process.pid) && (ours.contains(&process.parent) || process.group == pid) {
                ours.push(process.pid);
            }
        }
        if ours.len() == before {
            break;
        }
    }
    let ticks: u64 = processes.iter().filter(|process| ours.contains(&process.pid)).map(|process| process.ticks).sum();
    Some(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

#[cfg(not(target_os = "linux"))]
fn cpu_time(_pid: u32) -> Option<Duration> {
    None
}
