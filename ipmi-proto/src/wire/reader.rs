//! A bounded cursor over bytes that came from a BMC.

/// Why bytes could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the field does.
    #[error("{field}: the bytes end {missing} short")]
    Truncated {
        /// Which field was being read.
        field: &'static str,
        /// How many bytes were missing.
        missing: usize,
    },
    /// A field holds a value that the format does not allow.
    #[error("{field}: value {value:#04x} is not allowed")]
    Invalid {
        /// Which field was being read.
        field: &'static str,
        /// What was found.
        value: u32,
    },
    /// A checksum does not match.
    #[error("{field}: wrong checksum")]
    Checksum {
        /// Which checksum.
        field: &'static str,
    },
    /// A declared length does not fit the bytes that are there.
    #[error("{field}: declared length {declared} does not fit {available} bytes")]
    Length {
        /// Which length.
        field: &'static str,
        /// What the packet says.
        declared: usize,
        /// What is there.
        available: usize,
    },
}

/// Reads fields from the front of a byte slice, never past its end.
///
/// ```
/// use rmcp_ipmi::wire::Reader;
///
/// let mut reader = Reader::new(&[0x51, 0x34, 0x12]);
/// assert_eq!(reader.u8("version"), Ok(0x51));
/// assert_eq!(reader.u16("count"), Ok(0x1234));
/// assert!(reader.u8("more").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Takes `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left; nothing is taken then.
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.rest.split_at_checked(count) else {
            return Err(DecodeError::Truncated {
                field,
                missing: count.saturating_sub(self.rest.len()),
            });
        };
        self.rest = tail;
        Ok(head)
    }

    /// Takes `N` bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((head, tail)) = self.rest.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated {
                field,
                missing: N.saturating_sub(self.rest.len()),
            });
        };
        self.rest = tail;
        Ok(*head)
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let [byte] = self.array(field)?;
        Ok(byte)
    }

    /// Takes one byte if there is one: for trailing fields that BMCs leave out.
    pub fn optional_u8(&mut self) -> Option<u8> {
        let (first, tail) = self.rest.split_first()?;
        self.rest = tail;
        Some(*first)
    }

    /// Takes a little-endian 16-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer than two bytes are left.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Takes a little-endian 24-bit number (manufacturer ids).
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer than three bytes are left.
    pub fn u24(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let [low, middle, high] = self.array(field)?;
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }

    /// Takes a little-endian 32-bit number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer than four bytes are left.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }
}
