use super::*;
use tempfile::TempDir;

/// A crate of these files.
fn library(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn wrong_in(files: &[(&str, &str)]) -> Vec<String> {
    let folder = library(files);
    wrong(folder.path(), &imports::read(folder.path()).unwrap()).unwrap()
}

const LIB: (&str, &str) = (
    "lib.rs",
    "mod ffi;\nmod types;\nmod error;\nmod raw;\nmod frame;\npub use frame::Frame;\npub use error::Error;\n",
);

fn with(types: &str, error: &str, raw: &str, frame: &str) -> Vec<String> {
    wrong_in(&[LIB, ("ffi.rs", ""), ("types.rs", types), ("error.rs", error), ("raw.rs", raw), ("frame.rs", frame)])
}

#[test]
fn the_library_keeps_its_floors_and_its_picture_is_current() {
    let sources = workspace::root().join("src");
    let imports = imports::read(&sources).unwrap();
    assert!(imports.files.len() > 100 && imports.all.len() > 500, "{} {}", imports.files.len(), imports.all.len());
    assert_eq!(wrong(&sources, &imports).unwrap(), Vec::<String>::new());
    let committed = fs::read_to_string(workspace::root().join(PICTURE)).unwrap();
    assert!(committed == picture::draw(&imports), "run `cargo xtask architecture`");
}

#[test]
fn what_goes_down_is_fine() {
    let wrong =
        with("use crate::ffi;", "use crate::{ffi, types};", "use crate::Error;\nuse super::types;", "use crate::raw;");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_way_up_is_found() {
    assert_eq!(with("use crate::error::Error;", "", "", ""), ["src/types.rs:1: error::Error lies above"]);
    assert_eq!(with("", "\nuse crate::{types, raw::{a, b}};", "", "").len(), 2);
    // Through the crate's own re-export.
    assert_eq!(with("", "", "use crate::{Error, Frame};", ""), ["src/raw.rs:1: Frame lies above"]);
    // In code, in types, in macros, and by `super`.
    assert_eq!(with("", "", "fn f() { crate::frame::g() }", "").len(), 1);
    assert_eq!(with("", "", "struct S(super::frame::Frame);", "").len(), 1);
    assert_eq!(with("", "", "fn f() { println!(\"{}\", crate::frame::g()) }", "").len(), 1);
    assert_eq!(with("", "", "macro_rules! m { () => { $crate::frame::g() } }", "").len(), 1);
    assert_eq!(with("", "", "mod inner { use super::super::frame::Frame; }", "").len(), 1);
}

#[test]
fn a_use_within_a_function_is_read() {
    assert_eq!(with("", "", "fn f() { use crate::{frame::Frame, ffi}; }", "").len(), 1);
    assert_eq!(with("", "", "fn f() { { use super::frame; } }", "").len(), 1);
}

#[test]
fn only_what_tests_alone_have_is_left_out() {
    for condition in ["not(test)", "any(test, unix)", "unix", "feature = \"test\""] {
        assert_eq!(with("", "", &format!("#[cfg({condition})]\nuse crate::frame::Frame;"), "").len(), 1, "{condition}");
    }
    for condition in ["test", "all(test, unix)", "any(test, doctest)"] {
        let code = format!("#[cfg({condition})]\nmod tests {{ use crate::frame::Frame; }}");
        assert_eq!(with("", "", &code, ""), Vec::<String>::new(), "{condition}");
    }
    assert_eq!(with("", "", "", "#[cfg(not(test))]\nfn f() { let is_cuda = 1; }").len(), 1);
}

#[test]
fn a_new_backend_has_a_public_folder_of_its_name() {
    let wrong = wrong_in(&[
        ("lib.rs", "mod raw;\nmod vulkan;\nmod frame;"),
        ("raw/mod.rs", "mod backend;"),
        ("raw/backend/mod.rs", "mod vulkan;"),
        ("raw/backend/vulkan.rs", "fn vulkan() {}"),
        ("vulkan/mod.rs", "fn vulkan() {}"),
        ("frame.rs", "fn vulkan() {}"),
    ]);
    assert_eq!(wrong, ["src/frame.rs:1: vulkan names a backend"]);
}

#[test]
fn tests_may_name_anything() {
    assert_eq!(with("", "", "#[cfg(test)]\nmod tests { use crate::frame::Frame; }", ""), Vec::<String>::new());
}

#[test]
fn a_module_lies_where_it_is_declared() {
    let files = [
        ("lib.rs", "mod raw;\n#[path = \"raw/public.rs\"]\nmod public;\nmod frame;"),
        ("raw/mod.rs", ""),
        ("raw/public.rs", "use crate::frame::Frame;"),
        ("frame.rs", ""),
    ];
    assert_eq!(wrong_in(&files), Vec::<String>::new());
}

#[test]
fn a_backend_is_named_in_its_own_files_alone() {
    let wrong = with("", "", "", "// cuda\n/// CUDA\nfn f() { let is_cuda = 1; }\nconst N: &str = \"h264_nvenc\";");
    assert_eq!(wrong, ["src/frame.rs:3: is_cuda names a backend", "src/frame.rs:4: \"h264_nvenc\" names a backend"]);
    let own = wrong_in(&[
        ("lib.rs", "mod raw;"),
        ("raw/mod.rs", "mod backend;"),
        ("raw/backend/mod.rs", "mod cuda;"),
        ("raw/backend/cuda.rs", "fn cuda() {}"),
    ]);
    assert_eq!(own, Vec::<String>::new());
}
