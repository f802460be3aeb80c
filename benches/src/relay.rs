//! A UDP relay in front of a simulated BMC: it counts what passes, and drops
//! one request when told to.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// RMCP+ payload types (IPMI 2.0 table 13-16), without the two flag bits.
const IPMI_MESSAGE: u8 = 0x00;
const OPEN_SESSION_REQUEST: u8 = 0x10;
const RAKP_1: u8 = 0x12;

/// What has passed towards the BMC.
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    log_ins: AtomicU64,
    key_exchanges: AtomicU64,
    drop_next: AtomicBool,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Datagrams towards the BMC, of every kind.
    pub(crate) requests: u64,
    /// Open Session requests among them.
    pub(crate) log_ins: u64,
    /// RAKP message 1 among them.
    pub(crate) key_exchanges: u64,
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            log_ins: self.log_ins - earlier.log_ins,
            key_exchanges: self.key_exchanges - earlier.key_exchanges,
        }
    }
}

/// A running relay; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no socket can be had.
    pub(crate) fn start(runtime: &Handle, bmc: SocketAddr) -> io::Result<Self> {
        let front = runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = front.local_addr()?;
        let counters = Arc::new(Counters::default());
        let task = runtime.spawn(relay(Arc::new(front), bmc, Arc::clone(&counters)));
        Ok(Self {
            address,
            counters,
            task,
        })
    }

    /// The address as a scrape's target.
    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    /// What has passed so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            requests: self.counters.requests.load(Ordering::Relaxed),
            log_ins: self.counters.log_ins.load(Ordering::Relaxed),
            key_exchanges: self.counters.key_exchanges.load(Ordering::Relaxed),
        }
    }

    /// Loses the next request inside a session.
    pub(crate) fn drop_next(&self) {
        self.counters.drop_next.store(true, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(front: Arc<UdpSocket>, bmc: SocketAddr, counters: Arc<Counters>) {
    // One socket per client, so that the BMC tells them apart as it would without us.
    let mut clients: HashMap<SocketAddr, Client> = HashMap::new();
    let mut datagram = vec![0; 2048];
    loop {
        // A refused port of an earlier client shows up here; it is none of our business.
        let Ok((length, client)) = front.recv_from(&mut datagram).await else {
            continue;
        };
        let datagram = &datagram[..length];
        if !counters.passes(datagram) {
            continue;
        }
        let known = match clients.entry(client) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                match Client::new(Arc::clone(&front), client, bmc).await {
                    Ok(new) => entry.insert(new),
                    Err(error) => {
                        eprintln!("relay: no socket for {client}: {error}");
                        continue;
                    }
                }
            }
        };
        // A lost datagram is UDP's business as usual.
        drop(known.back.send(datagram).await);
    }
}

/// One client's own way to the BMC.
struct Client {
    back: Arc<UdpSocket>,
    answers: JoinHandle<()>,
}

impl Client {
    async fn new(front: Arc<UdpSocket>, client: SocketAddr, bmc: SocketAddr) -> io::Result<Self> {
        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        back.connect(bmc).await?;
        let from = Arc::clone(&back);
        let answers = tokio::spawn(async move {
            let mut datagram = vec![0; 2048];
            while let Ok(length) = from.recv(&mut datagram).await {
                drop(front.send_to(&datagram[..length], client).await);
            }
        });
        Ok(Self { back, answers })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.answers.abort();
    }
}

impl Counters {
    /// Counts a datagram; `false` if it is to be lost.
    fn passes(&self, datagram: &[u8]) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match payload_type(datagram) {
            Some(OPEN_SESSION_REQUEST) => {
                self.log_ins.fetch_add(1, Ordering::Relaxed);
            }
            Some(RAKP_1) => {
                self.key_exchanges.fetch_add(1, Ordering::Relaxed);
            }
            Some(IPMI_MESSAGE) => return !self.drop_next.swap(false, Ordering::Relaxed),
            _ => {}
        }
        true
    }
}

/// The payload type of an RMCP+ datagram (IPMI 2.0 section 13.6).
fn payload_type(datagram: &[u8]) -> Option<u8> {
    match datagram {
        [0x06, 0x00, _, 0x07, 0x06, payload, ..] => Some(payload & 0x3F),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ins_and_messages_are_told_apart_and_one_message_is_lost() {
        let counters = Counters::default();
        let session = |payload| [0x06, 0x00, 0xFF, 0x07, 0x06, payload, 0, 0];
        counters.drop_next.store(true, Ordering::Relaxed);
        assert!(
            counters.passes(&session(0x10)),
            "a log-in is not what gets lost"
        );
        assert!(counters.passes(&session(0x12)));
        assert!(
            !counters.passes(&session(0xC0)),
            "the first message in a session is lost"
        );
        assert!(counters.passes(&session(0xC0)), "the second is not");
        assert!(
            counters.passes(&[0x06, 0x00, 0xFF, 0x07, 0x00, 0x10]),
            "IPMI 1.5 framing"
        );
        assert_eq!(counters.requests.load(Ordering::Relaxed), 5);
        assert_eq!(counters.log_ins.load(Ordering::Relaxed), 1);
        assert_eq!(counters.key_exchanges.load(Ordering::Relaxed), 1);
    }
}
