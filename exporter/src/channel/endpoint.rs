//! Where the controller is.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;
use hyper::http::uri::Scheme;

/// The path of the channel, below the controller's own; `-` is the exporter
/// whose token is shown.
const CHANNEL: &str = "/api/v1/exporters/-/";

/// The URL of a controller, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Over TLS.
    pub(super) is_tls: bool,
    /// Name or address, without brackets.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: u16,
    /// Whether plain HTTP may go past this machine.
    pub(super) allow_plain_http: bool,
    /// Host and port as the URL has them.
    authority: String,
    /// What stands in front of `/api`, without a slash at its end.
    prefix: String,
}

impl Endpoint {
    /// Reads a URL. Plain HTTP goes to this machine only, unless it is allowed:
    /// the token and all passwords would be read by everybody on the way.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn parse(url: &str, allow_plain_http: bool) -> Result<Self, String> {
        let uri: Uri = url
            .parse()
            .map_err(|error| format!("is no URL: {error}; write https://HOST[:PORT]"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err("must begin with https://".to_owned()),
        };
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("names a user; the token is in --controller.token-file".to_owned());
        }
        if uri.query().is_some() || url.contains('#') {
            return Err("has a query or a fragment".to_owned());
        }
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err("names no host".to_owned());
        }
        let endpoint = Self {
            is_tls,
            host: host.to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            allow_plain_http,
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        };
        let is_here = host.eq_ignore_ascii_case("localhost")
            || host
                .parse()
                .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback());
        if !is_tls && !is_here && !allow_plain_http {
            return Err(
                "is plain HTTP to another machine: everybody on the way would read the token and \
                 the BMCs' passwords; use https://, or --controller.allow-plain-http where \
                 something else encrypts"
                    .to_owned(),
            );
        }
        Ok(endpoint)
    }

    /// Whether an address that the host resolved to may be connected to.
    pub(super) fn may_connect(&self, ip: IpAddr) -> bool {
        self.is_tls || self.allow_plain_http || ip.to_canonical().is_loopback()
    }

    /// The path of something on the channel.
    pub(super) fn path(&self, what: &str) -> String {
        format!("{}{CHANNEL}{what}", self.prefix)
    }

    /// The `Host` of requests.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, host, port, path, shown) in [
            (
                "https://c.example",
                "c.example",
                443,
                "/api/v1/exporters/-/x",
                "https://c.example",
            ),
            (
                "https://c:8443/",
                "c",
                8443,
                "/api/v1/exporters/-/x",
                "https://c:8443",
            ),
            (
                "https://[2001:db8::1]/a/b/",
                "2001:db8::1",
                443,
                "/a/b/api/v1/exporters/-/x",
                "https://[2001:db8::1]/a/b",
            ),
            (
                "http://127.0.0.1:8080",
                "127.0.0.1",
                8080,
                "/api/v1/exporters/-/x",
                "http://127.0.0.1:8080",
            ),
        ] {
            let endpoint = Endpoint::parse(url, false).unwrap();
            assert_eq!(
                (endpoint.host.as_str(), endpoint.port),
                (host, port),
                "{url}"
            );
            assert_eq!(endpoint.path("x"), path, "{url}");
            assert_eq!(endpoint.to_string(), shown);
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in ["http://localhost:1", "http://127.9.9.9", "http://[::1]:80"] {
            assert!(Endpoint::parse(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://c.example",
            "http://localhost.example",
        ] {
            let error = Endpoint::parse(url, false).unwrap_err();
            assert!(error.contains("plain HTTP"), "{url}: {error}");
            assert!(Endpoint::parse(url, true).is_ok(), "{url}");
        }
        // What localhost resolves to is judged again.
        let here = Endpoint::parse("http://localhost", false).unwrap();
        assert!(here.may_connect("::1".parse().unwrap()));
        assert!(!here.may_connect("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_controllers_url_is_refused() {
        for (url, reason) in [
            ("", "is no URL"),
            ("c.example", "must begin with https://"),
            ("ftp://c", "must begin with https://"),
            ("/a", "must begin with https://"),
            ("https://", "is no URL"),
            ("https://u:zq7canary@c", "names a user"),
            ("https://c/?a=b", "has a query"),
            ("https://c/#a", "has a query"),
        ] {
            let error = Endpoint::parse(url, false).unwrap_err();
            assert!(
                error.contains(reason) && !error.contains("zq7canary"),
                "{url}: {error}"
            );
        }
    }
}
