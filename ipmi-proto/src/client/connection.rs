//! One BMC, at most one session with it, one request at a time.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::Sleep;

use crate::command::{Command, GetDeviceId, GetSystemGuid, OfferedSuite};
use crate::error::{Error, Stage};
use crate::privilege::PrivilegeLevel;
use crate::session::{Counters, Event, LoginMemory, Negotiated, RttEstimator, Session, Settings};
use crate::wire::{CommandKey, CompletionCode, Lun, MAX_DATAGRAM_BYTES, Route};

/// How long a session that did not answer gets at most to prove that it is alive.
const CANARY: Duration = Duration::from_secs(2);
/// When there is nothing to wait for; any wake-up only looks around.
const IDLE: Duration = Duration::from_secs(3600);

/// What a log-in achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What protects the session.
    pub negotiated: Negotiated,
    /// The session's privilege level.
    pub privilege: PrivilegeLevel,
}

/// See the [module documentation](super). Dropping it closes the session without
/// waiting for the BMC.
pub struct Connection {
    address: SocketAddr,
    settings: Arc<Settings>,
    link: Option<Link>,
    memory: Option<LoginMemory>,
    offered: Option<Vec<OfferedSuite>>,
    rtt: RttEstimator,
    counters: Counters,
    /// The BMC refused a higher level: asking again would cost a request each time.
    raise_refused: bool,
    data: Vec<u8>,
}

/// A session and its own socket: late answers to an earlier session cannot
/// reach this one.
struct Link {
    socket: UdpSocket,
    session: Session,
    datagram: Vec<u8>,
    /// Whether `datagram` is still to be sent.
    unsent: bool,
    timer: Pin<Box<Sleep>>,
    /// Port-unreachable messages; on shared network interfaces the host's system
    /// sends them although the BMC is about to answer.
    refused: u32,
}

impl Connection {
    /// A connection without a session to the BMC at `address`.
    pub fn new(address: SocketAddr, settings: Arc<Settings>) -> Self {
        Self {
            address,
            settings,
            link: None,
            memory: None,
            offered: None,
            rtt: RttEstimator::default(),
            counters: Counters::default(),
            raise_refused: false,
            data: Vec::new(),
        }
    }

    /// Begins the next log-in with what an earlier connection of the same user to
    /// the same BMC [remembered](Self::memory), or without knowing anything.
    pub fn set_memory(&mut self, memory: Option<LoginMemory>) {
        self.memory = memory;
    }

    /// What worked at the last log-in; the next one starts with it.
    pub fn memory(&self) -> Option<LoginMemory> {
        self.memory
    }

    /// The cipher suites that the BMC lists; `None` as long as it was not asked
    /// ([`Session::offered_suites`]).
    pub fn offered_suites(&self) -> Option<&[OfferedSuite]> {
        self.offered.as_deref()
    }

    /// Where the BMC is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether there is a session. It may have died without anybody knowing.
    pub fn is_open(&self) -> bool {
        self.link
            .as_ref()
            .is_some_and(|link| link.session.is_open())
    }

    /// The learned round-trip time to this BMC.
    pub fn rtt(&self) -> RttEstimator {
        self.link
            .as_ref()
            .map_or(self.rtt, |link| link.session.rtt())
    }

    /// Gives what was counted since the last call.
    pub fn take_counters(&mut self) -> Counters {
        if let Some(link) = &mut self.link {
            self.counters.add(&link.session.counters().take());
        }
        self.counters.take()
    }

    /// Logs in, replacing any session there was.
    ///
    /// # Errors
    /// Whatever ended the log-in; the connection is then without a session.
    pub async fn open(&mut self, deadline: Instant) -> Result<Opened, Error> {
        self.drop_link();
        self.raise_refused = false;
        let socket = self
            .bind()
            .await
            .map_err(|error| Error::Network(error.kind()))?;
        // Without the operating system's random numbers nothing is secret.
        let rng =
            StdRng::try_from_rng(&mut SysRng).map_err(|_| Error::Network(io::ErrorKind::Other))?;
        let session = Session::new(Arc::clone(&self.settings), self.memory, self.rtt, rng);
        let link = self.link.insert(Link {
            socket,
            session,
            datagram: Vec::new(),
            unsent: false,
            timer: Box::pin(tokio::time::sleep(IDLE)),
            refused: 0,
        });
        link.session.open(Instant::now(), deadline);
        let result = link.run().await;
        self.memory = link.session.memory();
        if let Some(offered) = link.session.offered_suites() {
            self.offered = Some(offered.to_vec());
        }
        let error = match result {
            Ok(Event::Opened {
                negotiated,
                privilege,
                ..
            }) => {
                return Ok(Opened {
                    negotiated,
                    privilege,
                });
            }
            Ok(Event::LoginFailed(Error::Silent {
                stage: Stage::Capabilities,
                ..
            })) if link.refused > 0 => Error::Network(io::ErrorKind::ConnectionRefused),
            Ok(Event::LoginFailed(error)) | Err(error) => error,
            Ok(_) => Error::Misuse("an event that a log-in does not have"),
        };
        self.drop_link();
        Err(error)
    }

    async fn bind(&self) -> io::Result<UdpSocket> {
        let any: IpAddr = if self.address.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
        // The kernel then drops what comes from any other address or port.
        socket.connect(self.address).await?;
        Ok(socket)
    }

    /// Sends a command and waits for its answer. A command that the session's
    /// level is too low for is repeated at the highest level that the log-in
    /// entitles to.
    ///
    /// # Errors
    /// [`Error::Completion`] when the BMC refuses, [`Error::Deadline`] when
    /// `deadline` passes first, [`Error::Malformed`] when the answer makes no
    /// sense: the session goes on. Who the BMC is is asked again until it is sure that
    /// the answer holds nothing of another one. [`Error::Silent`] when the session proves to
    /// be dead ([`Self::is_open`] is then false) or the BMC answers other
    /// commands but not this one; that proof ends at `deadline` too.
    /// [`Error::Misuse`] without a session.
    pub async fn call<C: Command>(
        &mut self,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Response, Error> {
        self.call_at(Route::Bmc, command, deadline).await
    }

    /// Like [`Self::call`], to a controller that the BMC passes messages on to.
    ///
    /// # Errors
    /// As [`Self::call`]; [`Error::Relay`] when the BMC cannot pass the command on,
    /// [`Error::SatelliteSilent`] when it has, or says nothing about it but answers
    /// other commands, and the controller does not answer.
    pub async fn call_at<C: Command>(
        &mut self,
        route: Route,
        command: &C,
        deadline: Instant,
    ) -> Result<C::Response, Error> {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        command.encode(&mut data);
        let key = (C::NET_FN, command.lun(), C::COMMAND);
        let result = self.exchange(route, key, &data, deadline).await;
        self.data = data;
        match result? {
            CompletionCode::OK => Ok(command.decode(self.reply())?),
            code => Err(Error::Completion(code)),
        }
    }

    /// Like [`Self::call`], with bytes; gives the completion code and the data.
    ///
    /// # Errors
    /// As [`Self::call`], but for completion codes and malformed answers.
    pub async fn call_bytes(
        &mut self,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
    ) -> Result<(CompletionCode, &[u8]), Error> {
        self.call_bytes_at(Route::Bmc, key, data, deadline).await
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
    ) -> Result<(CompletionCode, &[u8]), Error> {
        let code = self.exchange(route, key, data, deadline).await?;
        Ok((code, self.reply()))
    }

    fn reply(&self) -> &[u8] {
        self.link
            .as_ref()
            .map(|link| link.session.reply())
            .unwrap_or_default()
    }

    /// One request; a second one at a higher level when the first needs it, and
    /// further ones while the answer may be a mixture.
    async fn exchange(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
    ) -> Result<CompletionCode, Error> {
        let link = self.link.as_mut().ok_or(NO_SESSION)?;
        match link.request(route, key, data, deadline).await {
            Ok(code) if code != REFUSED && !link.may_be_mixed(route, key) => Ok(code),
            // Apart and boxed: hardly any request comes here, and the future of all
            // others stays small.
            first => Box::pin(self.see_to(first, route, key, data, deadline)).await,
        }
    }

    /// What is to be done about a request that was not simply answered.
    async fn see_to(
        &mut self,
        first: Result<CompletionCode, Error>,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
    ) -> Result<CompletionCode, Error> {
        let mut result = self.judge_silence(first, route, deadline).await;
        // Send Message itself may be refused, too.
        if matches!(result, Ok(REFUSED) | Err(Error::Relay(REFUSED)))
            && self.raise_privilege(deadline).await?
        {
            result = self.request_again(route, key, data, deadline).await;
        }
        // An end comes with the deadline.
        while matches!(result, Ok(CompletionCode::OK))
            && (self.link.as_ref()).is_some_and(|link| link.may_be_mixed(route, key))
        {
            result = self.request_again(route, key, data, deadline).await;
        }
        result
    }

    async fn request_again(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
    ) -> Result<CompletionCode, Error> {
        let link = self.link.as_mut().ok_or(NO_SESSION)?;
        let result = link.request(route, key, data, deadline).await;
        self.judge_silence(result, route, deadline).await
    }

    /// Proves that the session is alive, and keeps it so.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn keep_alive(&mut self, deadline: Instant) -> Result<(), Error> {
        self.call(&GetDeviceId, deadline).await.map(drop)
    }

    /// Closes the session; takes at most a second.
    pub async fn close(&mut self) {
        if let Some(link) = &mut self.link {
            link.session.close(Instant::now());
            // Nothing can be done about a BMC that does not take the goodbye.
            let _ = link.run().await;
        }
        self.drop_link();
    }

    fn drop_link(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.leave();
            self.rtt = link.session.rtt();
            self.counters.add(&link.session.counters().take());
        }
    }

    /// Finds out what silence means: for the session, and for a satellite.
    async fn judge_silence(
        &mut self,
        result: Result<CompletionCode, Error>,
        route: Route,
        deadline: Instant,
    ) -> Result<CompletionCode, Error> {
        let Err(silent @ Error::Silent { waited, .. }) = result else {
            return result;
        };
        let link = self.link.as_mut().ok_or(NO_SESSION)?;
        match link.pulse(deadline).await {
            Pulse::Dead => self.drop_link(),
            Pulse::Alive if route.is_bridged() => {
                return Err(Error::SatelliteSilent { waited });
            }
            Pulse::Alive | Pulse::Unknown => {}
        }
        Err(silent)
    }

    /// Raises the session to the highest level it is entitled to; says whether
    /// the level changed.
    async fn raise_privilege(&mut self, deadline: Instant) -> Result<bool, Error> {
        let link = self.link.as_mut().ok_or(NO_SESSION)?;
        let Some((mut level, max)) = link.session.privilege() else {
            return Ok(false);
        };
        if self.raise_refused {
            return Ok(false);
        }
        let before = level;
        let mut wanted = Some(max);
        while let Some(next) = wanted.filter(|next| *next > level) {
            link.session.abandon_request();
            link.session
                .raise_privilege(Instant::now(), deadline, next)?;
            match link.answer().await {
                Ok(code) if code.is_ok() => level = next,
                Ok(_) => wanted = next.lower(),
                // Some BMCs never answer this one: the session goes on as it is.
                Err(silent @ Error::Silent { .. }) => match link.pulse(deadline).await {
                    Pulse::Alive => wanted = None,
                    Pulse::Unknown => return Err(silent),
                    Pulse::Dead => {
                        self.drop_link();
                        return Err(silent);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        self.raise_refused = level < max;
        Ok(level > before)
    }
}

const NO_SESSION: Error = Error::Misuse("there is no session");
/// The answer of a BMC that wants a higher level for a command.
const REFUSED: CompletionCode = CompletionCode::INSUFFICIENT_PRIVILEGE;
/// Who the BMC is. With two things to do, some put fields of another answer into
/// these; what hangs on them (records, firmware, the machine's name) is kept for long.
const IDENTITY: [CommandKey; 2] = [
    (GetDeviceId::NET_FN, Lun::BMC, GetDeviceId::COMMAND),
    (GetSystemGuid::NET_FN, Lun::BMC, GetSystemGuid::COMMAND),
];

impl Link {
    async fn request(
        &mut self,
        route: Route,
        key: CommandKey,
        data: &[u8],
        deadline: Instant,
    ) -> Result<CompletionCode, Error> {
        let now = Instant::now();
        // Whoever waited for the last request may have been dropped.
        self.unsent = false;
        self.session.abandon_request();
        if is_identity(route, key) && self.session.may_be_in_work() {
            // What it was given up for may have been answered since.
            self.receive();
        }
        self.session.request_at(now, deadline, route, key, data)?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<CompletionCode, Error> {
        match self.run().await? {
            Event::Answered(code) => Ok(code),
            Event::RequestFailed(error) => Err(error),
            _ => Err(Error::Misuse("an event that a request does not have")),
        }
    }

    /// Whether the last answer, to this command, may hold fields of another one.
    fn may_be_mixed(&self, route: Route, key: CommandKey) -> bool {
        is_identity(route, key) && !self.session.answered_alone()
    }

    /// Whether the BMC still answers anything in this session.
    async fn pulse(&mut self, deadline: Instant) -> Pulse {
        let key = (GetDeviceId::NET_FN, Lun::BMC, GetDeviceId::COMMAND);
        let until = deadline.min(Instant::now() + CANARY);
        match self.request(Route::Bmc, key, &[], until).await {
            Ok(_) => Pulse::Alive,
            Err(Error::Deadline { .. }) if until == deadline => Pulse::Unknown,
            Err(_) => Pulse::Dead,
        }
    }

    /// Ends the session without waiting for anything.
    fn leave(&mut self) {
        self.unsent = false;
        self.session.leave(Instant::now());
        while self.session.poll_transmit(&mut self.datagram) {
            // Nobody can wait for a socket that is not ready.
            let _ = self.socket.try_send(&self.datagram);
        }
    }

    /// Does the session's I/O until it has something to tell.
    async fn run(&mut self) -> Result<Event, Error> {
        poll_fn(|context| self.poll_run(context)).await
    }

    /// As [`Self::run`]. One function and not several that wait for each other: it
    /// runs for every datagram.
    fn poll_run(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        loop {
            if let Poll::Ready(Err(error)) = self.poll_send(context) {
                return Poll::Ready(Err(error));
            }
            if let Some(event) = self.session.poll_event() {
                return Poll::Ready(Ok(event));
            }
            let wake_at = self
                .session
                .poll_timeout()
                .unwrap_or_else(|| Instant::now() + IDLE);
            // An earlier wake-up does no harm, and moving the timer costs more
            // than the request: it is left alone while it is early enough.
            let armed = self.timer.deadline().into_std();
            if armed > wake_at || self.timer.is_elapsed() {
                self.timer.as_mut().reset(wake_at.into());
            }
            match self.socket.poll_recv_ready(context) {
                Poll::Ready(Ok(())) => self.receive(),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(Error::Network(error.kind())));
                }
                Poll::Pending if self.timer.as_mut().poll(context).is_ready() => {
                    // What has arrived by now has arrived in time.
                    self.receive();
                    self.session.handle_timeout(Instant::now());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends what the session wants to be sent. Pending when the socket takes
    /// nothing now; what is left is sent at the next call.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.unsent || self.session.poll_transmit(&mut self.datagram) {
            self.unsent = true;
            match self.socket.try_send(&self.datagram) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.socket.poll_send_ready(context) {
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(Err(Error::Network(error.kind())));
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
                // Reported for an earlier datagram; this one is lost, as any may be.
                Err(error) if is_unreachable(&error) => self.refused += 1,
                Err(error) => return Poll::Ready(Err(Error::Network(error.kind()))),
            }
            self.unsent = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the runtime that the socket is empty, as it is after the answer to
    /// the one request in flight, which saves asking the kernel. Should there be
    /// more, it is read together with what arrives next.
    fn expect_nothing_more(&self) {
        let _ = self
            .socket
            .try_io(Interest::READABLE, || -> io::Result<()> {
                Err(io::ErrorKind::WouldBlock.into())
            });
    }

    /// Takes what has arrived, until something comes of it.
    fn receive(&mut self) {
        let mut datagram = [0; MAX_DATAGRAM_BYTES];
        loop {
            match self.socket.try_recv(&mut datagram) {
                Ok(length) => {
                    let received = datagram.get(..length).unwrap_or_default();
                    self.session.handle_datagram(Instant::now(), received);
                    if self.session.has_news() {
                        self.expect_nothing_more();
                        return;
                    }
                }
                Err(error) if is_unreachable(&error) => self.refused += 1,
                Err(_) => return,
            }
        }
    }
}

fn is_identity(route: Route, key: CommandKey) -> bool {
    route == Route::Bmc && IDENTITY.contains(&key)
}

/// What an unanswered request means for its session.
enum Pulse {
    Alive,
    Dead,
    /// The caller's time is over, not the BMC's: a later call will tell.
    Unknown,
}

/// Callers may be dropped at any time, and a session that nobody closes takes one
/// of the BMC's few slots for a minute.
impl Drop for Link {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Errors that the network reports for one datagram and that say nothing about
/// the next.
fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
