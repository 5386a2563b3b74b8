//! Runs programs one after the other and says what each leaves behind.

use crate::rng::Rng;
use crate::world::{self, World};
use crate::{families, logger};
use simgpu::Simgpu;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

/// What the command line asks for.
#[derive(Debug, Default)]
struct Wanted {
    seed: u64,
    from: u64,
    to: u64,
    /// Only this family.
    family: Option<String>,
}

const USAGE: &str = "usage: attack run --seed S --from A --to B [--family NAME]";

pub fn main() -> ExitCode {
    let Some(wanted) = parse(env::args().skip(1)) else {
        eprintln!("{USAGE}\nfamilies: {}", families::names().join(" "));
        return ExitCode::FAILURE;
    };
    // libva and libdrm look at the environment before a program begins.
    if !simgpu::va::is_prepared() {
        match simgpu::va::environment() {
            Ok(mut variables) => {
                // The shim that comes before every program, and so before AddressSanitizer's helpers, may not need AddressSanitizer.
                if let Some(plain) = env::var_os("ATTACK_PRELOAD") {
                    variables
                        .iter_mut()
                        .filter(|(name, _)| name == "LD_PRELOAD")
                        .for_each(|(_, value)| value.clone_from(&plain));
                }
                let this = env::current_exe().unwrap_or_else(|_| "attack".into());
                let error = Command::new(this).args(env::args_os().skip(1)).envs(variables).exec();
                eprintln!("attack does not start again: {error}");
            }
            Err(error) => eprintln!("{error}"),
        }
        return ExitCode::FAILURE;
    }
    match run(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("attack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    if arguments.next()? != "run" {
        return None;
    }
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--seed" => wanted.seed = value.parse().ok()?,
            "--from" => wanted.from = value.parse().ok()?,
            "--to" => wanted.to = value.parse().ok()?,
            "--family" => wanted.family = Some(value).filter(|name| families::names().contains(&name.as_str())),
            _ => return None,
        }
    }
    (wanted.from < wanted.to).then_some(wanted)
}

fn run(wanted: &Wanted) -> Result<(), Box<dyn std::error::Error>> {
    let gpu = simgpu::start()?;
    simgpu::va::start()?;
    logger::install();
    world::watch_panics();
    let folder = env::current_dir()?;
    println!("ffmpeg {}", avsluice::libavcodec_version().0);
    for number in wanted.from..wanted.to {
        let mut rng = Rng::of_program(wanted.seed, number);
        let family = families::choose(&mut rng, wanted.family.as_deref());
        println!("begin {number} {}", family.name);
        let place = Folder::new(&folder, number)?;
        env::set_current_dir(&place.0)?;
        let before = Resources::now();
        let drivers = Drivers::now(gpu);
        let mut world = World::new(rng, gpu, place.0.clone());
        // A panic that was planned may come back to the program; another one is remembered by the hook.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (family.run)(&mut world))) {
            drop(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        }
        logger::silence();
        gpu.clear_faults();
        gpu.configure(simgpu::Config::default());
        for panic in world::unplanned_panics() {
            println!("finding {number} panic {}", panic.replace('\n', " / "));
        }
        left_behind(number, gpu, &drivers, &before);
        env::set_current_dir(&folder)?;
        println!("end {number} {:016x}", world.digest());
    }
    println!("done");
    Ok(())
}

/// The program's own folder, gone with everything in it afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path, number: u64) -> std::io::Result<Self> {
        let path = parent.join(format!("p{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the process has open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resources {
    descriptors: Vec<String>,
    threads: usize,
}

/// What is open for a moment and by no program's doing: the folder of descriptors that is being read, and the file in
/// which AddressSanitizer's own thread looks ten times a second how much memory there is.
fn is_passing(target: &str) -> bool {
    target.contains("/fd") || target.ends_with("/statm")
}

impl Resources {
    fn now() -> Self {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let path = entry.ok()?.path();
            let target = fs::read_link(&path).ok()?.display().to_string();
            (!is_passing(&target)).then_some(target)
        };
        let mut descriptors: Vec<_> =
            fs::read_dir("/proc/self/fd").map(|folder| folder.filter_map(name).collect()).unwrap_or_default();
        descriptors.sort();
        Resources { descriptors, threads: fs::read_dir("/proc/self/task").map_or(0, Iterator::count) }
    }
}

/// What the drivers have alive, and what they complain of.
#[derive(Clone, Debug, Default)]
struct Drivers {
    live: BTreeMap<String, u64>,
    violations: Vec<String>,
}

impl Drivers {
    fn now(gpu: Simgpu) -> Self {
        let ledger = gpu.ledger();
        Drivers { live: ledger.live, violations: ledger.violations }
    }
}

/// Says what is left of the program: descriptors, threads, objects of the drivers; and what it did wrong with the drivers.
fn left_behind(number: u64, gpu: Simgpu, drivers: &Drivers, before: &Resources) {
    let mut after = Resources::now();
    // A joined thread's entry may be there for a moment longer.
    for _ in 0..2000 {
        if after.threads <= before.threads {
            break;
        }
        std::thread::yield_now();
        after = Resources::now();
    }
    // Asked once: it is about all that is left of this program, and the answer begins anew with the next.
    let kept = world::drivers_keep_something();
    for finding in leftovers(before, &after, drivers, &Drivers::now(gpu), kept) {
        println!("finding {number} {finding}");
    }
}

/// What is there that was not there before. `kept` says that a driver was told to fail a release: what it was to
/// release is left by that.
fn leftovers(before: &Resources, after: &Resources, drivers: &Drivers, now: &Drivers, kept: bool) -> Vec<String> {
    let mut found = Vec::new();
    if after.threads > before.threads {
        found.push(format!("threads {} before, {} after", before.threads, after.threads));
    }
    let mut gone = before.descriptors.clone();
    let is_new = |name: &&String| match gone.iter().position(|other| other == *name) {
        Some(index) => {
            gone.swap_remove(index);
            false
        }
        None => true,
    };
    let mut left: Vec<_> = after.descriptors.iter().filter(is_new).collect();
    left.retain(|name| !(kept && name.contains("memfd:simgpu")));
    if let Some(first) = left.first() {
        found.push(format!("descriptors {} left open: {first}", left.len()));
    }
    if kept {
        return found;
    }
    // An encoder that is dropped before its end loses pictures: that is what the caller asked for.
    let wrong = now.violations.iter().skip(drivers.violations.len()).filter(|text| !text.contains("never collected"));
    found.extend(wrong.take(3).map(|text| format!("violation {}", text.replace('\n', " "))));
    for (kind, count) in &now.live {
        let more = count.saturating_sub(drivers.live.get(kind).copied().unwrap_or(0));
        if more > 0 {
            found.push(format!("driver {more} {kind} left alive"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_by_no_programs_doing_is_not_counted() {
        assert!(is_passing("/proc/30129/statm") && is_passing("/proc/30129/fd"));
        assert!(!is_passing("/proc/30129/status") && !is_passing("f.bin"));
    }

    #[test]
    fn what_a_failed_release_leaves_is_the_faults_own() {
        let open =
            |names: &[&str]| Resources { descriptors: names.iter().map(ToString::to_string).collect(), threads: 1 };
        let before = open(&["a"]);
        // A surface that was not destroyed has its memory open as well, and so have two.
        let after = open(&["a", "/memfd:simgpu (deleted)", "/memfd:simgpu (deleted)"]);
        let surfaces = Drivers { live: BTreeMap::from([("va_surface".into(), 2)]), ..Drivers::default() };
        let none = Drivers::default();
        assert_eq!(leftovers(&before, &after, &none, &surfaces, true), Vec::<String>::new());
        assert_eq!(
            leftovers(&before, &after, &none, &surfaces, false),
            ["descriptors 2 left open: /memfd:simgpu (deleted)", "driver 2 va_surface left alive"]
        );
        // No fault of a driver excuses a file.
        assert_eq!(leftovers(&before, &open(&["a", "a"]), &none, &none, true), ["descriptors 1 left open: a"]);
    }
}
