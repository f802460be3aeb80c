//! The Python with the packages of the tests.

use std::path::{Path, PathBuf};

/// A program of it.
///
/// # Panics
///
/// When it is missing or out of date: a test that needs it fails instead of
/// passing without it.
pub(crate) fn python(program: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/requirements.txt");
    let wanted = std::fs::read(list).expect("requirements");
    let installed = std::fs::read(home.join("controller.txt")).unwrap_or_default();
    assert!(
        wanted == installed,
        "what {list} names is not in {}; `make setup` installs it",
        home.display()
    );
    home.join("bin").join(program)
}
