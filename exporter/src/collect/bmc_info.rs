//! Who the BMC is: firmware, maker, and what it knows of the machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{DeviceId, GetSystemInfoParameter, SystemInfoParameter};

use super::manufacturer::manufacturer_text;
use crate::target::Bmc;

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
    info: Arc<BmcInfo>,
    identity: DeviceId,
    generation: u64,
    read_at: Instant,
}

impl Cache {
    /// Reads the texts anew next time.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// The labels for a BMC that has just said that it is `identity`. Texts that
    /// it does not give are no failure.
    pub(super) async fn refresh(
        &mut self,
        bmc: &mut Bmc,
        identity: DeviceId,
        deadline: Instant,
    ) -> Arc<BmcInfo> {
        if let Some(known) = &self.known
            && known.identity == identity
            && known.generation == bmc.generation()
            && known.read_at.elapsed() < FRESH
        {
            return Arc::clone(&known.info);
        }
        let version = text(bmc, SystemInfoParameter::SystemFirmwareVersion, deadline).await;
        let url = text(bmc, SystemInfoParameter::BmcUrl, deadline).await;
        // Only a deadline says nothing about the BMC: ask again next time.
        let is_final = ![&version, &url]
            .into_iter()
            .any(|text| matches!(text, Err(Error::Deadline { .. })));
        let info = Arc::new(BmcInfo {
            bmc_url: url.unwrap_or_else(|_| NOT_AVAILABLE.to_owned()),
            firmware_revision: leading_version(&identity.firmware_revision()).to_owned(),
            manufacturer_id: manufacturer_text(identity.manufacturer),
            system_firmware_version: version.map_or_else(
                |_| NOT_AVAILABLE.to_owned(),
                |version| leading_version(&version).to_owned(),
            ),
        });
        self.known = is_final.then(|| Known {
            info: Arc::clone(&info),
            identity,
            generation: bmc.generation(),
            read_at: Instant::now(),
        });
        info
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
