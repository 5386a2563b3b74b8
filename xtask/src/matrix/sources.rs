//! Where the roots' packages come from: the Debian mirror that this machine's apt uses, by way of the same proxies.

use super::deb822;
use crate::setup::host::Host;
use std::ffi::OsStr;
use std::fs;

/// The mirror of a machine whose apt names no Debian mirror, as on Ubuntu.
pub const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";
/// Suites of Debian's main archive. An apt of Ubuntu, or of another project's packages, has none of them.
const SUITES: &[&str] =
    &["sid", "unstable", "testing", "stable", "oldstable", "buster", "bullseye", "bookworm", "trixie", "forky", "duke"];

/// One `deb` entry of apt's lists.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
}

/// The Debian mirror of this machine's apt.
pub fn mirror(host: &Host) -> Option<String> {
    let os_release = fs::read_to_string(host.system("/etc/os-release")).unwrap_or_default();
    // The release after the ones above has a name that only the machine knows.
    let own = os_release
        .lines()
        .any(|line| line.trim() == "ID=debian")
        .then(|| os_release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")))
        .flatten();
    let is_debian = |suite: &String| SUITES.contains(&suite.as_str()) || Some(suite.as_str()) == own;
    sources(host)
        .into_iter()
        .filter(|source| source.suites.iter().any(is_debian) && source.components.iter().any(|name| name == "main"))
        .flat_map(|source| source.uris)
        .find(|uri| !uri.starts_with("cdrom:") && !uri.starts_with("file:"))
}

/// Every entry of /etc/apt/sources.list and of the files beside it.
fn sources(host: &Host) -> Vec<Source> {
    let folder = host.system("/etc/apt/sources.list.d");
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.insert(0, host.system("/etc/apt/sources.list"));
    let entries = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        match path.extension().and_then(OsStr::to_str) {
            Some("list") => text.lines().filter_map(one_line).collect(),
            Some("sources") => deb822::paragraphs(&text).filter_map(|fields| stanza(&fields)).collect(),
            _ => Vec::new(),
        }
    };
    paths.iter().flat_map(entries).collect()
}

/// `deb [options] URI SUITE COMPONENT...`
fn one_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t']))?.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source { uris: vec![words.next()?], suites: vec![words.next()?], components: words.collect() })
}

/// A paragraph of a `.sources` file.
fn stanza(fields: &deb822::Paragraph) -> Option<Source> {
    let enabled =
        fields.get("enabled").is_none_or(|value| !matches!(value.to_lowercase().as_str(), "no" | "false" | "0"));
    let of_packages = fields.words("types").iter().any(|name| name == "deb");
    let source =
        Source { uris: fields.words("uris"), suites: fields.words("suites"), components: fields.words("components") };
    (enabled && of_packages).then_some(source)
}

/// What this machine's apt says of proxies, as lines of configuration. mmdebstrap gives the apt that it runs no other part of it.
pub fn proxies(host: &Host) -> Vec<String> {
    let output = host.command(OsStr::new("apt-config")).and_then(|mut command| command.arg("dump").output().ok());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let is_proxy = |line: &&str| line.starts_with("Acquire::") && line.to_lowercase().contains("proxy");
    text.lines().filter(is_proxy).map(str::to_owned).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::super::setup::host::pretended;
    use super::*;

    const DEBIAN: &str = "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\n\
        Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
        Types: deb\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security\nComponents: main\n";

    #[test]
    fn the_mirror_of_a_sources_file_is_found() {
        let (host, _folder) = pretended::empty();
        host.add_file("/etc/apt/sources.list.d/debian.sources", DEBIAN);
        assert_eq!(mirror(&host).as_deref(), Some("http://mirror.test/debian"));
    }

    #[test]
    fn the_mirror_of_a_one_line_list_is_found() {
        for line in [
            "deb http://mirror.test/debian bookworm main contrib",
            "deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.test/debian\tsid main # comment",
            "deb-src http://source.test/debian bookworm main\ndeb cdrom:[Debian]/ bookworm main\ndeb http://mirror.test/debian stable main",
        ] {
            let (host, _folder) = pretended::empty();
            host.add_file("/etc/apt/sources.list", line);
            assert_eq!(mirror(&host).as_deref(), Some("http://mirror.test/debian"), "{line}");
        }
    }

    #[test]
    fn other_archives_are_no_debian_mirror() {
        let (host, _folder) = pretended::empty();
        assert_eq!(mirror(&host), None, "an apt with no lists at all");
        host.add_file(
            "/etc/apt/sources.list",
            "# deb http://old.test/debian bookworm main\ndeb http://security.test/debian-security bookworm-security main\n\
             deb http://ubuntu.test/ubuntu noble main\ndeb https://tools.test/apt stable tools\ndebug\ndeb\n",
        );
        host.add_file(
            "/etc/apt/sources.list.d/off.sources",
            &format!("Enabled: no\n{}", DEBIAN.split_once("\n\n").unwrap().0),
        );
        host.add_file("/etc/apt/sources.list.d/old.sources.save", DEBIAN);
        assert_eq!(mirror(&host), None);
    }

    #[test]
    fn a_debian_that_nobody_knows_yet_names_its_suite() {
        let (host, _folder) = pretended::empty();
        host.add_file("/etc/apt/sources.list", "deb http://mirror.test/debian zurg main");
        host.add_file("/etc/os-release", "ID=ubuntu\nVERSION_CODENAME=zurg\n");
        assert_eq!(mirror(&host), None);
        host.add_file("/etc/os-release", "ID=debian\nVERSION_CODENAME=zurg\n");
        assert_eq!(mirror(&host).as_deref(), Some("http://mirror.test/debian"));
    }

    #[test]
    fn apt_s_proxies_are_passed_on() {
        let (host, _folder) = pretended::empty();
        assert!(proxies(&host).is_empty());
        host.add_program(
            "apt-config",
            "echo 'Acquire::http::Proxy \"http://proxy.test:3142\";'; echo 'Acquire::Languages \"none\";'; echo 'APT \"\";'",
        );
        assert_eq!(proxies(&host), [r#"Acquire::http::Proxy "http://proxy.test:3142";"#]);
    }
}
