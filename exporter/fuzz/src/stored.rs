//! What was written to disk and may have been damaged there: cache files behind
//! their checksums, and recordings.
//!
//! Must hold: nothing panics, and a recording that is read is written and read
//! again as the same one.

use std::collections::BTreeMap;

use bmc_recording::Recording;
use ipmi_exporter::bmc::LoginStore;
use ipmi_exporter::collect::store;

pub fn run(data: &[u8]) {
    let _ = store::decode(data);
    let _ = LoginStore::is_readable(data);
    recording(data);
}

/// Files of a recording, with a zero byte between them; the first is the manifest.
fn recording(data: &[u8]) {
    const NAMES: [&str; 4] = ["recording.json", "sdr.hex", "sel.hex", "fru0.hex"];
    let contents = data.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let files: BTreeMap<String, Vec<u8>> =
        NAMES.map(str::to_owned).into_iter().zip(contents).collect();
    if let Ok(recording) = Recording::from_files(&files) {
        let again = recording.to_files().ok();
        let again = again.and_then(|files| Recording::from_files(&files).ok());
        assert!(again == Some(recording));
    }
}
