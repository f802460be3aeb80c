//! The watchdog timer in the words of the metrics.

use std::time::{Duration, Instant};

use rmcp_ipmi::command::{GetWatchdogTimer, WatchdogTimer};

use super::CollectError;
use crate::bmc::Bmc;
use crate::config::{Module, Workaround};

/// Longer than the timer's unit of 100 ms: one that runs has moved by then.
const MOVES_WITHIN: Duration = Duration::from_millis(120);

/// Asks for the timer. With `ignorestateflag`, for BMCs that never say that it
/// runs, it is asked for twice: one that moves runs.
///
/// # Errors
/// When it cannot be had, or the answer is too short.
pub(super) async fn ask(
    bmc: &mut Bmc,
    module: &Module,
    deadline: Instant,
) -> Result<Watchdog, CollectError> {
    let timer = bmc.call(&GetWatchdogTimer, deadline).await?;
    let mut watchdog = Watchdog::from_timer(&timer)?;
    if module.workarounds.contains(&Workaround::IgnoreStateFlag) {
        tokio::time::sleep(MOVES_WITHIN).await;
        let later = bmc.call(&GetWatchdogTimer, deadline).await?;
        watchdog.is_running = later.present_countdown != timer.present_countdown;
    }
    Ok(watchdog)
}

/// The watchdog timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watchdog {
    /// Whether it counts down.
    pub is_running: bool,
    /// Whether expirations are logged.
    pub is_logging: bool,
    /// Index into [`Self::USES`]; `None` for reserved values.
    pub timer_use: Option<usize>,
    /// Index into [`Self::ACTIONS`]; `None` for reserved values.
    pub action: Option<usize>,
    /// Index into [`Self::INTERRUPTS`]; `None` for reserved values.
    pub interrupt: Option<usize>,
    /// Seconds from the interrupt to the time-out.
    pub pre_timeout_seconds: u8,
    /// What it counts down from, in whole seconds.
    pub initial_seconds: u16,
    /// Where it is now, in whole seconds.
    pub current_seconds: u16,
}

/// The wire counts in tenths of seconds.
const TENTHS: u16 = 10;

impl Watchdog {
    /// Who may use the timer (IPMI 2.0 table 27-2, values 1 to 5).
    pub const USES: [&str; 5] = ["BIOS FRB2", "BIOS POST", "OS LOAD", "SMS/OS", "OEM"];
    /// What may happen at the time-out (values 0 to 3).
    pub const ACTIONS: [&str; 4] = ["None", "Hard Reset", "Power Down", "Power Cycle"];
    /// What may happen before it (values 0 to 3).
    pub const INTERRUPTS: [&str; 4] = [
        "None",
        "SMI",
        "NMI / Diagnostic Interrupt",
        "Messaging Interrupt",
    ];

    /// Translates an answer. A present countdown that the BMC leaves out makes
    /// the collector fail, as one of its metrics would be missing.
    ///
    /// # Errors
    /// When the answer is too short.
    pub fn from_timer(timer: &WatchdogTimer) -> Result<Self, CollectError> {
        let present = timer
            .present_countdown
            .ok_or(CollectError::Incomplete("the present countdown"))?;
        let index = |value: u8, first: u8, count: usize| {
            usize::from(value)
                .checked_sub(usize::from(first))
                .filter(|index| *index < count)
        };
        Ok(Self {
            is_running: timer.is_running(),
            is_logging: timer.is_logging(),
            timer_use: index(timer.user(), 1, Self::USES.len()),
            action: index(timer.timeout_action(), 0, Self::ACTIONS.len()),
            interrupt: index(timer.pre_timeout_interrupt(), 0, Self::INTERRUPTS.len()),
            pre_timeout_seconds: timer.pre_timeout_seconds,
            initial_seconds: timer.initial_countdown / TENTHS,
            current_seconds: present / TENTHS,
        })
    }
}
