//! Which module of the library names which: `use` items, and every other path that begins with `crate` or `super`.
//!
//! What is compiled for tests alone is left out.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, Meta, Token, UseTree};

/// A module's path below the crate, `raw::avutil`; empty for the crate itself.
pub type Module = Vec<String>;

/// One place where a module names another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: Module,
    pub file: PathBuf,
    pub line: usize,
    /// The module that the named item is in, re-exports followed.
    pub to: Module,
    pub path: String,
}

/// A crate's modules and what they name.
pub struct Imports {
    pub all: Vec<Import>,
    /// Each module with its file.
    pub files: BTreeMap<Module, PathBuf>,
}

/// A path as it is written, made absolute.
struct Named {
    from: Module,
    file: PathBuf,
    line: usize,
    path: Module,
}

#[derive(Default)]
struct Reader {
    root: PathBuf,
    files: BTreeMap<Module, PathBuf>,
    named: Vec<Named>,
    /// What a module makes visible under another name: (module, name) -> absolute path.
    reexports: BTreeMap<(Module, String), Module>,
}

/// Reads the crate whose `lib.rs` lies in that folder.
pub fn read(folder: &Path) -> Result<Imports> {
    let mut reader = Reader { root: folder.to_owned(), ..Reader::default() };
    reader.file(&folder.join("lib.rs"), folder, Vec::new())?;
    let all = reader
        .named
        .iter()
        .map(|named| Import {
            from: named.from.clone(),
            file: named.file.clone(),
            line: named.line,
            to: reader.module_of(&named.path),
            path: named.path.join("::"),
        })
        .collect();
    Ok(Imports { all, files: reader.files })
}

impl Reader {
    /// `children` is the folder in which the module's own modules lie.
    fn file(&mut self, path: &Path, children: &Path, module: Module) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        let relative = path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        self.files.insert(module.clone(), relative.clone());
        self.items(&parsed.items, &relative, children, &module)
    }
    fn items(&mut self, items: &[Item], file: &Path, children: &Path, module: &Module) -> Result<()> {
        for item in items {
            if is_for_tests(attributes(item)) {
                continue;
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let below = [module.as_slice(), std::slice::from_ref(&name)].concat();
                    match &inner.content {
                        Some((_, items)) => self.items(items, file, &children.join(&name), &below)?,
                        None => {
                            let (path, folder) = self.found(&name, &inner.attrs, children)?;
                            self.file(&path, &folder, below)?;
                        }
                    }
                }
                Item::Use(item) => {
                    let is_visible = !matches!(item.vis, syn::Visibility::Inherited);
                    let mut paths = Vec::new();
                    flatten(&item.tree, Vec::new(), &mut paths);
                    for (path, line, alias) in paths {
                        // A path of a visible `use` may begin with a module beside it.
                        let begins_here = path.first().is_some_and(|first| is_child(first, items));
                        let absolute = if begins_here {
                            Some([module.as_slice(), &path].concat())
                        } else {
                            absolute(&path, module)
                        };
                        let Some(absolute) = absolute else { continue };
                        if is_visible || module.is_empty() {
                            self.reexports.insert((module.clone(), alias), absolute.clone());
                        }
                        self.named.push(Named { from: module.clone(), file: file.into(), line, path: absolute });
                    }
                }
                other => self.tokens(other.to_token_stream(), file, module),
            }
        }
        Ok(())
    }
    /// The file of `mod name;`, and the folder of its own modules.
    fn found(&self, name: &str, attributes: &[Attribute], children: &Path) -> Result<(PathBuf, PathBuf)> {
        if let Some(path) = told_path(attributes) {
            return Ok((children.join(path), children.join(name)));
        }
        let (file, folder) = (children.join(format!("{name}.rs")), children.join(name));
        Ok(if file.exists() { (file, folder) } else { (folder.join("mod.rs"), folder) })
    }
    /// Paths in anything else, macros included.
    fn tokens(&mut self, tokens: TokenStream, file: &Path, module: &Module) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream(), file, module),
                // A `use` within a function.
                TokenTree::Ident(ident) if *ident == "use" => {
                    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
                    let end = tokens[at..].iter().position(is_end).map_or(tokens.len(), |length| at + length);
                    let tree = tokens[at + 1..end].iter().cloned().collect();
                    if let Ok(tree) = syn::parse2::<UseTree>(tree) {
                        let mut paths = Vec::new();
                        flatten(&tree, Vec::new(), &mut paths);
                        for (path, line, _) in paths {
                            if let Some(path) = absolute(&path, module) {
                                self.named.push(Named { from: module.clone(), file: file.into(), line, path });
                            }
                        }
                        at = end;
                        continue;
                    }
                }
                TokenTree::Ident(ident) if *ident == "crate" || *ident == "super" => {
                    let (path, next) = path_at(&tokens, at);
                    if path.len() > 1 {
                        let line = ident.span().start().line;
                        if let Some(path) = absolute(&path, module) {
                            self.named.push(Named { from: module.clone(), file: file.into(), line, path });
                        }
                    }
                    at = next;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }
    /// The module in which a path ends.
    fn module_of(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        let mut rest: Vec<String> = path.to_vec();
        // A chain of re-exports has an end; the bound is for a file that does not compile.
        for _ in 0..64 {
            let Some(first) = rest.first().cloned() else { break };
            let below = [module.as_slice(), std::slice::from_ref(&first)].concat();
            if self.files.contains_key(&below) {
                module = below;
                rest.remove(0);
            } else if let Some(target) = self.reexports.get(&(module.clone(), first)) {
                rest.splice(..1, target.iter().cloned());
                module = Module::new();
            } else {
                break;
            }
        }
        module
    }
}

/// Whether one of these modules has that name.
fn is_child(name: &str, items: &[Item]) -> bool {
    items.iter().any(|item| matches!(item, Item::Mod(inner) if inner.ident == name))
}

pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether the attributes leave an item out of every build but those of tests.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|attribute| attribute.parse_args::<Meta>().ok()).any(|condition| needs_tests(&condition))
}

/// Whether a condition of `cfg` holds in tests alone.
fn needs_tests(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("doctest"),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
            match () {
                () if list.path.is_ident("all") => parts.iter().any(needs_tests),
                () if list.path.is_ident("any") => !parts.is_empty() && parts.iter().all(needs_tests),
                () => false,
            }
        }
        Meta::NameValue(_) => false,
    }
}

fn told_path(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let Meta::NameValue(value) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &value.value else { return None };
    Some(text.value())
}

/// Each path of a `use` tree, its line, and the name that it gets.
fn flatten(tree: &UseTree, before: Module, paths: &mut Vec<(Module, usize, String)>) {
    let with = |ident: &proc_macro2::Ident| [before.as_slice(), &[ident.to_string()]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, with(&path.ident), paths),
        UseTree::Name(name) if name.ident == "self" => {
            let last = before.last().cloned().unwrap_or_default();
            paths.push((before, name.ident.span().start().line, last));
        }
        UseTree::Name(name) => paths.push((with(&name.ident), name.ident.span().start().line, name.ident.to_string())),
        UseTree::Rename(name) => {
            paths.push((with(&name.ident), name.ident.span().start().line, name.rename.to_string()));
        }
        UseTree::Glob(glob) => paths.push((before, glob.star_token.spans[0].start().line, "*".into())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before.clone(), paths)),
    }
}

/// Below the crate; `None` for a path into another crate.
fn absolute(path: &[String], module: &[String]) -> Option<Module> {
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat())
        }
        _ => None,
    }
}

/// The path that begins at a token, and where it ends.
fn path_at(tokens: &[TokenTree], from: usize) -> (Module, usize) {
    let mut path = Module::new();
    let mut at = from;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        path.push(ident.to_string());
        let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        if !(is_colon(at + 1) && is_colon(at + 2)) {
            return (path, at + 1);
        }
        at += 3;
    }
    (path, at)
}
