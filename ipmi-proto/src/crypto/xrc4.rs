//! xRC4-128 and xRC4-40: RC4 with a key made for each initialisation vector
//! (IPMI 2.0 section 13.30).
//!
//! In front of the cipher text stand four bytes that say where in the key stream
//! it begins, and, when that is 0, the vector of a new stream. What the console
//! sends starts a new stream with each packet, so that a lost packet costs
//! nothing; a BMC may go on with the one that it began.

use md5::{Digest, Md5};
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::cipher::{CipherError, IV_BYTES};

/// "Data offset" in front of the vector or the cipher text.
const OFFSET_BYTES: usize = 4;
/// How many bytes of the key stream may be passed over at once: more than a BMC
/// can have sent in sixteen lost packets, and little work.
const MAX_SKIP: u32 = 16 * 1024;

/// How much of the derived key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XRc4Strength {
    /// xRC4-128: all sixteen bytes.
    Bits128,
    /// xRC4-40: the first five bytes.
    Bits40,
}

impl XRc4Strength {
    fn key_bytes(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits40 => 5,
        }
    }
}

/// xRC4 under one K2.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct XRc4 {
    k2: [u8; 16],
    #[zeroize(skip)]
    strength: XRc4Strength,
}

/// The BMC's key stream, as far as it is used up. Empty before the first packet.
#[derive(Default)]
pub struct KeyStream(Option<Running>);

struct Running {
    rc4: Rc4,
    /// How many bytes are used up.
    position: u32,
}

impl XRc4 {
    /// Takes the first 16 bytes of K2.
    pub fn new(k2: &[u8; 16], strength: XRc4Strength) -> Self {
        Self { k2: *k2, strength }
    }

    /// A stream from its beginning: the key is MD5 over K2 and the vector.
    fn stream(&self, iv: &[u8; IV_BYTES]) -> Rc4 {
        let mut key: [u8; 16] = Md5::new_with_prefix(self.k2)
            .chain_update(iv)
            .finalize()
            .into();
        let used = key.get(..self.strength.key_bytes()).unwrap_or(&key);
        let rc4 = Rc4::new_from_slice(used).expect("RC4 takes keys of 1 to 256 bytes");
        key.zeroize();
        rc4
    }

    /// Appends offset 0, vector and cipher text for `message`.
    ///
    /// `iv` must be fresh and random for every call.
    pub fn encrypt(&self, iv: [u8; IV_BYTES], message: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&[0; OFFSET_BYTES]);
        out.extend_from_slice(&iv);
        let start = out.len();
        out.extend_from_slice(message);
        if let Some(text) = out.get_mut(start..) {
            self.stream(&iv).apply_keystream(text);
        }
    }

    /// The length of the whole encrypted payload for a message of `length` bytes.
    pub fn encrypted_bytes(length: usize) -> usize {
        OFFSET_BYTES + IV_BYTES + length
    }

    /// Decrypts `payload` in place and gives the message inside; `stream` moves on.
    ///
    /// # Errors
    /// When the header is cut off, or the text lies behind what is used up of the
    /// stream, or far ahead of it.
    pub fn decrypt<'p>(
        &self,
        payload: &'p mut [u8],
        stream: &mut KeyStream,
    ) -> Result<&'p [u8], CipherError> {
        let length = payload.len();
        let (offset, rest) = payload
            .split_first_chunk_mut::<OFFSET_BYTES>()
            .ok_or(CipherError::Length(length))?;
        let offset = u32::from_le_bytes(*offset);
        let text = if offset == 0 {
            let (iv, text) = rest
                .split_first_chunk_mut::<IV_BYTES>()
                .ok_or(CipherError::Length(length))?;
            stream.0 = Some(Running {
                rc4: self.stream(iv),
                position: 0,
            });
            text
        } else {
            rest
        };
        let outside = CipherError::Offset(offset);
        let running = stream.0.as_mut().ok_or(outside)?;
        let skip = offset.checked_sub(running.position).ok_or(outside)?;
        if skip > MAX_SKIP {
            return Err(outside);
        }
        let end = u32::try_from(text.len())
            .ok()
            .and_then(|bytes| offset.checked_add(bytes))
            .ok_or(outside)?;
        for _ in 0..skip {
            running.rc4.apply_keystream(&mut [0]);
        }
        running.rc4.apply_keystream(text);
        running.position = end;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    /// RFC 6229: key streams of keys that count up from 1, at offsets 0 and 4096.
    #[test]
    fn the_stream_is_rc4() {
        for (key, start, far) in [
            (
                &hex!("0102030405")[..],
                hex!("b2396305f03dc027ccc3524a0a1118a8"),
                hex!("ff25b58995996707e51fbdf08b34d875"),
            ),
            (
                &hex!("0102030405060708090a0b0c0d0e0f10")[..],
                hex!("9ac7cc9a609d1ef7b2932899cde41b97"),
                hex!("a36a4c301ae8ac13610ccbc12256cacc"),
            ),
        ] {
            let mut rc4 = Rc4::new_from_slice(key).unwrap();
            let mut stream = vec![0; 4112];
            rc4.apply_keystream(&mut stream);
            assert_eq!(stream[..16], start);
            assert_eq!(stream[4096..], far);
        }
    }

    fn sealed(cipher: &XRc4, iv: [u8; 16], message: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        cipher.encrypt(iv, message, &mut payload);
        payload
    }

    /// Computed with OpenSSL's MD5 and RC4 from the specification's formula.
    #[test]
    fn the_key_is_md5_of_k2_and_vector() {
        let k2 = hex!("000102030405060708090a0b0c0d0e0f");
        let iv = hex!("101112131415161718191a1b1c1d1e1f");
        for (strength, text) in [
            (
                XRc4Strength::Bits128,
                "aff86faa793972bc756627ecdf305c9dcaea",
            ),
            (XRc4Strength::Bits40, "7e7dece130b15465b9ec0230cd102b0c3cf6"),
        ] {
            let payload = sealed(&XRc4::new(&k2, strength), iv, b"in-session payload");
            assert_eq!(payload[..4], [0; 4]);
            assert_eq!(payload[4..20], iv);
            assert_eq!(hex::encode(&payload[20..]), text, "{strength:?}");
        }
    }

    /// One long text, cut into packets that go on where the last one ended.
    fn cut(cipher: &XRc4, iv: [u8; 16], text: &[u8], at: usize) -> (Vec<u8>, Vec<u8>) {
        let whole = sealed(cipher, iv, text);
        let (first, rest) = whole.split_at(20 + at);
        let offset = u32::try_from(at).unwrap().to_le_bytes();
        (first.to_vec(), [&offset[..], rest].concat())
    }

    #[test]
    fn a_stream_that_goes_on_is_followed_also_over_a_gap() {
        let cipher = XRc4::new(&[9; 16], XRc4Strength::Bits128);
        let text: Vec<u8> = (0..=250).collect();
        let mut stream = KeyStream::default();
        let (mut first, mut second) = cut(&cipher, [1; 16], &text, 100);
        assert_eq!(cipher.decrypt(&mut first, &mut stream), Ok(&text[..100]));
        assert_eq!(cipher.decrypt(&mut second, &mut stream), Ok(&text[100..]));

        // The first 60 bytes arrive, the next 100 are lost.
        let mut stream = KeyStream::default();
        let (mut first, _) = cut(&cipher, [2; 16], &text, 60);
        let (_, mut third) = cut(&cipher, [2; 16], &text, 160);
        assert_eq!(cipher.decrypt(&mut first, &mut stream), Ok(&text[..60]));
        assert_eq!(cipher.decrypt(&mut third, &mut stream), Ok(&text[160..]));
    }

    #[test]
    fn offsets_that_lead_nowhere_are_refused() {
        let cipher = XRc4::new(&[9; 16], XRc4Strength::Bits40);
        let refuse = |stream: &mut KeyStream, offset: u32| {
            let mut payload = [&offset.to_le_bytes()[..], b"text"].concat();
            let result = cipher.decrypt(&mut payload, stream).map(<[u8]>::to_vec);
            assert_eq!(result, Err(CipherError::Offset(offset)));
        };
        refuse(&mut KeyStream::default(), 7);
        let mut stream = KeyStream::default();
        let mut start = sealed(&cipher, [3; 16], b"0123456789");
        cipher.decrypt(&mut start, &mut stream).unwrap();
        for offset in [1, 9, 10 + MAX_SKIP + 1, u32::MAX] {
            refuse(&mut stream, offset);
        }
        for length in [0, 3, 4, 19] {
            let result = cipher
                .decrypt(&mut vec![0; length], &mut stream)
                .map(|_| ());
            assert_eq!(result, Err(CipherError::Length(length)), "{length}");
        }
    }

    proptest! {
        #[test]
        fn messages_survive_encryption(
            k2: [u8; 16], iv: [u8; 16], short: bool,
            message in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let strength = if short { XRc4Strength::Bits40 } else { XRc4Strength::Bits128 };
            let cipher = XRc4::new(&k2, strength);
            let mut payload = sealed(&cipher, iv, &message);
            prop_assert_eq!(payload.len(), XRc4::encrypted_bytes(message.len()));
            let mut stream = KeyStream::default();
            prop_assert_eq!(cipher.decrypt(&mut payload, &mut stream), Ok(message.as_slice()));
        }

        #[test]
        fn arbitrary_payloads_never_panic(
            k2: [u8; 16],
            payloads in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..40), 0..8),
        ) {
            let mut stream = KeyStream::default();
            for mut payload in payloads {
                let _ = XRc4::new(&k2, XRc4Strength::Bits128).decrypt(&mut payload, &mut stream);
            }
        }
    }
}
