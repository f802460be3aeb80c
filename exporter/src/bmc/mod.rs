//! One BMC as the collectors see it: a place to send commands to. Logs in when
//! there is no session, no more often than is good for the BMC.

mod login_budget;
mod login_store;
mod quirks;
mod satellites;
mod suite_history;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rmcp_ipmi::client::policy::Backoff;
use rmcp_ipmi::client::{Connection, Opened};
use rmcp_ipmi::command::{Command, GetDeviceId};
use rmcp_ipmi::crypto::CipherSuiteId;
use rmcp_ipmi::session::{LoginMemory, Negotiated, Settings};
use rmcp_ipmi::wire::{CommandKey, CompletionCode, Lun, Route};
use rmcp_ipmi::{Error, Retry};
use tracing::{info, warn};

pub use login_budget::LoginBudget;
pub use login_store::LoginStore;
pub use quirks::quirks;

use crate::telemetry::Telemetry;
use login_store::Logins;
use satellites::Satellites;
use suite_history::{SuiteHistory, Verdict};

/// A log-in may take this long, whatever the scrape's deadline: what it achieves
/// is there for the next scrape.
const LOGIN_LIMIT: Duration = Duration::from_secs(20);

/// See the [module documentation](self).
pub struct Bmc {
    connection: Connection,
    account: Account,
    /// Users of other modules that were here lately, and how they fared.
    others: Vec<Account>,
    suites: SuiteHistory,
    store: Arc<LoginStore>,
    /// What log-ins have taught; none before the first one.
    logins: Option<Logins>,
    satellites: Satellites,
    budget: Arc<LoginBudget>,
    telemetry: Arc<Telemetry>,
    /// Log-ins that the present collection may still make.
    logins_left: u8,
    counted_open: bool,
    /// Counts sessions: what was learned in one may not hold in the next.
    generation: u64,
    reply: Vec<u8>,
}

/// The command whose answer names the firmware.
const DEVICE_ID: CommandKey = (GetDeviceId::NET_FN, Lun::BMC, GetDeviceId::COMMAND);

/// How many users of one BMC are remembered. Who is forgotten loses the wait
/// after a wrong password, nothing else.
const MAX_ACCOUNTS: usize = 16;

/// One user of the BMC.
struct Account {
    settings: Arc<Settings>,
    backoff: Backoff,
    /// Why there is no session.
    last_failure: Option<Error>,
}

impl Account {
    fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            backoff: Backoff::default(),
            last_failure: None,
        }
    }
}

impl Bmc {
    /// The BMC at `address`, without a session.
    pub fn new(
        address: SocketAddr,
        settings: Arc<Settings>,
        budget: Arc<LoginBudget>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            connection: Connection::new(address, Arc::clone(&settings)),
            account: Account::new(settings),
            others: Vec::new(),
            suites: SuiteHistory::default(),
            store: Arc::default(),
            logins: None,
            satellites: Satellites::default(),
            budget,
            telemetry,
            logins_left: 0,
            counted_open: false,
            generation: 0,
            reply: Vec::new(),
        }
    }

    /// Keeps in `store` what log-ins teach, and begins with what is there.
    #[must_use]
    pub fn with_login_store(mut self, store: Arc<LoginStore>) -> Self {
        self.store = store;
        self
    }

    /// Begins a collection as the user of `settings`. A session of another user
    /// is closed: a BMC has at most one session with this process.
    pub async fn begin(&mut self, settings: &Arc<Settings>) {
        if !self.account.settings.is_same_as(settings) {
            self.close().await;
            self.connection = Connection::new(self.connection.address(), Arc::clone(settings));
            self.change_account(settings);
        }
        // One for a BMC without a session, one when the session proves dead.
        self.logins_left = 2;
    }

    /// Goes on as another user, who may have been here before. A BMC that could
    /// not be reached or has no session to give is so for all users alike.
    fn change_account(&mut self, settings: &Arc<Settings>) {
        let known = self
            .others
            .iter()
            .position(|account| account.settings.is_same_as(settings));
        let mut account = known.map_or_else(
            || Account::new(Arc::clone(settings)),
            |index| self.others.swap_remove(index),
        );
        let now = Instant::now();
        if let Some(failure) = self.account.last_failure
            && failure.retry() != Retry::AfterMinutes
            && self.account.backoff.blocked_until(now).is_some()
            && account.backoff.blocked_until(now).is_none()
        {
            account.backoff = self.account.backoff;
            account.last_failure = Some(failure);
        }
        if self.others.len() >= MAX_ACCOUNTS {
            self.others.remove(0);
        }
        self.others
            .push(std::mem::replace(&mut self.account, account));
    }

    /// Whether there is a session, as far as is known.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Which session this is; changes with each log-in.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Sends a command and waits for its answer until `deadline`, logging in
    /// first where needed (which may take longer).
    ///
    /// # Errors
    /// As [`Connection::call`], and whatever keeps the log-in from succeeding.
    pub async fn call<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Response, Error> {
        self.call_at(Route::Bmc, command, deadline).await
    }

    /// Like [`Self::call`], to a controller that the BMC passes commands on to. One
    /// that did not answer lately is not asked again for a while: the error is then
    /// what it was the last time.
    ///
    /// # Errors
    /// As [`Connection::call_at`], and whatever keeps the log-in from succeeding.
    pub async fn call_at<C: Command>(
        &mut self,
        route: Route,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Response, Error> {
        let mut data = Vec::new();
        command.encode(&mut data);
        let key = (C::NET_FN, command.lun(), C::COMMAND);
        let mut reply = std::mem::take(&mut self.reply);
        let result = self
            .call_bytes_at(route, key, &data, deadline, &mut reply)
            .await;
        self.reply = reply;
        let result = match result? {
            CompletionCode::OK => command.decode(&self.reply).map_err(Error::from),
            code => Err(Error::Completion(code)),
        };
        self.count_failure(&result);
        result
    }

    /// Like [`Self::call`], with bytes; gives the completion code and puts the
    /// data into `reply`.
    ///
    /// # Errors
    /// As [`Self::call`], but for completion codes and malformed answers.
    pub async fn call_bytes(
        &mut self,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        self.call_bytes_at(Route::Bmc, key, data, deadline, reply)
            .await
    }

    /// Like [`Self::call_at`], with bytes.
    ///
    /// # Errors
    /// As [`Self::call_at`], but for completion codes and malformed answers.
    pub async fn call_bytes_at(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        if route == Route::Bmc && key != DEVICE_ID && self.connection.is_open() {
            let result = self.exchange(route, key, data, deadline, reply).await;
            // Apart and boxed: hardly any request comes here, and the future of all
            // others stays small.
            return match result {
                Err(_) => {
                    Box::pin(self.try_again(result, (route, key), data, deadline, reply)).await
                }
                answered => answered,
            };
        }
        let result = Box::pin(self.call_sized_at(route, key, data, deadline, reply)).await;
        self.satellites.note(route, Instant::now(), &result);
        result
    }

    /// Whether the controller at `route` has answered the last time that it was asked;
    /// the BMC itself counts as answering.
    pub fn answers(&self, route: Route) -> bool {
        self.satellites.answers(route)
    }

    /// Like [`Self::call_bytes_at`], for a request whose answer may be too long for
    /// the way: satellites meet those with silence, so that silence does not count
    /// against them.
    ///
    /// # Errors
    /// As [`Self::call_bytes_at`].
    pub async fn call_sized_at(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        let asked_at = Instant::now();
        if let Some(error) = self.satellites.left_alone(route, asked_at) {
            return Err(error);
        }
        let patience = self.satellites.patience(route);
        let is_patience_shorter = route.is_bridged() && asked_at + patience < deadline;
        let deadline = if is_patience_shorter {
            asked_at + patience
        } else {
            deadline
        };
        let result = self
            .call_bytes_once(route, key, data, deadline, reply)
            .await;
        let mut result = self
            .try_again(result, (route, key), data, deadline, reply)
            .await;
        if is_patience_shorter && matches!(result, Err(Error::Deadline { .. })) {
            result = Err(Error::SatelliteSilent { waited: patience });
        }
        result
    }

    /// Asks once more if the session has proved dead.
    async fn try_again(
        &mut self,
        result: Result<CompletionCode, Error>,
        (route, key): (Route, CommandKey),
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        if self.session_died(&result) {
            return self
                .call_bytes_once(route, key, data, deadline, reply)
                .await;
        }
        result
    }

    async fn call_bytes_once(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        self.ensure_open().await?;
        let result = self.exchange(route, key, data, deadline, reply).await;
        if route == Route::Bmc && key == DEVICE_ID && result == Ok(CompletionCode::OK) {
            self.note_firmware(reply).await;
        }
        result
    }

    /// One request in the session that is there.
    async fn exchange(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
        reply: &mut Vec<u8>,
    ) -> Result<CompletionCode, Error> {
        let result = self
            .connection
            .call_bytes_at(route, key, data, deadline)
            .await;
        let result = result.map(|(code, bytes)| {
            reply.clear();
            reply.extend_from_slice(bytes);
            code
        });
        self.count_failure(&result);
        result
    }

    /// Whether the last call found out that the session is dead: worth one more
    /// try in a new one.
    fn session_died<T>(&mut self, result: &Result<T, Error>) -> bool {
        match result {
            Err(error @ (Error::Silent { .. } | Error::Network(_)))
                if self.counted_open && !self.connection.is_open() =>
            {
                self.count_open(false);
                self.account.last_failure = Some(*error);
                true
            }
            _ => false,
        }
    }

    fn count_failure<T>(&self, result: &Result<T, Error>) {
        if let Err(error) = result {
            self.telemetry.request_failed(error.label());
        }
    }

    async fn ensure_open(&mut self) -> Result<(), Error> {
        if self.connection.is_open() {
            return Ok(());
        }
        self.count_open(false);
        let blocked = self.account.backoff.blocked_until(Instant::now()).is_some();
        if let Some(failure) = self.account.last_failure
            && (blocked || self.logins_left == 0)
        {
            return Err(failure);
        }
        self.logins_left = self.logins_left.saturating_sub(1);
        self.budget.acquire().await;
        self.log_in().await
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        let before = self.recall().await;
        let result = self.connection.open(Instant::now() + LOGIN_LIMIT).await;
        self.telemetry.wire(&self.connection.take_counters());
        let result = self.count_login(result);
        self.remember(before).await;
        result
    }

    /// Gives the connection what is known of this user at this BMC.
    async fn recall(&mut self) -> Option<LoginMemory> {
        if self.logins.is_none() {
            let store = Arc::clone(&self.store);
            let address = self.connection.address();
            let load = tokio::task::spawn_blocking(move || store.load(address));
            let logins = load.await.unwrap_or_default();
            self.suites = SuiteHistory::new(logins.accepted.clone());
            self.logins = Some(logins);
        }
        let settings = &self.account.settings;
        let memory = self
            .logins
            .as_ref()
            .and_then(|logins| logins.memory(settings, SystemTime::now()));
        self.connection.set_memory(memory);
        memory
    }

    /// Keeps what a log-in that began with `before` has taught.
    async fn remember(&mut self, before: Option<LoginMemory>) {
        let Some(logins) = &mut self.logins else {
            return;
        };
        let known = logins.clone();
        let after = self.connection.memory();
        logins.learn(&self.account.settings, before, after, SystemTime::now());
        logins.accepted = self.suites.accepted().to_vec();
        if *logins != known {
            self.save_logins().await;
        }
    }

    async fn save_logins(&self) {
        let Some(logins) = self.logins.clone() else {
            return;
        };
        let store = Arc::clone(&self.store);
        let address = self.connection.address();
        // A file that cannot be written costs a few packets; the store has told.
        let _ = tokio::task::spawn_blocking(move || store.save(address, &logins)).await;
    }

    /// Looks at every answer of Get Device ID: with another firmware, what worked
    /// at log-in may not work any more, or something better may.
    async fn note_firmware(&mut self, device_id: &[u8]) {
        let Some(logins) = &mut self.logins else {
            return;
        };
        let known = logins.clone();
        if logins.identified(device_id) {
            let target = self.connection.address();
            info!(%target, "The BMC has another firmware; the next log-in begins anew");
        }
        if *logins != known {
            self.save_logins().await;
        }
    }

    fn count_login(&mut self, result: Result<Opened, Error>) -> Result<(), Error> {
        let target = self.connection.address();
        match result {
            Ok(opened) => {
                if self.account.last_failure.take().is_some() {
                    info!(%target, protection = %opened.negotiated, "Logged in to the BMC again");
                }
                self.account.backoff.succeeded();
                self.telemetry.login("success");
                match opened.negotiated {
                    Negotiated::Suite(suite) => {
                        self.telemetry.suite(suite.0);
                        self.judge_suite(suite);
                    }
                    Negotiated::V15(auth_type) => self.telemetry.auth_type(auth_type.label()),
                }
                self.count_open(true);
                self.generation += 1;
                Ok(())
            }
            Err(error) => {
                let now = Instant::now();
                self.account.backoff.failed(now, &error, rand::random());
                let next_attempt_in = self
                    .account
                    .backoff
                    .blocked_until(now)
                    .map_or(Duration::ZERO, |until| until - now)
                    .as_secs();
                if self.account.last_failure.map(|last| last.label()) != Some(error.label()) {
                    warn!(%target, %error, next_attempt_in, "Failed to log in to the BMC");
                }
                // What happened at this try only says when to try again; a
                // second try in the same collection would say the same.
                if error.retry() != Retry::Now {
                    self.logins_left = 0;
                }
                self.account.last_failure = Some(error);
                self.telemetry.login(error.label());
                Err(error)
            }
        }
    }

    /// Tells the operator when the BMC does not accept any more what it did.
    fn judge_suite(&mut self, suite: CipherSuiteId) {
        let target = self.connection.address();
        let allowed = self.account.settings.suites();
        match self.suites.logged_in(allowed, suite) {
            Verdict::Usual => {}
            Verdict::Downgraded { from, news } => {
                self.telemetry.suite_downgraded();
                if news {
                    warn!(
                        %target,
                        suite = suite.0,
                        expected = from.0,
                        "The BMC no longer accepts the cipher suite that it accepted before; \
                         logged in with a less preferred one. `cipher_suites` decides whether \
                         that is allowed"
                    );
                }
            }
            Verdict::Restored => {
                info!(%target, suite = suite.0, "The BMC accepts the preferred cipher suite again");
            }
        }
    }

    fn count_open(&mut self, open: bool) {
        if self.counted_open != open {
            self.counted_open = open;
            if open {
                self.telemetry.sessions.inc();
            } else {
                self.telemetry.sessions.dec();
            }
        }
    }

    /// Keeps an idle session alive, or finds out that it is dead.
    pub async fn keep_alive(&mut self) {
        let deadline = Instant::now() + LOGIN_LIMIT;
        let result = self.connection.keep_alive(deadline).await;
        if result.is_err() && !self.connection.is_open() {
            self.count_open(false);
        }
        self.publish();
    }

    /// Closes the session.
    pub async fn close(&mut self) {
        self.connection.close().await;
        self.count_open(false);
        self.publish();
    }

    /// Adds what the session counted to the exporter's own metrics.
    pub fn publish(&mut self) {
        self.telemetry.wire(&self.connection.take_counters());
    }
}

/// An actor that ends without closing must not leave the gauge behind.
impl Drop for Bmc {
    fn drop(&mut self) {
        self.count_open(false);
    }
}
