//! The exporter without its web server: one scrape from query to results.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use rmcp_ipmi::crypto::{CipherSuiteId, Password, SecretError, Username};
use rmcp_ipmi::session::{Generation, Settings};
use tracing::{debug, error, info, warn};

use crate::bmc::{LoginBudget, quirks};
use crate::channel::Handle;
use crate::collect::store::Store;
use crate::collect::{CollectOptions, Collection, Profile, Results};
use crate::config::{
    AllowList, Collector, Config, ConfigError, ConfigHolder, Denied, Diagnostic, Driver, Module,
    TargetAddress, TargetError,
};
use crate::targets::{Limits, Overload, Registry, ResolveError, Resolver, Workers};
use crate::telemetry::Telemetry;

/// Numbers from the command line.
#[derive(Clone, Copy, Debug)]
pub struct AppOptions {
    /// How long before Prometheus' time-out a scrape answers.
    pub timeout_offset: Duration,
    /// How long a scrape may take when nobody says.
    pub default_timeout: Duration,
    /// Log-ins a second over all targets.
    pub login_rate: u32,
    /// Limits of the registry.
    pub limits: Limits,
    /// What the command line says about collecting.
    pub collect: CollectOptions,
}

/// See the [module documentation](self).
pub struct App {
    options: AppOptions,
    holder: ConfigHolder,
    active: ArcSwap<Active>,
    registry: Arc<Registry>,
    resolver: Resolver,
    telemetry: Arc<Telemetry>,
    /// Why nothing can be scraped yet; empty when something can.
    not_ready: ArcSwapOption<String>,
    follower: OnceLock<Arc<Handle>>,
}

/// A configuration and what was made of it.
struct Active {
    config: Arc<Config>,
    profiles: HashMap<String, Arc<Profile>>,
}

/// A finished scrape.
pub struct Scraped {
    /// With what.
    pub module: Arc<Module>,
    /// What was found out.
    pub results: Results,
    /// How long it took.
    pub duration: Duration,
}

/// Why a scrape was not tried.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no configuration yet.
    #[error("{0}")]
    NotReady(Arc<String>),
    /// There is no such module.
    #[error("Unknown module {0:?}")]
    UnknownModule(String),
    /// The target is not one host.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The allow-list does not cover the target.
    #[error("{0}")]
    Denied(Denied),
    /// The target's name has no address.
    #[error("{0}")]
    Unresolved(ResolveError),
    /// A limit is reached.
    #[error(transparent)]
    Overload(#[from] Overload),
}

impl From<ResolveError> for Refusal {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Denied(denied) => Self::Denied(denied),
            unresolved @ ResolveError::Unresolved { .. } => Self::Unresolved(unresolved),
        }
    }
}

impl Refusal {
    fn label(&self) -> &'static str {
        match self {
            Self::NotReady(_) => "not_ready",
            Self::UnknownModule(_) => "unknown_module",
            Self::Target(_) => "bad_target",
            Self::Denied(_) => "target_not_listed",
            Self::Unresolved(_) => "unresolved",
            Self::Overload(_) => "overload",
        }
    }
}

impl App {
    /// Puts the parts together around a loaded configuration.
    pub fn new(
        holder: ConfigHolder,
        store: Store,
        workers: Workers,
        options: AppOptions,
    ) -> Arc<Self> {
        Self::with_resolver(holder, store, workers, options, Resolver::default())
    }

    /// The same with another name service than the operating system's.
    pub fn with_resolver(
        holder: ConfigHolder,
        store: Store,
        workers: Workers,
        options: AppOptions,
        resolver: Resolver,
    ) -> Arc<Self> {
        let telemetry = Arc::new(Telemetry::new());
        let is_loaded = holder.status().successes > 0;
        if is_loaded {
            telemetry.config_loaded(true);
        }
        let registry = Registry::new(
            options.limits,
            options.collect,
            Arc::new(store),
            Arc::new(LoginBudget::new(options.login_rate)),
            Arc::clone(&telemetry),
            workers,
        );
        let active = ArcSwap::from_pointee(Active::new(holder.current()));
        Arc::new(Self {
            options,
            holder,
            active,
            registry,
            resolver,
            telemetry,
            not_ready: ArcSwapOption::from(
                (!is_loaded).then(|| Arc::new("no configuration yet".to_owned())),
            ),
            follower: OnceLock::new(),
        })
    }

    /// Lets [`reload`](crate::web::route) ask who follows a controller.
    pub(crate) fn follow(&self, follower: Arc<Handle>) {
        // Set once, at the start.
        let _ = self.follower.set(follower);
    }

    /// Who follows a controller, if anybody does.
    pub(crate) fn follower(&self) -> Option<&Arc<Handle>> {
        self.follower.get()
    }

    /// Why nothing can be scraped yet; `None` when something can.
    pub fn not_ready(&self) -> Option<Arc<String>> {
        self.not_ready.load_full()
    }

    /// Says why there is no configuration yet; without effect once there is one.
    pub(crate) fn explain_not_ready(&self, reason: String) {
        if self.not_ready.load().is_some() {
            self.not_ready.store(Some(Arc::new(reason)));
        }
    }

    /// Takes modules that a controller sent; keeps the old ones when they are
    /// refused. Computes for a while with many targets.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn apply(&self, text: &str) -> Result<(), ConfigError> {
        let warnings = self.put_in_use(self.holder.apply(text))?;
        for warning in warnings {
            warn!("{warning}");
        }
        let config = self.holder.current();
        let targets: usize = config
            .modules
            .values()
            .filter_map(|module| module.allow.as_ref().map(AllowList::len))
            .sum();
        info!(
            modules = config.modules.len(),
            targets, "Took over a configuration"
        );
        self.not_ready.store(None);
        Ok(())
    }

    /// Makes what was loaded what scrapes use.
    fn put_in_use(
        &self,
        loaded: Result<Vec<Diagnostic>, ConfigError>,
    ) -> Result<Vec<Diagnostic>, ConfigError> {
        self.telemetry.config_loaded(loaded.is_ok());
        if loaded.is_ok() {
            self.active
                .store(Arc::new(Active::new(self.holder.current())));
        }
        loaded
    }

    /// The exporter's own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The module that `/metrics` collects locally with.
    pub fn local_module(&self) -> Arc<Module> {
        self.active.load().config.local_module()
    }

    /// Names of the modules in use.
    pub fn module_names(&self) -> Vec<String> {
        self.active.load().profiles.keys().cloned().collect()
    }

    /// Reads the configuration again; keeps the old one when it is refused.
    /// Blocks on files.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn reload(&self) -> Result<(), ConfigError> {
        match self.put_in_use(self.holder.reload()) {
            Ok(warnings) => {
                for warning in warnings {
                    warn!("{warning}");
                }
                if let Some(path) = self.holder.path() {
                    info!(path = %path.display(), "Loaded config file");
                }
                Ok(())
            }
            Err(reason) => {
                error!(error = %reason, "Error reloading config, keeping the old one");
                Err(reason)
            }
        }
    }

    /// One scrape of `target` with the module of that name. `prometheus_timeout`
    /// is what the scraping Prometheus says about its patience.
    ///
    /// # Errors
    /// When nothing was tried; no packet has been sent then.
    pub async fn scrape(
        &self,
        target: &str,
        module: &str,
        prometheus_timeout: Option<Duration>,
    ) -> Result<Scraped, Refusal> {
        let started = Instant::now();
        let result = self
            .try_scrape(target, module, prometheus_timeout, started)
            .await;
        match result {
            Ok((profile, results)) => {
                let scraped = Scraped {
                    module: Arc::clone(&profile.module),
                    results,
                    duration: started.elapsed(),
                };
                self.telemetry.scrape(scraped.verdict());
                Ok(scraped)
            }
            Err(refusal) => {
                self.telemetry.refused(refusal.label());
                debug!(target, module, reason = %refusal, "Refused a scrape");
                Err(refusal)
            }
        }
    }

    async fn try_scrape(
        &self,
        target: &str,
        module: &str,
        prometheus_timeout: Option<Duration>,
        started: Instant,
    ) -> Result<(Arc<Profile>, Results), Refusal> {
        if let Some(reason) = self.not_ready() {
            return Err(Refusal::NotReady(reason));
        }
        let active = self.active.load_full();
        let profile = Arc::clone(active.profile(module)?);
        let deadline = started + self.time_budget(&profile.module, prometheus_timeout);
        let results = match self.begin(&active, &profile, target, deadline).await {
            Ok((collection, _)) => collection.wait(deadline).await,
            // The stock exporter asks the BMC in vain and answers all the same.
            Err(Refusal::Unresolved(reason)) => {
                warn!(target, error = %reason, "Failed to resolve a target");
                Results {
                    failure: Some(reason.to_string()),
                    ..Results::default()
                }
            }
            Err(refusal) => return Err(refusal),
        };
        Ok((profile, results))
    }

    /// Starts a collection and gives it out while it runs, for callers that show
    /// its progress.
    ///
    /// # Errors
    /// As [`Self::scrape`].
    pub async fn start(
        &self,
        target: &str,
        module: &str,
        deadline: Instant,
    ) -> Result<(Arc<Collection>, SocketAddr), Refusal> {
        let active = self.active.load_full();
        let profile = active.profile(module)?;
        self.begin(&active, profile, target, deadline).await
    }

    /// Gives out what a BMC is asked with and where, for those who ask it
    /// themselves.
    ///
    /// # Errors
    /// As [`Self::scrape`].
    pub async fn admit(
        &self,
        target: &str,
        module: &str,
        deadline: Instant,
    ) -> Result<(Arc<Profile>, SocketAddr), Refusal> {
        let active = self.active.load_full();
        let profile = active.profile(module)?;
        let address = self.resolve(&active, profile, target, deadline).await?;
        Ok((Arc::clone(profile), address))
    }

    async fn begin(
        &self,
        active: &Active,
        profile: &Arc<Profile>,
        target: &str,
        deadline: Instant,
    ) -> Result<(Arc<Collection>, SocketAddr), Refusal> {
        let address = self.resolve(active, profile, target, deadline).await?;
        let collection = self.registry.collect(address, profile, deadline)?;
        Ok((collection, address))
    }

    async fn resolve(
        &self,
        active: &Active,
        profile: &Profile,
        target: &str,
        deadline: Instant,
    ) -> Result<SocketAddr, Refusal> {
        let target: TargetAddress = target.parse()?;
        let permission = active.config.permission(&profile.module);
        Ok(self.resolver.resolve(&target, permission, deadline).await?)
    }

    /// How long a scrape may take: a little less than Prometheus waits, else
    /// what the module says, else the default.
    pub fn time_budget(&self, module: &Module, prometheus_timeout: Option<Duration>) -> Duration {
        match prometheus_timeout {
            // An offset as long as the time-out would leave nothing.
            Some(timeout) => timeout
                .saturating_sub(self.options.timeout_offset)
                .max(timeout / 2),
            None => module.timeout.unwrap_or(self.options.default_timeout),
        }
    }

    /// Closes all BMC sessions, until `deadline`.
    pub async fn shut_down(&self, deadline: Instant) {
        self.registry.shut_down(deadline).await;
    }
}

impl Active {
    fn profile(&self, module: &str) -> Result<&Arc<Profile>, Refusal> {
        self.profiles
            .get(module)
            .ok_or_else(|| Refusal::UnknownModule(module.to_owned()))
    }

    fn new(config: Arc<Config>) -> Self {
        let profiles = config
            .modules
            .iter()
            .filter_map(|(name, module)| match settings(module) {
                Ok(settings) => Some((
                    name.clone(),
                    Arc::new(Profile {
                        module: Arc::clone(module),
                        settings: Arc::new(settings),
                    }),
                )),
                Err(error) => {
                    // Lengths are checked when the file is loaded.
                    error!(module = name, %error, "Module cannot be used");
                    None
                }
            })
            .collect();
        Self { config, profiles }
    }
}

/// What sessions need to know of a module.
fn settings(module: &Module) -> Result<Settings, SecretError> {
    let user = module.user.as_deref().unwrap_or_default();
    let suites: Vec<CipherSuiteId> = module
        .cipher_suites
        .iter()
        .map(|suite| suite.id())
        .collect();
    Ok(Settings::new(
        Username::new(user.as_bytes())?,
        Password::new(module.password.expose())?,
    )
    .with_k_g(module.k_g.as_ref().map(|key| key.expose().clone()))
    .with_privilege(module.privilege.map(Into::into))
    .with_suites(&suites)
    .with_generation(match module.driver {
        Driver::Lan15 => Generation::V15,
        Driver::Lan20 | Driver::InBand(_) => Generation::V20,
    })
    .with_auth_types(&module.auth_types)
    .with_quirks(quirks(&module.workarounds)))
}

impl Scraped {
    /// `complete` when all collectors are up, `failed` when none is, else
    /// `partial`.
    fn verdict(&self) -> &'static str {
        let is_up = |collector: &Collector| self.results.is_up(*collector);
        let collectors = &self.module.collectors;
        if collectors.iter().all(is_up) {
            "complete"
        } else if collectors.iter().any(is_up) {
            "partial"
        } else {
            "failed"
        }
    }
}
