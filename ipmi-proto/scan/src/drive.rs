//! The sockets and the clock around a [`Scanner`].

use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, Instant};

use rmcp_ipmi::wire::MAX_DATAGRAM_BYTES;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::plan::Plan;
use super::scanner::{Progress, ScanSettings, Scanner};

/// Answers of a whole burst must fit; the system may grant less.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;
/// Datagrams that are read in a row before others get a turn.
const READ_IN_A_ROW: usize = 256;
/// How often progress is told, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// After this long without anything to do, look around.
const IDLE: Duration = Duration::from_secs(1);
/// How long a socket that fails to read is left alone.
const AFTER_READ_ERROR: Duration = Duration::from_millis(10);

/// Why nothing could be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// No socket of the address family.
    #[error("cannot open a UDP socket for {family}: {cause}")]
    Socket {
        /// IPv4 or IPv6.
        family: &'static str,
        /// What the system says.
        cause: io::Error,
    },
}

/// How a scan ended.
#[derive(Debug)]
pub struct End {
    /// What was found.
    pub scanner: Scanner,
    /// Whether every address was asked and waited for.
    pub is_complete: bool,
    /// From the first datagram to the end.
    pub duration: Duration,
    /// Datagrams that the system would not send, and what it said of the last one.
    pub unsent: Option<(u64, io::Error)>,
}

/// Scans until all is done, or until `stop` is.
///
/// # Errors
/// When a socket cannot be had. What a network does to single datagrams ends no
/// scan.
pub async fn run(
    plan: Plan,
    settings: ScanSettings,
    stop: impl Future<Output = ()>,
    mut progress: impl FnMut(Progress),
) -> Result<End, ScanError> {
    let (has_v4, has_v6) = plan.families();
    let v4 = has_v4
        .then(|| open(Ipv4Addr::UNSPECIFIED.into()))
        .transpose()?;
    let v6 = has_v6
        .then(|| open(Ipv6Addr::UNSPECIFIED.into()))
        .transpose()?;
    let started = Instant::now();
    let mut scanner = Scanner::new(plan, settings, started);
    let mut unsent: Option<(u64, io::Error)> = None;
    let mut told: Option<Instant> = None;
    let mut datagram = Vec::new();
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    let mut stop = pin!(stop);
    let is_complete = loop {
        while let Some(to) = scanner.poll_transmit(Instant::now(), &mut datagram) {
            let socket = if to.is_ipv4() { &v4 } else { &v6 };
            // A datagram that cannot leave is lost like any other: its next copy
            // will come, and the pace stays.
            if let Some(socket) = socket
                && let Err(error) = socket.send_to(&datagram, to).await
            {
                let before = unsent.map_or(0, |(count, _)| count);
                unsent = Some((before + 1, error));
            }
        }
        let Some(wake_at) = scanner.poll_timeout() else {
            break true;
        };
        if told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
            told = Some(Instant::now());
            progress(scanner.progress());
        }
        let wake_at = wake_at.min(Instant::now() + IDLE);
        tokio::select! {
            () = &mut stop => break false,
            () = readable(v4.as_ref()) => drain(v4.as_ref(), &mut scanner, &mut buffer).await,
            () = readable(v6.as_ref()) => drain(v6.as_ref(), &mut scanner, &mut buffer).await,
            () = tokio::time::sleep_until(wake_at.into()) => {}
        }
    };
    Ok(End {
        scanner,
        is_complete,
        duration: started.elapsed(),
        unsent,
    })
}

/// A socket of its own for each family; not connected, because thousands of
/// connected ones would have to be.
fn open(address: IpAddr) -> Result<UdpSocket, ScanError> {
    let (family, domain) = match address {
        IpAddr::V4(_) => ("IPv4", Domain::IPV4),
        IpAddr::V6(_) => ("IPv6", Domain::IPV6),
    };
    let open = || -> io::Result<UdpSocket> {
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // With less, answers are lost sooner; that is all.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(address, 0).into())?;
        UdpSocket::from_std(socket.into())
    };
    open().map_err(|cause| ScanError::Socket { family, cause })
}

async fn readable(socket: Option<&UdpSocket>) {
    match socket {
        Some(socket) => {
            // An error shows itself again at the read.
            let _ = socket.readable().await;
        }
        None => pending().await,
    }
}

/// Reads what there is. Errors belong to datagrams of the past, if to any.
async fn drain(socket: Option<&UdpSocket>, scanner: &mut Scanner, buffer: &mut [u8]) {
    let Some(socket) = socket else {
        return;
    };
    for _ in 0..READ_IN_A_ROW {
        match socket.try_recv_from(buffer) {
            Ok((length, from)) => {
                let datagram = buffer.get(..length).unwrap_or_default();
                scanner.handle_datagram(Instant::now(), from, datagram);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                tracing::debug!(%error, "a scan's socket failed to read");
                tokio::time::sleep(AFTER_READ_ERROR).await;
                return;
            }
        }
    }
}
