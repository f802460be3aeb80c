//! AES-CBC-128 with the padding that IPMI defines (IPMI 2.0 section 13.29).

use aes::Aes128;
use aes::cipher::{
    Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, block_padding::NoPadding,
};

/// The initialisation vector in front of each encrypted payload.
pub const IV_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
/// What pad bytes are: they count up from 1.
const PADDING: [u8; BLOCK_BYTES - 1] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Why an encrypted payload was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// Too short for what stands in front, or not whole blocks (AES).
    #[error("an encrypted payload cannot have {0} bytes")]
    Length(usize),
    /// The pad count or a pad byte is wrong.
    #[error("the padding inside the encrypted payload is wrong")]
    Padding,
    /// This place in the key stream is used up already, or far ahead (xRC4).
    #[error("the encrypted payload is from byte {0} of the key stream, which cannot be reached")]
    Offset(u32),
}

/// AES-CBC-128 under one key; the key schedule is computed once.
#[derive(Clone)]
pub struct AesCbc(Aes128);

impl AesCbc {
    /// Takes the first 16 bytes of K2.
    pub fn new(key: &[u8; 16]) -> Self {
        Self(Aes128::new(key.into()))
    }

    /// Appends vector, cipher text and padding for `message`.
    ///
    /// `iv` must be fresh and random for every call.
    pub fn encrypt(&self, iv: [u8; IV_BYTES], message: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&iv);
        let start = out.len();
        out.extend_from_slice(message);
        let pad = Self::pad_bytes(message.len());
        out.extend_from_slice(PADDING.get(..usize::from(pad)).unwrap_or_default());
        out.push(pad);
        if let Some(blocks) = out.get_mut(start..) {
            let length = blocks.len();
            // By reference: a copy of the key schedule would have to be wiped again.
            let encrypted = cbc::Encryptor::inner_iv_init(&self.0, &Array::from(iv))
                .encrypt_padded::<NoPadding>(blocks, length);
            debug_assert!(encrypted.is_ok(), "padded to whole blocks above");
        }
    }

    /// How many pad bytes follow a message of `length` bytes, the count not
    /// included: 0 to 15.
    fn pad_bytes(length: usize) -> u8 {
        let used = length.wrapping_add(1) % BLOCK_BYTES;
        let pad = (BLOCK_BYTES - used) % BLOCK_BYTES;
        u8::try_from(pad).unwrap_or_default()
    }

    /// The length of the whole encrypted payload for a message of `length` bytes.
    pub fn encrypted_bytes(length: usize) -> usize {
        IV_BYTES + (length / BLOCK_BYTES + 1) * BLOCK_BYTES
    }

    /// Decrypts `payload` in place and gives the message inside.
    ///
    /// A pad count of 16 (a whole surplus block) is accepted: some BMCs send it.
    ///
    /// # Errors
    /// When the length is not that of vector and whole blocks, or the padding
    /// does not count up from 1 to its own length.
    pub fn decrypt<'p>(&self, payload: &'p mut [u8]) -> Result<&'p [u8], CipherError> {
        let length = payload.len();
        let Some((iv, blocks)) = payload.split_first_chunk_mut::<IV_BYTES>() else {
            return Err(CipherError::Length(length));
        };
        if blocks.is_empty() || !blocks.len().is_multiple_of(BLOCK_BYTES) {
            return Err(CipherError::Length(length));
        }
        let clear = cbc::Decryptor::inner_iv_init(&self.0, &Array::from(*iv))
            .decrypt_padded::<NoPadding>(blocks)
            .map_err(|_| CipherError::Length(length))?;
        let (count, rest) = clear.split_last().ok_or(CipherError::Length(length))?;
        let message_bytes = rest
            .len()
            .checked_sub(usize::from(*count))
            .ok_or(CipherError::Padding)?;
        let (message, padding) = rest
            .split_at_checked(message_bytes)
            .ok_or(CipherError::Padding)?;
        let counts_up = (1..=*count).eq(padding.iter().copied());
        if usize::from(*count) > BLOCK_BYTES || !counts_up {
            return Err(CipherError::Padding);
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_survive_encryption(
            key: [u8; 16], iv: [u8; 16],
            message in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let cipher = AesCbc::new(&key);
            let mut payload = Vec::new();
            cipher.encrypt(iv, &message, &mut payload);
            prop_assert_eq!(payload.len(), AesCbc::encrypted_bytes(message.len()));
            prop_assert_eq!(cipher.decrypt(&mut payload), Ok(message.as_slice()));
        }

        #[test]
        fn arbitrary_payloads_never_panic(
            key: [u8; 16], mut payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = AesCbc::new(&key).decrypt(&mut payload);
        }
    }

    /// Encrypts whole blocks as they are, so that paddings can be wrong.
    fn sealed(cipher: &AesCbc, clear: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; IV_BYTES];
        payload.extend_from_slice(clear);
        let blocks = &mut payload[IV_BYTES..];
        let length = blocks.len();
        cbc::Encryptor::inner_iv_init(cipher.0.clone(), &Array::from([0; IV_BYTES]))
            .encrypt_padded::<NoPadding>(blocks, length)
            .unwrap();
        payload
    }

    #[test]
    fn a_whole_surplus_block_of_padding_is_accepted_and_worse_is_not() {
        let cipher = AesCbc::new(&[7; 16]);
        let mut clear = vec![0xaa; 15];
        clear.extend(1..=16);
        clear.push(16);
        assert_eq!(
            cipher.decrypt(&mut sealed(&cipher, &clear)),
            Ok(&[0xaa; 15][..])
        );

        for (last_bytes, why) in [
            ([3, 2, 1, 3], "counts down"),
            ([1, 2, 3, 4], "pad byte 4 is missing"),
            ([0, 0, 0, 255], "count beyond the payload"),
            ([16, 17, 18, 17], "more than a block"),
        ] {
            let mut clear = vec![0; 28];
            clear.extend(last_bytes);
            assert_eq!(
                cipher.decrypt(&mut sealed(&cipher, &clear)),
                Err(CipherError::Padding),
                "{why}"
            );
        }
    }

    #[test]
    fn lengths_that_are_not_whole_blocks_are_refused() {
        let cipher = AesCbc::new(&[7; 16]);
        for length in [0, 15, 16, 17, 31, 33] {
            assert_eq!(
                cipher.decrypt(&mut vec![0; length]),
                Err(CipherError::Length(length))
            );
        }
    }
}
