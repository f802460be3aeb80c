//! What can stand at the far end of the link.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bmc_sim::Bmc;
pub(crate) use bmc_sim::Outgoing;

use crate::forge::{Forge, Incoming};

/// Takes a datagram, gives datagrams.
pub(crate) trait Peer {
    fn handle(&mut self, now: Instant, datagram: &[u8]) -> Vec<Outgoing>;
}

impl Peer for Bmc {
    fn handle(&mut self, now: Instant, datagram: &[u8]) -> Vec<Outgoing> {
        let console = SocketAddr::from(([192, 0, 2, 1], 40_000));
        Self::handle(self, now, console, datagram)
    }
}

/// A BMC that logs everybody in honestly who has the password, and then says
/// what the test makes it say.
pub(crate) struct Scripted<F> {
    pub(crate) forge: Forge,
    pub(crate) script: F,
}

impl<F> Peer for Scripted<F>
where
    F: FnMut(&mut Forge, Incoming) -> Vec<Vec<u8>>,
{
    fn handle(&mut self, _now: Instant, datagram: &[u8]) -> Vec<Outgoing> {
        let Some(incoming) = self.forge.receive(datagram) else {
            return Vec::new();
        };
        (self.script)(&mut self.forge, incoming)
            .into_iter()
            .map(at_once)
            .collect()
    }
}

fn at_once(bytes: Vec<u8>) -> Outgoing {
    Outgoing {
        delay: Duration::ZERO,
        bytes,
    }
}
