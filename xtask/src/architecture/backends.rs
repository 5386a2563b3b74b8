//! No backend is named outside of its own files and the one list of backends.

use super::imports::{Imports, Module};
use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use std::fs;
use std::path::Path;

/// What names a backend, in small letters, besides the names of the folders in raw/backend.
const NAMES: &[&str] =
    &["cuda", "nvenc", "nvdec", "cuvid", "nvidia", "vaapi", "va_display", "va-api", "libva", "videotoolbox", "vulkan"];

/// Where backends may be named besides a backend's own folders: its encoders' options, the public unsafe functions, the list of backends
/// (`memory.rs`), and the list of modules.
const LISTS: &[&str] = &["options/", "raw/unsafe_api.rs", "memory.rs", "lib.rs"];

/// Whether backends may be named in a file of the library: it is one of the lists, lies in raw/backend, or in the public module that is called as a
/// module of raw/backend is.
pub fn is_own(file: &Path, imports: &Imports) -> bool {
    let file = file.to_string_lossy().replace('\\', "/");
    let of_a_backend = |module: &Module| match module.as_slice() {
        [raw, backend, name] if raw == "raw" && backend == "backend" => {
            file.starts_with(&format!("{name}/")) || file == format!("{name}.rs")
        }
        _ => false,
    };
    file.starts_with("raw/backend/")
        || LISTS.iter().any(|list| file.starts_with(list))
        || imports.files.keys().any(of_a_backend)
}

/// The lines of a file's code that name a backend. Comments and tests may.
pub fn named(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
    let mut found = Vec::new();
    for item in parsed.items.iter().filter(|item| !super::imports::is_for_tests(super::imports::attributes(item))) {
        tokens(item.to_token_stream(), &mut found);
    }
    Ok(found)
}

fn tokens(stream: TokenStream, found: &mut Vec<(usize, String)>) {
    let tokens: Vec<_> = stream.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            // An attribute: documentation, and conditions of build/capabilities.rs.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                at += 1 + usize::from(matches!(tokens.get(at + 1), Some(TokenTree::Group(_))));
                continue;
            }
            TokenTree::Group(group) => self::tokens(group.stream(), found),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                let text = token.to_string();
                let small = text.to_lowercase();
                if NAMES.iter().any(|name| small.contains(name)) {
                    found.push((token.span().start().line, text));
                }
            }
            TokenTree::Punct(_) => {}
        }
        at += 1;
    }
}
