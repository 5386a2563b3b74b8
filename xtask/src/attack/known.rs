//! The committed list of what FFmpeg itself does wrong, by version: such findings are counted, not failed.
//!
//! An entry is three lines, with an empty line behind it:
//! ```text
//! versions: 59 61
//! match: format=avif && SEGV
//! what: the avif muxer dereferences a null pointer when no packet was written
//! ```
//! The versions are libavcodec's (59 is FFmpeg 5, 61 is 7, 63 is 9). All texts of `match` must stand in the finding: in its kind, in what
//! the program said last, in the report or its stack.

use super::judge::Finding;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Known(Vec<Entry>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    versions: Vec<u32>,
    texts: Vec<String>,
    what: String,
}

impl Known {
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }
    pub fn parse(text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        let mut entry = Entry::default();
        for (number, line) in text.lines().chain([""]).enumerate() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            if line.is_empty() {
                if entry != Entry::default() {
                    if entry.versions.is_empty() || entry.texts.is_empty() || entry.what.is_empty() {
                        bail!("line {number}: the entry before lacks `versions:`, `match:` or `what:`");
                    }
                    entries.push(std::mem::take(&mut entry));
                }
                continue;
            }
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("versions", value)) => {
                    let versions: Result<Vec<u32>, _> = value.split_whitespace().map(str::parse).collect();
                    entry.versions = versions.with_context(|| format!("line {}: versions are numbers", number + 1))?;
                }
                Some(("match", value)) => {
                    entry.texts =
                        value.split("&&").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
                }
                Some(("what", value)) => entry.what = value.to_owned(),
                _ => bail!("line {}: `versions:`, `match:` or `what:` is due", number + 1),
            }
        }
        Ok(Known(entries))
    }
    /// The entry that the finding is.
    pub fn entry(&self, finding: &Finding, version: Option<u32>) -> Option<usize> {
        let text = finding.all();
        self.0.iter().position(|entry| {
            version.is_none_or(|version| entry.versions.contains(&version))
                && entry.texts.iter().all(|part| text.contains(part.as_str()))
        })
    }
    pub fn sentence(&self, entry: usize) -> &str {
        self.0.get(entry).map_or("", |entry| &entry.what)
    }
    /// The sentences of this version's entries that were not met.
    pub fn unmet(&self, met: &BTreeMap<usize, u64>, version: Option<u32>) -> Vec<&str> {
        let here = |entry: &Entry| version.is_none_or(|version| entry.versions.contains(&version));
        self.0
            .iter()
            .enumerate()
            .filter(|(index, entry)| here(entry) && !met.contains_key(index))
            .map(|(_, entry)| entry.what.as_str())
            .collect()
    }
}
