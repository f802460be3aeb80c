//! Takes out of a recording what says whose machine it is: serial numbers, asset
//! tags, host and operating system names, GUIDs, addresses.
//!
//! What is taken out is overwritten with as many bytes, so that everything keeps
//! its place and its length; checksums are kept right, or as wrong as they were.
//! User names are never read in the first place, and neither are addresses of
//! the network unless they are to be kept.

mod fru;

use std::collections::BTreeSet;

use bmc_recording::{Controller, EventLog, Exchange, Recording};
use rmcp_ipmi::wire::NetFn;

use super::reads::{GET_DEVICE_GUID, GET_SYSTEM_GUID, GET_SYSTEM_INFO, SYSTEM_TEXTS};

/// What stands where something was.
const FILLER: u8 = b'X';
/// Shorter texts are too likely to stand somewhere by chance.
const SHORTEST_SECRET: usize = 5;
/// Parameters whose texts are looked for elsewhere, too: system name, address of
/// the BMC's page.
const NAMES: [u8; 2] = [2, 6];
/// Fewer printable bytes in a row are no text.
const SHORTEST_TEXT: usize = 4;

/// Removes everything personal from `recording`, says there what was removed, and
/// gives the same sentences. `names` are further words that must not stand
/// anywhere: the name or address under which the BMC was asked.
pub fn remove(recording: &mut Recording, names: &[&str]) -> Vec<String> {
    let mut removal = Removal::default();
    removal.secrets.extend(
        names
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .filter(|name| name.len() >= SHORTEST_SECRET),
    );
    removal.exchanges(&mut recording.sessionless);
    removal.controller(&mut recording.bmc);
    for satellite in &mut recording.satellites {
        removal.controller(&mut satellite.controller);
    }
    // What was taken out of one place may stand in another.
    let scrubbed = removal.scrub(recording);
    let sentences = removal.sentences(scrubbed);
    recording.provenance.removed.extend_from_slice(&sentences);
    sentences
}

#[derive(Default)]
struct Removal {
    /// Texts that were taken out.
    secrets: BTreeSet<Vec<u8>>,
    guids: usize,
    texts: usize,
    frus: usize,
    entries: usize,
}

impl Removal {
    fn controller(&mut self, controller: &mut Controller) {
        self.exchanges(&mut controller.answers);
        for fru in &mut controller.frus {
            let before = fru.image.clone();
            for secret in fru::remove(&mut fru.image) {
                self.remember(&secret);
            }
            self.frus += usize::from(fru.image != before);
        }
        if let Some(log) = &mut controller.log {
            self.log(log);
        }
    }

    fn exchanges(&mut self, rows: &mut [Exchange]) {
        for row in rows {
            if NetFn(row.net_fn) != NetFn::APP {
                continue;
            }
            match row.command {
                GET_DEVICE_GUID | GET_SYSTEM_GUID => self.guid(row),
                GET_SYSTEM_INFO => self.text(row),
                _ => {}
            }
        }
    }

    fn guid(&mut self, row: &mut Exchange) {
        if row.response.iter().any(|byte| *byte != 0) {
            self.guids += 1;
            self.secrets.insert(row.response.clone());
            row.response.fill(0);
        }
    }

    fn text(&mut self, row: &mut Exchange) {
        let Some([_, parameter, block, _]) = row.request.as_deref() else {
            return;
        };
        let is_personal = |(number, personal): &(u8, bool)| number == parameter && *personal;
        if !SYSTEM_TEXTS.iter().any(is_personal) {
            return;
        }
        // Revision and block; then, in the first one, encoding and length.
        let head = if *block == 0 { 4 } else { 2 };
        let text = row.response.get_mut(head..).unwrap_or_default();
        if text.iter().all(|byte| matches!(byte, 0 | b' ')) {
            return;
        }
        self.texts += 1;
        if NAMES.contains(parameter) {
            let secret = text.to_vec();
            self.remember(&secret);
        }
        for byte in text.iter_mut().filter(|byte| **byte != 0) {
            *byte = FILLER;
        }
    }

    /// Texts in entries whose content is the vendor's, or the last words of an
    /// operating system (IPMI 2.0 sections 32.2 and 32.3).
    fn log(&mut self, log: &mut EventLog) {
        for entry in &mut log.entries {
            let text = match entry.bytes.get(2) {
                Some(0xc0..=0xdf) => entry.bytes.get_mut(10..),
                Some(0xe0..) => entry.bytes.get_mut(3..),
                _ => None,
            };
            let Some(text) = text else {
                continue;
            };
            let runs = text.chunk_by_mut(|a, b| is_printable(*a) == is_printable(*b));
            let mut found = false;
            for run in runs {
                if run.len() >= SHORTEST_TEXT && run.iter().all(|byte| is_printable(*byte)) {
                    run.fill(FILLER);
                    found = true;
                }
            }
            self.entries += usize::from(found);
        }
    }

    fn remember(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let is_filler = text.iter().all(|byte| Some(byte) == text.first());
        if text.len() >= SHORTEST_SECRET && !is_filler {
            self.secrets.insert(text.to_vec());
        }
    }

    /// Overwrites what was taken out wherever else it stands; says how often.
    fn scrub(&self, recording: &mut Recording) -> usize {
        let mut count = self.scrub_rows(&mut recording.sessionless);
        let satellites = recording.satellites.iter_mut();
        let behind = satellites.map(|satellite| &mut satellite.controller);
        for controller in std::iter::once(&mut recording.bmc).chain(behind) {
            count += self.scrub_rows(&mut controller.answers);
            let repository = controller.repository.iter_mut();
            let repository = repository.flat_map(|sdr| &mut sdr.records);
            let own = controller.device_sdrs.iter_mut();
            let own = own.flat_map(|sdrs| &mut sdrs.records);
            for record in repository.chain(own) {
                count += self.scrub_bytes(&mut record.bytes);
            }
            for entry in controller.log.iter_mut().flat_map(|log| &mut log.entries) {
                count += self.scrub_bytes(&mut entry.bytes);
            }
            for image in controller.frus.iter_mut().map(|fru| &mut fru.image) {
                fru::keep_checksums(image, |image| count += self.scrub_bytes(image));
            }
        }
        let machine = &mut recording.machine;
        for text in [&mut machine.vendor, &mut machine.model] {
            for secret in &self.secrets {
                if let Ok(secret) = std::str::from_utf8(secret) {
                    *text = text.replace(secret, &"X".repeat(secret.len()));
                }
            }
        }
        count
    }

    fn scrub_rows(&self, rows: &mut [Exchange]) -> usize {
        rows.iter_mut()
            .map(|row| self.scrub_bytes(&mut row.response))
            .sum()
    }

    fn scrub_bytes(&self, bytes: &mut [u8]) -> usize {
        let mut count = 0;
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(found) = bytes
                .get(from..)
                .unwrap_or_default()
                .windows(secret.len())
                .position(|window| window == secret.as_slice())
            {
                let at = from + found;
                from = at + secret.len();
                if let Some(text) = bytes.get_mut(at..from) {
                    text.fill(FILLER);
                    count += 1;
                }
            }
        }
        count
    }

    fn sentences(&self, scrubbed: usize) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut say = |count: usize, sentence: &str| {
            if count > 0 {
                sentences.push(sentence.replace('#', &count.to_string()));
            }
        };
        say(
            self.frus,
            "Serial numbers, asset tags, custom fields and vendors' areas of # FRU images are \
             overwritten; checksums follow.",
        );
        say(
            self.texts,
            "Host name, operating system and BMC address (# answers of Get System Info Parameters) \
             are overwritten.",
        );
        say(self.guids, "# GUIDs are zeros.");
        say(
            self.entries,
            "Texts in # vendors' entries of the event log are overwritten.",
        );
        say(
            scrubbed,
            "What was removed in one place stood in # others and is overwritten there, too.",
        );
        sentences
    }
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use bmc_recording::{Answer, LogEntry, Repository, SdrRecord};

    fn row(command: u8, request: &[u8], response: &[u8]) -> Exchange {
        Exchange::new(NetFn::APP.0, command, request, Answer::ok(response))
    }

    #[test]
    fn names_guids_and_last_words_are_overwritten_in_place() {
        let mut recording = Recording::default();
        recording.bmc.answers = vec![
            row(GET_SYSTEM_GUID, &[], &[0x44; 16]),
            row(GET_SYSTEM_INFO, &[0, 1, 0, 0], b"\x11\x00\x00\x05ABCDE"),
            row(
                GET_SYSTEM_INFO,
                &[0, 2, 0, 0],
                b"\x11\x00\x00\x08db-prod7\0\0",
            ),
            row(GET_SYSTEM_INFO, &[0, 3, 1, 0], b"\x11\x01Linux\0"),
            row(GET_SYSTEM_INFO, &[0, 6, 0, 0], &[0x11, 0, 0, 0]),
            row(0x01, &[], b"..db-prod7.."),
        ];
        let mut panic = [0; 16];
        panic[2] = 0xf0;
        panic[5..].copy_from_slice(b"Oops on db1");
        recording.bmc.log = Some(EventLog {
            info: None,
            entries: vec![LogEntry::new(panic), LogEntry::new([0x41; 16])],
        });
        recording.bmc.repository = Some(Repository {
            records: vec![SdrRecord::new(b"\x01\x00\x51\xc0\x0bbmc.example".to_vec())],
            ..Repository::default()
        });
        let sentences = remove(&mut recording, &["bmc.example", "short"]);
        let responses: Vec<&[u8]> = recording
            .bmc
            .answers
            .iter()
            .map(|row| &*row.response)
            .collect();
        assert_eq!(responses[0], [0; 16]);
        assert_eq!(responses[1], b"\x11\x00\x00\x05ABCDE");
        assert_eq!(responses[2], b"\x11\x00\x00\x08XXXXXXXX\0\0");
        assert_eq!(responses[3], b"\x11\x01XXXXX\0");
        assert_eq!(responses[4], [0x11, 0, 0, 0]);
        assert_eq!(responses[5], b"..XXXXXXXX..");
        let entries = &recording.bmc.log.as_ref().unwrap().entries;
        assert_eq!(&entries[0].bytes[3..], b"\0\0XXXXXXXXXXX");
        assert_eq!(entries[1].bytes, [0x41; 16]);
        let records = &recording.bmc.repository.as_ref().unwrap().records;
        assert_eq!(&records[0].bytes[5..], b"XXXXXXXXXXX");
        assert_eq!(sentences.len(), 4, "{sentences:?}");
        assert_eq!(recording.provenance.removed, sentences);
    }
}
