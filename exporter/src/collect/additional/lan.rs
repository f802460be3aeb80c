//! Collector `lan`: the BMC's network interface.

use std::net::Ipv4Addr;

use rmcp_ipmi::command::{AddressSource, GetLanParameter, LanParameter};

use super::metric::LAN_INFO;
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

/// What was read last, and of which interface.
pub(super) type Cache = Kept<([u8; 6], Samples)>;

/// Asks for the MAC address each time, so that another machine is noticed, and
/// for the rest once in a while.
pub(super) async fn collect(
    asker: &mut Asker<'_>,
    cache: &mut Cache,
) -> Result<Samples, CollectError> {
    let mac = asker
        .ask(&GetLanParameter(LanParameter::MacAddress))
        .await?
        .mac_address()
        .ok_or(CollectError::Incomplete("the MAC address"))?;
    if let Some((known, samples)) = cache.get()
        && known == mac
    {
        return Ok(samples);
    }
    let mut optional = async |parameter| asker.ask_if_there(&GetLanParameter(parameter)).await;
    let address = optional(LanParameter::IpAddress).await?;
    let source = optional(LanParameter::AddressSource).await?;
    let vlan = optional(LanParameter::VlanId).await?;
    let labels = vec![
        (
            "ip_address",
            address
                .and_then(|value| value.ip_address())
                .map_or_else(String::new, |bytes| Ipv4Addr::from(bytes).to_string()),
        ),
        (
            "ip_source",
            source
                .and_then(|value| value.address_source())
                .map_or("", source_word)
                .to_owned(),
        ),
        ("mac_address", mac_text(mac)),
        (
            "vlan_id",
            vlan.and_then(|value| value.vlan_id()?)
                .map_or_else(String::new, |id| id.to_string()),
        ),
    ];
    let mut samples = Samples::default();
    samples.put_with(&LAN_INFO, labels, 1.0);
    let (_, samples) = cache.keep((mac, samples));
    Ok(samples)
}

fn source_word(source: AddressSource) -> &'static str {
    match source {
        AddressSource::Unspecified => "unspecified",
        AddressSource::Static => "static",
        AddressSource::Dhcp => "dhcp",
        AddressSource::Bios => "bios",
        AddressSource::Other => "other",
    }
}

fn mac_text(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_look_as_people_write_them() {
        assert_eq!(
            mac_text([0x02, 0, 0x5e, 0x0a, 0xff, 1]),
            "02:00:5e:0a:ff:01"
        );
    }
}
