//! The kept inputs of the fuzz targets, run as plain tests: what the fuzzer once
//! found stays found, without the fuzzer. `scripts/fuzz.sh` looks for more.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets reach it")]
mod fuzz;

/// Runs all inputs of a target; a failure names the input.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| run(&data));
        assert!(result.is_ok(), "failed: {}", path.display());
        inputs += 1;
    }
    assert!(inputs >= 10, "{inputs} inputs in {}", folder.display());
    run(&[]);
}

macro_rules! targets {
    ($($target:ident),+ $(,)?) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), fuzz::$target::run);
        }
    )+};
}

targets!(
    datagram,
    fru,
    handshake,
    in_session,
    sdr,
    sdr_walk,
    sel,
    session_v15
);

#[test]
fn every_target_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "datagram",
            "fru",
            "handshake",
            "in_session",
            "sdr",
            "sdr_walk",
            "sel",
            "session_v15",
        ]
    );
}
