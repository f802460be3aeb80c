//! Host names to addresses: resolved, checked against the allow-list, and then
//! connected to at exactly the address that was checked.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::{Denied, Host, Permission, TargetAddress};

/// How long an answer of the name service is used.
const FRESH: Duration = Duration::from_secs(60);
/// How many names are remembered.
const MAX_NAMES: usize = 65_536;

/// Why a target has no address to ask.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The allow-list does not cover it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The name service does not know it, or does not answer in time.
    #[error("host name {name:?} cannot be resolved: {reason}")]
    Unresolved {
        /// The name.
        name: String,
        /// What the name service says.
        reason: String,
    },
}

/// When a name was looked up, and what for.
type Known = (Instant, Vec<IpAddr>);

/// Who turns a name into addresses, in whatever order it has them.
pub trait NameService: Send + Sync {
    /// Looks one name up.
    fn look_up<'a>(&'a self, name: &'a str) -> LookUp<'a>;
}

/// A look-up under way; fails when the name service does not know the name.
pub type LookUp<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// What the operating system asks: files and DNS.
struct SystemNames;

impl NameService for SystemNames {
    fn look_up<'a>(&'a self, name: &'a str) -> LookUp<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Remembers answers of the name service for a minute.
pub struct Resolver {
    service: Box<dyn NameService>,
    fresh: Duration,
    names: Mutex<HashMap<Box<str>, Known>>,
}

impl Default for Resolver {
    /// With the operating system's name service.
    fn default() -> Self {
        Self::new(Box::new(SystemNames), FRESH)
    }
}

impl Resolver {
    /// With this name service, whose answers are used for so long.
    pub fn new(service: Box<dyn NameService>, fresh: Duration) -> Self {
        Self {
            service,
            fresh,
            names: Mutex::default(),
        }
    }

    /// The address to ask for `target`, allowed by `permission`.
    ///
    /// # Errors
    /// When the target is not allowed, or its name has no address.
    pub async fn resolve(
        &self,
        target: &TargetAddress,
        permission: Permission<'_>,
        deadline: Instant,
    ) -> Result<SocketAddr, ResolveError> {
        // Before the name service hears of it.
        permission.check_name(target)?;
        let candidates = match &target.host {
            Host::Address { zone: Some(_), .. } => {
                return self.zoned(target, permission).await;
            }
            Host::Address { ip, zone: None } => vec![*ip],
            Host::Name(name) => self.look_up(name, deadline).await?,
        };
        let allowed = permission.filter(target, &candidates)?;
        // IPv4 first: management networks of dual-stack names are rarely IPv6.
        let ip = allowed
            .iter()
            .find(|ip| ip.is_ipv4())
            .or_else(|| allowed.first())
            .copied()
            .ok_or(Denied)?;
        Ok(SocketAddr::new(ip, target.port))
    }

    /// A link-local address: the system knows the number of its zone.
    async fn zoned(
        &self,
        target: &TargetAddress,
        permission: Permission<'_>,
    ) -> Result<SocketAddr, ResolveError> {
        let text = target.host_text();
        let unresolved = |error: io::Error| ResolveError::Unresolved {
            name: text.clone(),
            reason: error.to_string(),
        };
        let address = tokio::net::lookup_host((text.as_str(), target.port))
            .await
            .map_err(unresolved)?
            .next()
            .ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))?;
        permission.filter(target, &[address.ip()])?;
        Ok(address)
    }

    async fn look_up(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, ResolveError> {
        let now = Instant::now();
        let known = self
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .filter(|(at, _)| now.duration_since(*at) < self.fresh)
            .map(|(_, addresses)| addresses.clone());
        if let Some(addresses) = known {
            return Ok(addresses);
        }
        let unresolved = |reason: String| ResolveError::Unresolved {
            name: name.to_owned(),
            reason,
        };
        let addresses = tokio::time::timeout_at(deadline.into(), self.service.look_up(name))
            .await
            .map_err(|_| unresolved("the name service did not answer in time".to_owned()))?
            .map_err(|error| unresolved(error.to_string()))?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_NAMES {
            names.retain(|_, (at, _)| now.duration_since(*at) < self.fresh);
        }
        if names.len() < MAX_NAMES {
            names.insert(name.into(), (now, addresses.clone()));
        }
        Ok(addresses)
    }
}
