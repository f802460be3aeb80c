//! Opens listening sockets, or takes them over from systemd.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

use super::address::ListenAddress;
use crate::config::source::io_reason;

/// Connections that may wait to be accepted, as Go asks for.
const BACKLOG: i32 = 4096;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// An address could not be opened.
    #[error("cannot listen on {address}: {}", io_reason(.source))]
    Address {
        /// The address as configured.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// systemd passed no socket.
    #[error("systemd passed no sockets; start the exporter from a socket unit")]
    NoSystemdSockets,
    /// systemd passed something else.
    #[error("socket {index} from systemd is not a listening TCP socket: {}", io_reason(.source))]
    SystemdSocket {
        /// Its place in the socket unit, from 0.
        index: usize,
        /// The system's reason.
        source: io::Error,
    },
}

/// Listens on all the addresses.
///
/// # Errors
/// When one of them cannot be opened; the others are closed again.
pub async fn listen(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let listener = listen_on(address)
            .await
            .map_err(|source| ListenError::Address {
                address: address.to_string(),
                source,
            })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Takes the sockets of the socket unit that started the program.
///
/// # Errors
/// When there are none, or one is no TCP listener.
pub fn from_systemd() -> Result<Vec<TcpListener>, ListenError> {
    let mut passed = ListenFd::from_env();
    if passed.len() == 0 {
        return Err(ListenError::NoSystemdSockets);
    }
    let mut listeners = Vec::with_capacity(passed.len());
    for index in 0..passed.len() {
        let listener = passed
            .take_tcp_listener(index)
            .and_then(|listener| {
                let listener = listener.ok_or(io::ErrorKind::NotFound)?;
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)
            })
            .map_err(|source| ListenError::SystemdSocket { index, source })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

async fn listen_on(address: &ListenAddress) -> io::Result<TcpListener> {
    let Some(host) = &address.host else {
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port));
        return match open(everywhere) {
            Err(error) if lacks_ipv6(&error) => open((Ipv4Addr::UNSPECIFIED, address.port).into()),
            result => result,
        };
    };
    let resolved: Vec<SocketAddr> = lookup_host((host.as_str(), address.port)).await?.collect();
    // A name that has both families listens on one of them, IPv4 first, as Go does.
    let first = resolved
        .iter()
        .find(|address| address.is_ipv4())
        .or_else(|| resolved.first())
        .ok_or_else(|| io::Error::other("the name has no address"))?;
    open(*first)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // `[::]` serves IPv4 too, whatever the machine's default is.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for the connections of the process before it to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A machine without IPv6 says so when the socket is made or when it is bound.
fn lacks_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_host_both_families_are_served() {
        let listeners = listen(&[":0".parse().unwrap()]).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        for address in ["127.0.0.1", "::1"] {
            let ip: std::net::IpAddr = address.parse().unwrap();
            match tokio::net::TcpStream::connect((ip, port)).await {
                Ok(_) => {}
                // A machine without IPv6.
                Err(error) if lacks_ipv6(&error) => assert!(ip.is_ipv6(), "{error}"),
                Err(error) => panic!("{address}: {error}"),
            }
        }
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let first = listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let address = first[0].local_addr().unwrap().to_string();
        let error = listen(&[address.parse().unwrap()]).await.unwrap_err();
        let expected = format!("cannot listen on {address}: address already in use");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn without_a_socket_unit_there_is_nothing_to_take_over() {
        assert!(matches!(from_systemd(), Err(ListenError::NoSystemdSockets)));
    }
}
