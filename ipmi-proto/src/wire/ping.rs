//! The presence ping: asks whether something at an address speaks RMCP, and the
//! answer, the pong (IPMI 2.0 sections 13.2.3 and 13.2.4).
//!
//! Many BMCs do not answer it. Whoever looks for BMCs had better ask for the
//! [authentication capabilities](crate::command::GetChannelAuthenticationCapabilities)
//! too.

use super::{DecodeError, Reader};

const CLASS_ASF: u8 = 0x06;
/// The Alerting Standards Forum's number, big-endian unlike all else in IPMI.
const ASF_IANA: u32 = 4542;
const PRESENCE_PING: u8 = 0x80;
const PRESENCE_PONG: u8 = 0x40;
/// Supported entities: speaks IPMI.
const IPMI_SUPPORTED: u8 = 0x80;

/// Appends a whole presence ping datagram. A tag of FFh asks for no answer.
pub fn encode_ping(out: &mut Vec<u8>, tag: u8) {
    out.extend_from_slice(&[0x06, 0x00, 0xff, CLASS_ASF]);
    out.extend_from_slice(&ASF_IANA.to_be_bytes());
    out.extend_from_slice(&[PRESENCE_PING, tag, 0x00, 0x00]);
}

/// The answer to a presence ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// Repeated from the ping.
    pub tag: u8,
    /// Whose definition the OEM bytes follow; the ASF's own number when nobody's.
    pub oem_iana: u32,
    /// Bit 7: speaks IPMI; low nibble 1: ASF 1.0.
    pub entities: u8,
    /// What else it can do, of no use to a client.
    pub interactions: u8,
}

impl Pong {
    /// Decodes a whole datagram.
    ///
    /// Builds of OpenBMC that write the vendor's number the wrong way round are
    /// understood.
    ///
    /// # Errors
    /// When it is cut off, or something else than a pong.
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(datagram);
        let expect = |field, found: u8, wanted: u8| {
            let value = u32::from(found);
            (found == wanted)
                .then_some(())
                .ok_or(DecodeError::Invalid { field, value })
        };
        expect("RMCP version", reader.u8("RMCP version")?, 0x06)?;
        reader.take(2, "RMCP header")?;
        expect("RMCP class", reader.u8("RMCP class")?, CLASS_ASF)?;
        let iana: [u8; 4] = reader.array("ASF number")?;
        let is_swapped = u32::from_le_bytes(iana) == ASF_IANA;
        if u32::from_be_bytes(iana) != ASF_IANA && !is_swapped {
            return Err(DecodeError::Invalid {
                field: "ASF number",
                value: u32::from_be_bytes(iana),
            });
        }
        expect(
            "ASF message type",
            reader.u8("ASF message type")?,
            PRESENCE_PONG,
        )?;
        let tag = reader.u8("tag")?;
        // Reserved; the data's length, which is always 16.
        reader.take(2, "data length")?;
        let oem: [u8; 4] = reader.array("OEM number")?;
        reader.take(4, "OEM data")?;
        Ok(Self {
            tag,
            oem_iana: if is_swapped {
                u32::from_le_bytes(oem)
            } else {
                u32::from_be_bytes(oem)
            },
            entities: reader.u8("supported entities")?,
            interactions: reader.u8("supported interactions")?,
        })
    }

    /// Whether what answers says that it speaks IPMI.
    pub fn speaks_ipmi(&self) -> bool {
        self.entities & IPMI_SUPPORTED != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    /// What ipmitool sends first.
    #[test]
    fn a_ping_is_encoded_as_captured() {
        let mut datagram = Vec::new();
        encode_ping(&mut datagram, 0);
        assert_eq!(datagram, hex!("0600ff06000011be80000000"));
    }

    /// OpenIPMI's `ipmi_sim`, and an OpenBMC (public text of phosphor-net-ipmid
    /// issue 25) that swaps the number.
    #[test]
    fn both_orders_of_the_number_are_read() {
        for datagram in [
            hex!("0600ff06000011be40000010000011be000000008100000000000000"),
            hex!("0600ff06be11000040000010be110000000000008100000000000000"),
        ] {
            let pong = Pong::decode(&datagram).unwrap();
            assert_eq!((pong.tag, pong.oem_iana), (0, ASF_IANA));
            assert!(pong.speaks_ipmi());
        }
    }

    #[test]
    fn other_messages_are_no_pong() {
        let mut ping = Vec::new();
        encode_ping(&mut ping, 7);
        assert!(Pong::decode(&ping).is_err());
        let pong = hex!("0600ff06000011be40050010000011be000000000100000000000000");
        assert!(!Pong::decode(&pong).unwrap().speaks_ipmi());
        for (index, value) in [(0, 5), (3, 7), (4, 1), (8, 0x41)] {
            let mut other = pong;
            other[index] = value;
            assert!(Pong::decode(&other).is_err(), "byte {index}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Pong::decode(&bytes);
            let _ = Pong::decode(&[&hex!("0600ff06000011be40")[..], &bytes].concat());
        }
    }
}
