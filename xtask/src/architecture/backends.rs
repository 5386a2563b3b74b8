//! No backend is named outside of its own files and the one list of backends.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use std::fs;
use std::path::Path;

/// What names a backend, in small letters.
const NAMES: &[&str] =
    &["cuda", "nvenc", "nvdec", "cuvid", "nvidia", "vaapi", "va_display", "va-api", "libva", "videotoolbox", "vulkan"];

/// Where backends may be named: each backend's raw and public folder, its encoders' options, the public unsafe
/// functions, the list of backends (`memory.rs`), and the list of modules.
const OWN: &[&str] = &["raw/backend/", "raw/unsafe_api.rs", "cuda/", "vaapi/", "options/", "memory.rs", "lib.rs"];

/// Whether backends may be named in a file of the library.
pub fn is_own(file: &Path) -> bool {
    let file = file.to_string_lossy().replace('\\', "/");
    OWN.iter().any(|own| file.starts_with(own))
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
