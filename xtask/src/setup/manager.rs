//! Which package manager this machine has, and the commands that install packages with it.

use super::host::Host;
use super::packages::Manager;
use std::ffi::OsStr;
use std::fs;

/// The machine's package manager, by what its /etc/os-release says it is or is like, else by the program that is there.
pub fn of(host: &Host) -> Option<Manager> {
    if host.macos {
        return Some(Manager::Brew);
    }
    let os_release = fs::read_to_string(host.system("/etc/os-release")).unwrap_or_default();
    let there = |manager: &Manager| host.program(OsStr::new(program(*manager))).is_some();
    of_os_release(&os_release)
        .filter(there)
        .or_else(|| [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Brew].into_iter().find(there))
}

/// The manager of the distribution that an os-release file describes.
fn of_os_release(text: &str) -> Option<Manager> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches(['"', '\'']))
    };
    let names = value("ID").into_iter().chain(value("ID_LIKE").into_iter().flat_map(str::split_whitespace));
    names.into_iter().find_map(|name| match name {
        "debian" | "ubuntu" => Some(Manager::Apt),
        "fedora" | "rhel" | "centos" => Some(Manager::Dnf),
        "arch" | "archlinux" => Some(Manager::Pacman),
        _ => None,
    })
}

fn program(manager: Manager) -> &'static str {
    match manager {
        Manager::Apt => "apt-get",
        Manager::Dnf => "dnf",
        Manager::Pacman => "pacman",
        Manager::Brew => "brew",
    }
}

/// A command, and whether a failure of it ends the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// A refresh of the package lists may fail: one broken source among many is no reason to stop.
    pub may_fail: bool,
}

impl Step {
    /// The command as a user would type it.
    pub fn line(&self) -> String {
        self.words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:@".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// The commands that install these packages, none of which asks a question.
pub fn install(host: &Host, manager: Manager, packages: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |may_fail: bool, words: &[&str], packages: &[&str]| {
        // Homebrew refuses to run as root.
        let sudo = !host.superuser && manager != Manager::Brew;
        let words = sudo.then_some("sudo").iter().chain(words).chain(packages).map(|word| (*word).to_owned()).collect();
        steps.push(Step { words, may_fail });
    };
    match manager {
        Manager::Apt => {
            step(true, &["apt-get", "update"], &[]);
            let words =
                ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends"];
            step(false, &words, packages);
        }
        Manager::Dnf => step(false, &["dnf", "install", "--assumeyes"], packages),
        Manager::Pacman => {
            // A new container has no package lists. Otherwise they stay: refreshing them alone is a partial upgrade.
            let lists = fs::read_dir(host.system("/var/lib/pacman/sync")).is_ok_and(|mut files| files.next().is_some());
            step(false, &["pacman", if lists { "-S" } else { "-Sy" }, "--needed", "--noconfirm"], packages);
        }
        Manager::Brew => step(false, &["brew", "install"], packages),
    }
    steps
}

/// What to do about a thing that this manager has no package of.
pub fn without_a_package(title: &str) -> String {
    match title {
        "a C compiler" => "xcode-select --install".into(),
        _ => format!("{title} cannot be installed by this system's package manager"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::host::pretended;
    use super::*;

    const DEBIAN: &str =
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n";
    const ROCKY: &str = "NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";
    const MINT: &str = "ID=linuxmint\nID_LIKE='ubuntu debian'\n";

    fn lines(host: &Host, manager: Manager, packages: &[&str]) -> Vec<String> {
        install(host, manager, packages).iter().map(Step::line).collect()
    }

    #[test]
    fn os_release_names_the_manager() {
        assert_eq!(of_os_release(DEBIAN), Some(Manager::Apt));
        assert_eq!(of_os_release(ROCKY), Some(Manager::Dnf));
        assert_eq!(of_os_release(MINT), Some(Manager::Apt));
        assert_eq!(of_os_release("ID=fedora"), Some(Manager::Dnf));
        assert_eq!(of_os_release("NAME=Arch Linux\nID=arch"), Some(Manager::Pacman));
        assert_eq!(of_os_release("ID=manjaro\nID_LIKE=arch"), Some(Manager::Pacman));
        assert_eq!(of_os_release("ID=nixos"), None);
        assert_eq!(of_os_release("VERSION_ID=debian"), None);
        assert_eq!(of_os_release(""), None);
    }

    #[test]
    fn an_unknown_distribution_is_told_by_its_program() {
        let (host, _folder) = pretended::empty();
        assert_eq!(of(&host), None);
        host.add_file("/etc/os-release", "ID=unheardof");
        host.add_program("pacman", "");
        assert_eq!(of(&host), Some(Manager::Pacman));
    }

    #[test]
    fn os_release_wins_over_a_foreign_program() {
        let (host, _folder) = pretended::empty();
        host.add_file("/etc/os-release", "ID=fedora");
        host.add_program("apt-get", "");
        host.add_program("dnf", "");
        assert_eq!(of(&host), Some(Manager::Dnf));
    }

    #[test]
    fn macos_has_homebrew() {
        let (mut host, _folder) = pretended::empty();
        host.macos = true;
        assert_eq!(of(&host), Some(Manager::Brew));
        assert_eq!(lines(&host, Manager::Brew, &["ffmpeg", "llvm"]), ["brew install ffmpeg llvm"]);
    }

    #[test]
    fn apt_is_refreshed_first_and_asks_nothing() {
        let (mut host, _folder) = pretended::empty();
        let install = "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends libclang-dev";
        assert_eq!(
            lines(&host, Manager::Apt, &["libclang-dev"]),
            ["sudo apt-get update".to_owned(), format!("sudo {install}")]
        );
        host.superuser = true;
        assert_eq!(lines(&host, Manager::Apt, &["libclang-dev"]), ["apt-get update", install]);
    }

    #[test]
    fn dnf_s_provides_are_quoted_for_a_shell_and_passed_bare() {
        let (mut host, _folder) = pretended::empty();
        host.superuser = true;
        let steps = install(&host, Manager::Dnf, &["pkgconfig(libavcodec)"]);
        assert_eq!(steps[0].line(), "dnf install --assumeyes 'pkgconfig(libavcodec)'");
        assert_eq!(steps[0].words.last().unwrap(), "pkgconfig(libavcodec)");
    }

    #[test]
    fn pacman_is_refreshed_only_where_it_never_was() {
        let (mut host, _folder) = pretended::empty();
        host.superuser = true;
        assert_eq!(lines(&host, Manager::Pacman, &["clang"]), ["pacman -Sy --needed --noconfirm clang"]);
        host.add_file("/var/lib/pacman/sync/core.db", "");
        assert_eq!(lines(&host, Manager::Pacman, &["clang"]), ["pacman -S --needed --noconfirm clang"]);
    }
}
