//! Collector `guid`: the identifier of the system.

use rmcp_ipmi::command::GetSystemGuid;

use super::metric::SYSTEM_GUID;
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

/// Asks each time: what says which machine this is must not be remembered.
pub(super) async fn collect(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let guid = asker.ask(&GetSystemGuid).await?;
    let mut samples = Samples::default();
    // Many boards were never given one, and all of those would be the same
    // machine.
    if !guid.is_unset() {
        let labels = vec![
            ("ipmi", guid.ipmi_text()),
            ("rfc4122", guid.rfc4122_text()),
            ("smbios", guid.smbios_text()),
        ];
        samples.put_with(&SYSTEM_GUID, labels, 1.0);
    }
    Ok(samples)
}
