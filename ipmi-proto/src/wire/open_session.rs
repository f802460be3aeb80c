//! Open Session: which algorithms, at which privilege, under which ids
//! (IPMI 2.0 sections 13.17 and 13.18).

use super::{DecodeError, Reader, RmcpStatus};

/// The three algorithm numbers that make a cipher suite, as they are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AlgorithmTriple {
    /// RAKP authentication algorithm (IPMI 2.0 table 13-17).
    pub authentication: u8,
    /// Integrity algorithm (table 13-18).
    pub integrity: u8,
    /// Confidentiality algorithm (table 13-19).
    pub confidentiality: u8,
}

impl AlgorithmTriple {
    fn encode(self, out: &mut Vec<u8>) {
        for (kind, algorithm) in [
            (0, self.authentication),
            (1, self.integrity),
            (2, self.confidentiality),
        ] {
            out.extend_from_slice(&[kind, 0, 0, 8, algorithm, 0, 0, 0]);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut algorithm = |field| {
            let [_kind, _, _, _length, algorithm, _, _, _] = reader.array(field)?;
            Ok(algorithm & 0x3f)
        };
        Ok(Self {
            authentication: algorithm("authentication payload")?,
            integrity: algorithm("integrity payload")?,
            confidentiality: algorithm("confidentiality payload")?,
        })
    }
}

/// Open Session request, 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSessionRequest {
    /// Repeated by the response.
    pub tag: u8,
    /// Wanted privilege level; 0 asks for the highest that the suite allows.
    pub max_privilege: u8,
    /// The session id that the BMC shall use towards the console; never 0.
    pub console_session_id: u32,
    /// The proposed algorithms.
    pub algorithms: AlgorithmTriple,
}

impl OpenSessionRequest {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.tag, self.max_privilege, 0, 0]);
        out.extend_from_slice(&self.console_session_id.to_le_bytes());
        self.algorithms.encode(out);
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let [tag, max_privilege, _, _] = reader.array("message tag")?;
        Ok(Self {
            tag,
            max_privilege: max_privilege & 0x0f,
            console_session_id: reader.u32("console session id")?,
            algorithms: AlgorithmTriple::decode(&mut reader)?,
        })
    }
}

/// Open Session response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenSessionResponse {
    /// The BMC has reserved a session.
    Accepted {
        /// Repeated from the request.
        tag: u8,
        /// The highest level that this session can have.
        max_privilege: u8,
        /// Repeated from the request.
        console_session_id: u32,
        /// The session id that the console must use towards the BMC.
        bmc_session_id: u32,
        /// The agreed algorithms.
        algorithms: AlgorithmTriple,
    },
    /// The BMC refuses.
    Refused {
        /// Repeated from the request, if the answer is long enough to say.
        tag: Option<u8>,
        /// Why.
        status: RmcpStatus,
        /// Repeated from the request, if the answer is long enough to say.
        console_session_id: Option<u32>,
    },
}

impl OpenSessionResponse {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Accepted {
                tag,
                max_privilege,
                console_session_id,
                bmc_session_id,
                algorithms,
            } => {
                out.extend_from_slice(&[tag, RmcpStatus::OK.0, max_privilege, 0]);
                out.extend_from_slice(&console_session_id.to_le_bytes());
                out.extend_from_slice(&bmc_session_id.to_le_bytes());
                algorithms.encode(out);
            }
            Self::Refused {
                tag,
                status,
                console_session_id,
            } => {
                let Some(tag) = tag else {
                    out.push(status.0);
                    return;
                };
                out.extend_from_slice(&[tag, status.0]);
                if let Some(id) = console_session_id {
                    out.extend_from_slice(&[0, 0]);
                    out.extend_from_slice(&id.to_le_bytes());
                }
            }
        }
    }

    /// Decodes the payload. A single byte is taken for a status, as some
    /// Supermicro boards send it.
    ///
    /// # Errors
    /// When it is empty, or reports success and is cut off.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8("message tag")?;
        let Some(status) = reader.optional_u8().map(RmcpStatus) else {
            return Ok(Self::Refused {
                tag: None,
                status: RmcpStatus(first),
                console_session_id: None,
            });
        };
        if !status.is_ok() {
            reader.optional_u8();
            reader.optional_u8();
            return Ok(Self::Refused {
                tag: Some(first),
                status,
                console_session_id: reader.u32("console session id").ok(),
            });
        }
        let max_privilege = reader.u8("maximum privilege level")? & 0x0f;
        reader.u8("reserved")?;
        Ok(Self::Accepted {
            tag: first,
            max_privilege,
            console_session_id: reader.u32("console session id")?,
            bmc_session_id: reader.u32("BMC session id")?,
            algorithms: AlgorithmTriple::decode(&mut reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn triple() -> impl Strategy<Value = AlgorithmTriple> {
        (0_u8..0x40, 0_u8..0x40, 0_u8..0x40).prop_map(
            |(authentication, integrity, confidentiality)| AlgorithmTriple {
                authentication,
                integrity,
                confidentiality,
            },
        )
    }

    proptest! {
        #[test]
        fn request_survives_encoding(
            tag: u8, max_privilege in 0_u8..16, console_session_id: u32, algorithms in triple(),
        ) {
            let request = OpenSessionRequest { tag, max_privilege, console_session_id, algorithms };
            let mut bytes = Vec::new();
            request.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), 32);
            prop_assert_eq!(OpenSessionRequest::decode(&bytes), Ok(request));
        }

        #[test]
        fn response_survives_encoding(
            tag: u8, max_privilege in 0_u8..16, console_session_id: u32, bmc_session_id: u32,
            algorithms in triple(),
        ) {
            let response = OpenSessionResponse::Accepted {
                tag, max_privilege, console_session_id, bmc_session_id, algorithms,
            };
            let mut bytes = Vec::new();
            response.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), 36);
            prop_assert_eq!(OpenSessionResponse::decode(&bytes), Ok(response));
        }

        #[test]
        fn every_short_response_is_a_refusal_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..36),
        ) {
            let decoded = OpenSessionResponse::decode(&bytes);
            let accepted = matches!(decoded, Ok(OpenSessionResponse::Accepted { .. }));
            prop_assert!(!accepted);
        }
    }

    #[test]
    fn refusals_of_one_two_and_eight_bytes_are_understood() {
        let refused = |tag, status, console_session_id| OpenSessionResponse::Refused {
            tag,
            status: RmcpStatus(status),
            console_session_id,
        };
        for (bytes, expected) in [
            (&[0x11_u8][..], refused(None, 0x11, None)),
            (&[7, 0x01][..], refused(Some(7), 0x01, None)),
            (
                &[7, 0x04, 0, 0, 0x78, 0x56, 0x34, 0x12][..],
                refused(Some(7), 0x04, Some(0x1234_5678)),
            ),
        ] {
            assert_eq!(OpenSessionResponse::decode(bytes), Ok(expected));
        }
    }
}
