//! The floor: the datagrams of a warm scrape, sent and received by a bare loop on
//! one thread, with the same ciphers on buffers that are made once. Whatever a
//! real exporter does beyond that is its own cost.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use anyhow::{Context, Result, ensure};
use hmac::{Hmac, Mac};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rmcp_ipmi::crypto::{CipherSuite, CipherSuiteId, KeyExchange, Password};
use rmcp_ipmi::wire::{
    OpenSessionRequest, OpenSessionResponse, PacketV20, PayloadType, Rakp1, Rakp2, Rakp3, Rakp4,
    Role, decode_rmcp, encode_sessionless_v20,
};
use sha2::Sha256;

use super::simulator::{PASSWORD, USER};
use crate::measure::thread_cpu_seconds;

/// HMAC-SHA256-128 and AES-CBC-128.
const SUITE: CipherSuiteId = CipherSuiteId(17);
const CONSOLE_SESSION: u32 = 0x0f10_0f10;
const BLOCK: usize = 16;
/// RMCP header, session header, vector, one block.
const HEAD_BYTES: usize = 16;
const CLEAR_AT: usize = HEAD_BYTES + BLOCK;
const CODE_BYTES: usize = 16;
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Network function, command, data.
type Question = (u8, u8, Vec<u8>);

/// A session whose requests are ready.
pub(super) struct Floor {
    socket: UdpSocket,
    aes: Aes128,
    hmac: Hmac<Sha256>,
    rng: StdRng,
    session: u32,
    sequence: u32,
    questions: Vec<Question>,
}

/// What a run of the floor took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) cpu: f64,
    pub(super) wall: Duration,
    pub(super) requests: usize,
}

impl Floor {
    /// Logs in and readies the requests of a warm scrape with so many sensors:
    /// identity, chassis status, power, the stamps of the records, each sensor.
    ///
    /// # Errors
    /// When the log-in fails.
    pub(super) fn log_in(bmc: SocketAddr, sensors: usize) -> Result<Self> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(bmc)?;
        socket.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut rng = StdRng::seed_from_u64(17);
        let suite = CipherSuite::by_id(SUITE).context("suite 17 is in the table")?;
        let console_random: [u8; 16] = rng.random();
        let role = Role::new(4, true);
        let mut payload = Vec::new();

        OpenSessionRequest {
            tag: 0,
            max_privilege: 0,
            console_session_id: CONSOLE_SESSION,
            algorithms: suite.algorithms(),
        }
        .encode(&mut payload);
        let answer = ask(&socket, PayloadType::OPEN_SESSION_REQUEST, &payload)?;
        let OpenSessionResponse::Accepted { bmc_session_id, .. } =
            OpenSessionResponse::decode(&answer)?
        else {
            anyhow::bail!("the BMC opens no session");
        };

        payload.clear();
        Rakp1 {
            tag: 0,
            bmc_session_id,
            console_random,
            role,
            username: USER.as_bytes(),
        }
        .encode(&mut payload);
        let answer = ask(&socket, PayloadType::RAKP1, &payload)?;
        let proof = Rakp2::decode(&answer)?
            .outcome
            .map_err(|status| anyhow::anyhow!("RAKP 2: {status:?}"))?;

        let password = Password::new(PASSWORD.as_bytes())?;
        let exchange = KeyExchange {
            suite,
            password: &password,
            k_g: None,
            console_session_id: CONSOLE_SESSION,
            bmc_session_id,
            console_random: &console_random,
            bmc_random: &proof.bmc_random,
            bmc_guid: &proof.guid,
            role,
            username: USER.as_bytes(),
        };
        payload.clear();
        let code = exchange.rakp3_code();
        Rakp3 {
            tag: 0,
            bmc_session_id,
            outcome: Ok(code.as_bytes()),
        }
        .encode(&mut payload);
        let answer = ask(&socket, PayloadType::RAKP3, &payload)?;
        Rakp4::decode(&answer)?
            .outcome
            .map_err(|status| anyhow::anyhow!("RAKP 4: {status:?}"))?;

        let sik = exchange.session_integrity_key();
        let (k1, k2) = (sik.additional_key(1), sik.additional_key(2));
        let k2: [u8; BLOCK] = *k2.as_bytes().first_chunk().context("K2")?;
        let mut floor = Self {
            socket,
            aes: Aes128::new(&Array::from(k2)),
            hmac: Hmac::new_from_slice(k1.as_bytes())?,
            rng,
            session: bmc_session_id,
            sequence: 0,
            // Set Session Privilege Level, as a log-in ends.
            questions: vec![(0x06, 0x3b, vec![4])],
        };
        floor.scrape()?;
        floor.questions = questions(sensors);
        Ok(floor)
    }

    /// So many scrapes in a row.
    ///
    /// # Errors
    /// When an answer is missing or wrong.
    pub(super) fn run(&mut self, scrapes: usize) -> Result<Taken> {
        let (started, cpu) = (Instant::now(), thread_cpu_seconds());
        for _ in 0..scrapes {
            self.scrape()?;
        }
        Ok(Taken {
            cpu: thread_cpu_seconds() - cpu,
            wall: started.elapsed(),
            requests: scrapes * self.questions.len(),
        })
    }

    fn scrape(&mut self) -> Result<()> {
        let mut out = [0; 128];
        let mut answer = [0; 256];
        for index in 0..self.questions.len() {
            self.sequence += 1;
            let length = self.seal(index, &mut out);
            self.socket.send(&out[..length])?;
            let length = self.socket.recv(&mut answer)?;
            self.check(&mut answer[..length])?;
        }
        Ok(())
    }

    /// Writes the datagram of a question; every part has its place.
    fn seal(&mut self, index: usize, out: &mut [u8; 128]) -> usize {
        let (net_fn, command, data) = &self.questions[index];
        out[..6].copy_from_slice(&[0x06, 0, 0xff, 0x07, 0x06, 0xc0]);
        out[6..10].copy_from_slice(&self.session.to_le_bytes());
        out[10..14].copy_from_slice(&self.sequence.to_le_bytes());
        let iv: [u8; BLOCK] = self.rng.random();
        out[HEAD_BYTES..CLEAR_AT].copy_from_slice(&iv);

        let head = [0x20, net_fn << 2];
        out[CLEAR_AT..CLEAR_AT + 2].copy_from_slice(&head);
        out[CLEAR_AT + 2] = sum(&head);
        let body = CLEAR_AT + 3;
        #[expect(clippy::cast_possible_truncation, reason = "six bits of it")]
        let number = (self.sequence as u8) << 2;
        out[body..body + 3].copy_from_slice(&[0x81, number, *command]);
        let end = body + 3 + data.len();
        out[body + 3..end].copy_from_slice(data);
        out[end] = sum(&out[body..end]);
        let used = end + 1 - CLEAR_AT;
        let blocks = used / BLOCK + 1;
        let pad = blocks * BLOCK - used - 1;
        for (index, byte) in out[end + 1..].iter_mut().take(pad).enumerate() {
            *byte = u8::try_from(index + 1).unwrap_or_default();
        }
        let payload_end = CLEAR_AT + blocks * BLOCK;
        out[payload_end - 1] = u8::try_from(pad).unwrap_or_default();
        let mut before = iv;
        for block in out[CLEAR_AT..payload_end].chunks_exact_mut(BLOCK) {
            for (byte, before) in block.iter_mut().zip(before) {
                *byte ^= before;
            }
            let mut array = Array::from(before);
            array.copy_from_slice(block);
            self.aes.encrypt_block(&mut array);
            block.copy_from_slice(&array);
            before = array.into();
        }
        let payload = u16::try_from(payload_end - HEAD_BYTES).unwrap_or_default();
        out[14..16].copy_from_slice(&payload.to_le_bytes());
        // Header and whole blocks leave two bytes to pad.
        out[payload_end..payload_end + 4].copy_from_slice(&[0xff, 0xff, 2, 7]);
        let covered = payload_end + 4;
        let mut mac = self.hmac.clone();
        mac.update(&out[4..covered]);
        out[covered..covered + CODE_BYTES]
            .copy_from_slice(&mac.finalize().into_bytes()[..CODE_BYTES]);
        covered + CODE_BYTES
    }

    /// Checks code, padding, number and completion code of an answer.
    fn check(&self, answer: &mut [u8]) -> Result<()> {
        let covered = answer.len().saturating_sub(CODE_BYTES);
        ensure!(covered > CLEAR_AT, "a short answer");
        let mut mac = self.hmac.clone();
        mac.update(&answer[4..covered]);
        mac.verify_truncated_left(&answer[covered..])
            .map_err(|_| anyhow::anyhow!("a wrong code"))?;
        let payload = usize::from(u16::from_le_bytes([answer[14], answer[15]]));
        let end = HEAD_BYTES + payload;
        ensure!(
            end <= covered && payload.is_multiple_of(BLOCK),
            "a wrong length"
        );
        let mut before: [u8; BLOCK] = answer[HEAD_BYTES..CLEAR_AT].try_into()?;
        for block in answer[CLEAR_AT..end].chunks_exact_mut(BLOCK) {
            let sealed: [u8; BLOCK] = (&*block).try_into()?;
            let mut array = Array::from(sealed);
            self.aes.decrypt_block(&mut array);
            for ((byte, clear), before) in block.iter_mut().zip(array).zip(before) {
                *byte = clear ^ before;
            }
            before = sealed;
        }
        #[expect(clippy::cast_possible_truncation, reason = "six bits of it")]
        let number = (self.sequence as u8) << 2;
        ensure!(
            answer[CLEAR_AT + 4] == number,
            "an answer to another request"
        );
        ensure!(
            answer[CLEAR_AT + 6] == 0,
            "refused: {:#04x}",
            answer[CLEAR_AT + 6]
        );
        Ok(())
    }
}

impl Drop for Floor {
    /// Closes the session.
    fn drop(&mut self) {
        self.questions = vec![(0x06, 0x3c, self.session.to_le_bytes().to_vec())];
        // A BMC that is gone has no session left to close.
        let _ = self.scrape();
    }
}

fn questions(sensors: usize) -> Vec<Question> {
    let mut questions = vec![
        (0x06, 0x01, Vec::new()),
        (0x00, 0x01, Vec::new()),
        (0x2c, 0x02, vec![0xdc, 0x01, 0x00, 0x00]),
        (0x0a, 0x20, Vec::new()),
    ];
    for number in 1..=sensors {
        questions.push((0x04, 0x2d, vec![u8::try_from(number).unwrap_or(u8::MAX)]));
    }
    questions
}

fn sum(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
        .wrapping_neg()
}

/// One message of the log-in; gives the payload of the answer.
fn ask(socket: &UdpSocket, kind: PayloadType, payload: &[u8]) -> Result<Vec<u8>> {
    let mut datagram = Vec::new();
    encode_sessionless_v20(&mut datagram, kind, payload);
    socket.send(&datagram)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    let (_, session) = decode_rmcp(&answer[..length])?;
    Ok(PacketV20::decode(session)?.payload.to_vec())
}
