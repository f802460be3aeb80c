//! Which cipher suites the BMC offers, asked before the first log-in: with the
//! list, the first try nearly always is the right one.
//!
//! The list is a hint for the order and no more. It is not protected, some BMCs
//! refuse to give it before log-in, and some list what they then refuse.

use std::time::Instant;

use super::counters::RejectReason;
use super::login::LoginPlan;
use super::open::Login;
use super::question::Question;
use super::{Session, State};
use crate::command::{CipherSuiteList, Command, GetChannelCipherSuites};
use crate::error::{Error, Stage};
use crate::wire::LanResponse;

/// How often a page is asked for: the log-in goes on without it.
const MAX_ASKED: u32 = 2;

/// The list, as far as it has come.
pub(super) struct Listing {
    pub(super) login: Login<LoginPlan>,
    pub(super) question: Question,
    page: GetChannelCipherSuites,
    list: CipherSuiteList,
}

impl Session {
    /// Asks for the list where it can save something: there is a choice, and
    /// nobody knows yet what works.
    pub(super) fn list_or_attempt(
        &mut self,
        now: Instant,
        login: Login<LoginPlan>,
        question: Question,
    ) {
        if self.memory.is_some() || self.settings.suites().len() < 2 {
            self.attempt(now, login);
            return;
        }
        self.ask_for_page(
            now,
            Listing {
                login,
                question: question.next(),
                page: GetChannelCipherSuites { page: 0 },
                list: CipherSuiteList::default(),
            },
        );
    }

    fn ask_for_page(&mut self, now: Instant, mut listing: Listing) {
        if listing.question.attempts > 0 {
            self.counters.retransmitted += 1;
        }
        let wait = self.rtt.timeout(listing.question.attempts);
        listing
            .question
            .ask(&listing.page, now, wait, &mut self.out);
        self.state = State::Listing(listing);
    }

    pub(super) fn listing_timeout(&mut self, now: Instant, listing: Listing) {
        if now >= listing.login.deadline {
            self.fail_login(Error::Deadline {
                stage: Stage::CipherSuites,
            });
        } else if now < listing.question.resend_at {
            self.state = State::Listing(listing);
        } else if listing.question.attempts < MAX_ASKED {
            self.ask_for_page(now, listing);
        } else {
            self.end_of_list(now, listing);
        }
    }

    pub(super) fn handle_page(
        &mut self,
        now: Instant,
        mut listing: Listing,
        response: &LanResponse<'_>,
    ) -> Result<(), RejectReason> {
        if !listing
            .question
            .is_answer::<GetChannelCipherSuites>(response)
        {
            self.state = State::Listing(listing);
            return Err(RejectReason::Unmatched);
        }
        if let Some(rtt) = listing.question.rtt(response, now) {
            self.rtt.sample(rtt);
        }
        let page = match listing.page.decode(response.data) {
            Ok(page) if response.completion.is_ok() => page,
            _ => Vec::new(),
        };
        match listing.list.push(&page) {
            Some(next) => {
                listing.page = next;
                listing.question = listing.question.next();
                self.ask_for_page(now, listing);
            }
            None => self.end_of_list(now, listing),
        }
        Ok(())
    }

    fn end_of_list(&mut self, now: Instant, mut listing: Listing) {
        let offered = listing.list.suites();
        listing.login.plan.prefer(&offered);
        self.offered = (!offered.is_empty()).then_some(offered);
        self.attempt(now, listing.login);
    }
}
