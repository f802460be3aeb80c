//! Who the BMC is: firmware, maker, and what it knows of the machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{DeviceId, GetSystemInfoParameter, SystemInfoParameter};

use super::manufacturer::manufacturer_text;
use crate::bmc::Bmc;

/// What stands for a text that the BMC does not have.
const NOT_AVAILABLE: &str = "N/A";
/// How long the machine's texts are believed while nothing else has changed.
const FRESH: Duration = Duration::from_secs(3600);

/// Label values of `ipmi_bmc_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BmcInfo {
    /// Address of the BMC's page.
    pub bmc_url: String,
    /// Firmware of the BMC.
    pub firmware_revision: String,
    /// Maker, by name and number.
    pub manufacturer_id: String,
    /// Firmware of the machine.
    pub system_firmware_version: String,
}

/// The texts cost several requests and hardly ever change.
#[derive(Default)]
pub(super) struct Cache {
    known: Option<Known>,
}

struct Known {
    identity: DeviceId,
    generation: u64,
    since: Instant,
    /// In the order of [`TEXTS`]; those that are not read yet are missing.
    texts: [Option<String>; 2],
    info: Option<Arc<BmcInfo>>,
}

const TEXTS: [SystemInfoParameter; 2] = [
    SystemInfoParameter::SystemFirmwareVersion,
    SystemInfoParameter::BmcUrl,
];

impl Cache {
    /// Reads the texts anew next time.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// Whether a deadline has cut the reading off.
    pub(super) fn is_unfinished(&self) -> bool {
        self.known
            .as_ref()
            .is_some_and(|known| known.texts.iter().any(Option::is_none))
    }

    /// The labels for a BMC that has just said that it is `identity`. Texts that
    /// it does not give are no failure.
    ///
    /// # Errors
    /// When the deadline comes first: that says nothing about the texts, and
    /// labels must not change with the BMC's pace. [`Self::go_on`] reads on.
    pub(super) async fn refresh(
        &mut self,
        bmc: &mut Bmc,
        identity: DeviceId,
        deadline: Instant,
    ) -> Result<Arc<BmcInfo>, Error> {
        let is_current = |known: &Known| {
            known.identity == identity
                && known.generation == bmc.generation()
                && known.since.elapsed() < FRESH
        };
        let mut known = match self.known.take().filter(is_current) {
            Some(known) => known,
            None => Known {
                identity,
                generation: bmc.generation(),
                since: Instant::now(),
                texts: [None, None],
                info: None,
            },
        };
        let result = known.read(bmc, deadline).await;
        let known = self.known.insert(known);
        result.map(|()| known.info())
    }

    /// Reads what a deadline has cut off. A BMC that does not give a text in all
    /// this time has none.
    pub(super) async fn go_on(&mut self, bmc: &mut Bmc, deadline: Instant) {
        if let Some(known) = &mut self.known
            && known.read(bmc, deadline).await.is_err()
        {
            for text in &mut known.texts {
                text.get_or_insert_with(|| NOT_AVAILABLE.to_owned());
            }
        }
    }
}

impl Known {
    async fn read(&mut self, bmc: &mut Bmc, deadline: Instant) -> Result<(), Error> {
        for (parameter, known) in TEXTS.into_iter().zip(&mut self.texts) {
            if known.is_none() {
                *known = Some(match text(bmc, parameter, deadline).await {
                    Ok(text) => text,
                    Err(error @ Error::Deadline { .. }) => return Err(error),
                    // Gone in the middle of it, which says nothing about the text either.
                    Err(error) if !bmc.is_open() => return Err(error),
                    Err(_) => NOT_AVAILABLE.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The labels, made once all texts are read.
    fn info(&mut self) -> Arc<BmcInfo> {
        let [version, url] = self.texts.each_ref().map(Option::as_deref);
        let version = match version.unwrap_or(NOT_AVAILABLE) {
            NOT_AVAILABLE => NOT_AVAILABLE,
            version => leading_version(version),
        };
        let info = self.info.get_or_insert_with(|| {
            Arc::new(BmcInfo {
                bmc_url: url.unwrap_or(NOT_AVAILABLE).to_owned(),
                firmware_revision: leading_version(&self.identity.firmware_revision()).to_owned(),
                manufacturer_id: manufacturer_text(self.identity.manufacturer),
                system_firmware_version: version.to_owned(),
            })
        });
        Arc::clone(info)
    }
}

/// Reads a text block by block, up to its first NUL.
async fn text(
    bmc: &mut Bmc,
    parameter: SystemInfoParameter,
    deadline: Instant,
) -> Result<String, Error> {
    let mut text = Vec::new();
    let mut total = 0;
    for block in 0..GetSystemInfoParameter::MAX_BLOCKS {
        let command = GetSystemInfoParameter { parameter, block };
        let answer = bmc.call(&command, deadline).await?;
        total = answer.total_bytes.map_or(total, usize::from);
        let is_empty = answer.text.is_empty();
        text.extend(answer.text);
        if is_empty || text.len() >= total {
            break;
        }
    }
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    text.truncate(end);
    // The encoding byte is wrong as often as not; what is not UTF-8 is Latin-1.
    Ok(String::from_utf8(text)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()))
}

/// Leading digits and dots: what the label has always held. A version that
/// starts with a letter gives an empty one.
fn leading_version(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_keep_their_leading_digits_and_dots() {
        for (text, version) in [
            ("2.6.1", "2.6.1"),
            ("2.6.1 build 7", "2.6.1"),
            ("2.ff", "2."),
            ("U30 v2.1", ""),
            ("", ""),
        ] {
            assert_eq!(leading_version(text), version);
        }
    }
}
