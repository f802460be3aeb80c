//! What answers mean.

use std::time::Instant;

use rmcp_ipmi::command::AuthenticationCapabilities;

use super::{Asked, Scanner, Stage, asks_for_v20};
use crate::question::Verdict;

/// More pages of a list are not asked for: a page has three suites, and there are
/// twenty, and some of vendors.
pub(super) const MAX_PAGES: u8 = 16;

impl Scanner {
    /// Takes the answer to a ping, whose tag was right.
    pub(super) fn hear_pong(&mut self, number: u64, speaks_ipmi: bool) {
        let is_new = !self.found.contains_key(&number);
        let bmc = self.found.entry(number).or_default();
        if bmc.answers_ping {
            self.ignored.repeated += 1;
            return;
        }
        bmc.answers_ping = true;
        bmc.claims_ipmi = speaks_ipmi;
        if is_new && !self.asked.contains_key(&number) {
            // It was given up too early.
            self.asked.insert(number, Asked::new());
            self.stand_in_line(number);
        }
    }

    /// Takes what says to answer the `nth` message, modulo 64.
    pub(super) fn hear_capabilities(
        &mut self,
        now: Instant,
        number: u64,
        nth: u8,
        verdict: Verdict<AuthenticationCapabilities>,
    ) {
        let is_early = nth < self.settings.tries;
        let is_known = self.found.get(&number).is_some_and(|bmc| bmc.answers_ipmi);
        let asked_v20 = match self.asked.get(&number) {
            // Given up, or having said nothing but pong.
            None if is_early && !is_known => Some(asks_for_v20(nth)),
            Some(asked) => match asked.stage {
                Stage::Presence => is_early.then(|| asks_for_v20(nth)),
                Stage::Capabilities { with_v20 } => {
                    let is_answer =
                        asked.is_copy(nth) || (is_early && asks_for_v20(nth) == with_v20);
                    is_answer.then_some(with_v20)
                }
                Stage::Suites { .. } => None,
            },
            None => None,
        };
        let Some(asked_v20) = asked_v20 else {
            if is_early && is_known {
                self.ignored.repeated += 1;
            } else {
                self.ignored.unmatched += 1;
            }
            return;
        };
        let bmc = self.found.entry(number).or_default();
        bmc.answers_ipmi = true;
        let asked = self.asked.entry(number).or_insert_with(Asked::new);
        let is_first = asked.stage == Stage::Presence;
        let was_told = match verdict {
            Verdict::Busy => {
                if asked.due.is_none() && !asked.is_in_line {
                    let due = now + self.settings.timeout;
                    asked.due = Some(due);
                    self.due.insert((due, number));
                }
                return;
            }
            Verdict::Told(said) => {
                // The answer without IPMI 2.0 says less.
                if asked_v20 || bmc.capabilities.is_none() {
                    bmc.capabilities = Some(said);
                }
                true
            }
            Verdict::Refused => false,
        };
        // What follows has other numbers than all copies of the first question.
        asked.messages = asked.messages.max(self.settings.tries);
        match (is_first, asked_v20, was_told) {
            (true, true, false) => self.enter(number, Stage::Capabilities { with_v20: false }),
            (true, false, _) => self.enter(number, Stage::Capabilities { with_v20: true }),
            _ => self.ask_for_suites(number),
        }
    }

    /// The same, for a page of the list.
    pub(super) fn hear_suites(&mut self, number: u64, nth: u8, verdict: Verdict<Vec<u8>>) {
        let is_known = self.found.get(&number).is_some_and(|bmc| bmc.answers_ipmi);
        let asked = match self.asked.get_mut(&number) {
            Some(asked) if matches!(asked.stage, Stage::Suites { .. }) && asked.is_copy(nth) => {
                asked
            }
            asked => {
                let was_asked = match asked {
                    Some(asked) => {
                        matches!(asked.stage, Stage::Suites { .. }) && asked.is_former(nth)
                    }
                    None => is_known,
                };
                if was_asked {
                    self.ignored.repeated += 1;
                } else {
                    self.ignored.unmatched += 1;
                }
                return;
            }
        };
        let page = match verdict {
            // The next copy leaves when this one's time is over.
            Verdict::Busy => return,
            Verdict::Told(page) => page,
            Verdict::Refused => Vec::new(),
        };
        match asked.list.push(&page) {
            Some(next) if next.page < MAX_PAGES => {
                self.enter(number, Stage::Suites { page: next.page });
            }
            _ => self.end_of_list(number),
        }
    }
}
