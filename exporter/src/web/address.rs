//! Listening addresses as Go's flag takes them: `:9290`, `host:9290`, `[::1]:9290`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where to listen. Without a host: on every address of the machine, IPv4 and IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Host name or address without brackets; `None` for all addresses.
    pub host: Option<String>,
    /// TCP port; 0 lets the system choose.
    pub port: u16,
}

/// Why a text is not a listening address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenAddressError {
    /// No colon.
    #[error("the port is missing; write :9290, host:9290 or [::1]:9290")]
    NoPort,
    /// Not a number up to 65535.
    #[error("the port must be a number from 0 to 65535")]
    Port,
    /// An IPv6 address without brackets, or unbalanced ones.
    #[error("an IPv6 address needs brackets, as in [::1]:9290")]
    Brackets,
    /// `vsock://`, `unix:` and the like.
    #[error("only TCP addresses are supported")]
    Scheme,
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        if text.contains("//") {
            return Err(ListenAddressError::Scheme);
        }
        let (host, port) = text.rsplit_once(':').ok_or(ListenAddressError::NoPort)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or(ListenAddressError::Brackets)?;
                let address = inner.split('%').next().unwrap_or(inner);
                if address.parse::<Ipv6Addr>().is_err() {
                    return Err(ListenAddressError::Brackets);
                }
                inner
            }
            None if host.contains([':', ']']) => return Err(ListenAddressError::Brackets),
            None => host,
        };
        let legal_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .parse()
            .ok()
            .filter(|_| legal_port)
            .ok_or(ListenAddressError::Port)?;
        Ok(Self {
            host: (!host.is_empty()).then(|| host.to_owned()),
            port,
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_go_are_read_and_written_back() {
        for (text, host, port) in [
            (":9290", None, 9290),
            ("0.0.0.0:80", Some("0.0.0.0"), 80),
            ("localhost:0", Some("localhost"), 0),
            ("[::1]:9290", Some("::1"), 9290),
            ("[fe80::1%eth0]:9290", Some("fe80::1%eth0"), 9290),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!((address.host.as_deref(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn other_forms_say_what_is_wrong() {
        use ListenAddressError as E;
        for (text, error) in [
            ("9290", E::NoPort),
            ("host", E::NoPort),
            ("", E::NoPort),
            ("host:", E::Port),
            ("host:http", E::Port),
            ("host:65536", E::Port),
            ("host:+80", E::Port),
            ("::1:9290", E::Brackets),
            ("[::1:9290", E::Brackets),
            ("[host]:9290", E::Brackets),
            ("vsock://:9290", E::Scheme),
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(error), "{text}");
        }
    }
}
