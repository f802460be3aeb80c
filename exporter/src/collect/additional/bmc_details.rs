//! Collector `bmc-details`: more of what Get Device ID says.

use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{DeviceId, GetDeviceId};
use rmcp_ipmi::wire::CompletionCode;

use super::metric::{BMC_CAPABILITY, BMC_DEVICE, BMC_FIRMWARE_AVAILABLE};
use crate::bmc::Bmc;
use crate::collect::CollectError;
use crate::collect::sample::Samples;

/// Values of the label `capability`, by the bits of additional device support.
const CAPABILITIES: [&str; 8] = [
    "sensor",
    "sdr_repository",
    "sel",
    "fru_inventory",
    "event_receiver",
    "event_generator",
    "bridge",
    "chassis",
];

/// Asks anew each time: an update must be seen when it begins. Gives the
/// identity too, unless the BMC is too busy with itself to tell.
pub(in crate::collect) async fn collect(
    bmc: &mut Bmc,
    deadline: Instant,
) -> Result<(Option<DeviceId>, Samples), CollectError> {
    match bmc.call(&GetDeviceId, deadline).await {
        Ok(identity) => Ok((Some(identity), samples(&identity))),
        // These answers are the news.
        Err(Error::Completion(
            CompletionCode::FIRMWARE_UPDATING | CompletionCode::BMC_INITIALIZING,
        )) => {
            let mut samples = Samples::default();
            samples.put(&BMC_FIRMWARE_AVAILABLE, 0.0);
            Ok((None, samples))
        }
        Err(error) => Err(error.into()),
    }
}

fn samples(identity: &DeviceId) -> Samples {
    let mut samples = Samples::default();
    samples.put_flag(
        &BMC_FIRMWARE_AVAILABLE,
        Vec::new(),
        !identity.is_unavailable(),
    );
    samples.put_states(&BMC_CAPABILITY, "capability", &CAPABILITIES, |bit| {
        identity.additional_support & (1 << bit) != 0
    });
    samples.put_flag(
        &BMC_CAPABILITY,
        vec![("capability", "device_sdrs".to_owned())],
        identity.provides_device_sdrs(),
    );
    let auxiliary = identity
        .auxiliary_firmware
        .map_or_else(String::new, |bytes| {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        });
    let labels = vec![
        ("auxiliary_firmware_revision", auxiliary),
        ("device_id", identity.device_id.to_string()),
        ("device_revision", identity.hardware_revision().to_string()),
        ("ipmi_version", identity.ipmi_version_text()),
        ("product_id", identity.product.to_string()),
    ];
    samples.put_with(&BMC_DEVICE, labels, 1.0);
    samples
}

#[cfg(test)]
mod tests {
    use rmcp_ipmi::command::Command;

    use super::*;

    #[test]
    fn a_recorded_identity_in_labels() {
        // iDRAC9 firmware in an emulator, which never became available.
        let data = [
            0x20, 0x81, 0x83, 0x00, 0x02, 0x7f, 0xa2, 0x02, 0x00, 0x00, 0x01, 0, 0, 0, 0x0a,
        ];
        let samples = samples(&GetDeviceId.decode(&data).unwrap());
        let text: Vec<String> = samples
            .iter()
            .map(|sample| {
                format!(
                    "{}{} {}",
                    sample.metric.name,
                    sample.label_text().as_str(),
                    sample.value
                )
            })
            .collect();
        assert_eq!(text.len(), 11);
        assert_eq!(text[0], "ipmi_bmc_firmware_available 0");
        assert_eq!(text[8], "ipmi_bmc_capability{capability=\"chassis\"} 0");
        assert_eq!(text[9], "ipmi_bmc_capability{capability=\"device_sdrs\"} 1");
        assert_eq!(
            text[10],
            "ipmi_bmc_device_info{auxiliary_firmware_revision=\"0000000a\",device_id=\"32\",\
             device_revision=\"1\",ipmi_version=\"2.0\",product_id=\"256\"} 1"
        );
    }
}
