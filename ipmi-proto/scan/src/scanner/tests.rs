//! Scans on a virtual clock, against simulated BMCs without sockets and against
//! whoever wants to be taken for one.

mod honest;
mod hostile;
mod rate;

use std::net::IpAddr;

use bmc_sim::{AuthType, Bmc as SimulatedBmc, BmcConfig, DeviceBuilder, Fault, User, V15Config};
use proptest::prelude::*;
use rmcp_ipmi::wire::{
    BMC_ADDRESS, CompletionCode, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
    encode_sessionless_v15,
};

use super::*;

const PORT: u16 = 623;
const MS: Duration = Duration::from_millis(1);
const SETTINGS: ScanSettings = ScanSettings {
    port: PORT,
    rate: 1000,
    timeout: Duration::from_secs(1),
    tries: 2,
};
const CONSOLE: &str = "10.9.9.9:40000";

/// A datagram on its way to the scanner: how long it takes, and from where.
type Reply = (Duration, SocketAddr, Vec<u8>);
/// Who answers questions in the name of others.
type Forger<'a> = dyn Fn(&[u8]) -> Vec<(SocketAddr, Vec<u8>)> + 'a;
/// What the scanner sent: when since the start, whereto, what.
type Sent = (Duration, SocketAddr, Vec<u8>);

fn plan(networks: &[&str]) -> Plan {
    let blocks = networks.iter().map(|text| text.parse().unwrap());
    Plan::new(blocks.collect(), true).unwrap()
}

fn at(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse::<IpAddr>().unwrap(), PORT)
}

/// Runs a scan to its end; `world` answers each datagram.
fn scan(
    networks: &[&str],
    settings: ScanSettings,
    mut world: impl FnMut(Instant, SocketAddr, &[u8]) -> Vec<Reply>,
) -> (Scanner, Vec<Sent>, Duration) {
    let start = Instant::now();
    let mut now = start;
    let mut scanner = Scanner::new(plan(networks), settings, now);
    let (mut sent, mut under_way, mut order) = (Vec::new(), BTreeMap::new(), 0_u64);
    let mut datagram = Vec::new();
    loop {
        while let Some(to) = scanner.poll_transmit(now, &mut datagram) {
            sent.push((now - start, to, datagram.clone()));
            for (delay, from, bytes) in world(now, to, &datagram) {
                order += 1;
                under_way.insert((now + delay, order), (from, bytes));
            }
        }
        let Some(wake_at) = scanner.poll_timeout() else {
            assert!(scanner.is_finished());
            return (scanner, sent, now - start);
        };
        assert!(sent.len() < 1_000_000, "the scan never ends");
        match under_way.first_key_value() {
            Some((&(arrives, _), _)) if arrives <= wake_at => {
                now = now.max(arrives);
                if let Some((_, (from, bytes))) = under_way.pop_first() {
                    scanner.handle_datagram(now, from, &bytes);
                }
            }
            _ => now = now.max(wake_at),
        }
    }
}

fn silence(_: Instant, _: SocketAddr, _: &[u8]) -> Vec<Reply> {
    Vec::new()
}

fn simulated(config: BmcConfig, faults: &[Fault]) -> SimulatedBmc {
    let device = DeviceBuilder::new().build();
    let mut bmc = SimulatedBmc::new(config, device, Instant::now());
    for fault in faults {
        bmc.set_fault(fault.clone());
    }
    bmc
}

fn good() -> BmcConfig {
    BmcConfig::new().user(User::administrator("monitor", "secret"))
}

/// A world with one BMC.
fn one<'a>(
    ip: &str,
    bmc: &'a mut SimulatedBmc,
    delay: Duration,
) -> impl FnMut(Instant, SocketAddr, &[u8]) -> Vec<Reply> + 'a {
    let address = at(ip);
    move |now, to, datagram| {
        if to != address {
            return Vec::new();
        }
        bmc.handle(now, CONSOLE.parse().unwrap(), datagram)
            .into_iter()
            .map(|out| (delay + out.delay, address, out.bytes))
            .collect()
    }
}

/// An answer of IPMI outside a session.
fn answer(sequence: RequestSequence, command: u8, completion: u8, data: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    LanResponse {
        requester: REMOTE_CONSOLE_ADDRESS,
        net_fn: NetFn::APP.response(),
        requester_lun: Lun::BMC,
        responder: BMC_ADDRESS,
        sequence,
        responder_lun: Lun::BMC,
        command,
        completion: CompletionCode(completion),
        data,
    }
    .encode(&mut message);
    let mut datagram = Vec::new();
    encode_sessionless_v15(&mut datagram, &message);
    datagram
}

/// Sequence number, command and first data byte of a question; `None` for a ping.
fn question(datagram: &[u8]) -> Option<(RequestSequence, u8, u8)> {
    match datagram {
        [0x06, 0x00, 0xff, 0x06, ..] => None,
        // RMCP, session header, length, three bytes, requester, sequence, command.
        [
            _,
            _,
            _,
            0x07,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            0x20,
            0x18,
            _,
            0x81,
            sequence,
            command,
            data,
            ..,
        ] => Some((
            RequestSequence::from_low_bits(sequence >> 2),
            *command,
            *data,
        )),
        other => panic!("{other:02x?} is none of the questions"),
    }
}

fn pong(ping: &[u8], entities: u8) -> Vec<u8> {
    let mut pong = vec![0x06, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x40, ping[9], 0, 16];
    pong.extend_from_slice(&[0, 0, 0x11, 0xbe, 0, 0, 0, 0, entities, 0, 0, 0, 0, 0, 0, 0]);
    pong
}
