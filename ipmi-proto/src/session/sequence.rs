//! Session sequence numbers: ours count up, the BMC's are checked for replays
//! (IPMI 2.0 sections 6.12.12 and 6.12.13).

/// Counts our packets; 0 is never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundSequence(u32);

impl Default for OutboundSequence {
    fn default() -> Self {
        Self::starting_at(1)
    }
}

impl OutboundSequence {
    /// Starts with `first`; a session starts with 1.
    pub fn starting_at(first: u32) -> Self {
        Self(first)
    }

    /// Goes back to a number that was taken `taken` transmissions ago, for when the
    /// BMC may not have seen them.
    pub fn step_back(&mut self, taken: u32) {
        self.0 = self.0.wrapping_sub(taken);
    }

    /// The number for one transmission. Retransmissions take a new one: a BMC
    /// silently drops a number that it has seen.
    pub fn take(&mut self) -> u32 {
        let number = self.0.max(1);
        self.0 = number.checked_add(1).unwrap_or(1);
        number
    }
}

/// How far behind the highest number a late packet is still accepted, and which
/// steps ahead are no jumps.
const V20_REACH: (u32, u32) = (16, 15);
/// The same in IPMI 1.5 (IPMI 2.0 section 6.12.12).
pub(super) const V15_REACH: (u32, u32) = (8, 8);
/// The largest step forward in an IPMI 1.5 session whose packets are authenticated.
/// Its key is the password: packets of the user's other sessions verify too, and
/// BMCs use session ids again. What tells the sessions apart is the number with
/// which the BMC was told to begin, so steps are far smaller than what lies
/// between two such numbers, and far larger than what a BMC loses.
const V15_FURTHEST: u32 = 1024;
/// The largest step forward where keys belong to one session.
const V20_FURTHEST: u32 = (1 << 31) - 1;

/// Accepts each number of the BMC once.
///
/// By default only packets whose integrity was verified may be shown to it. That
/// is why it accepts any step forward: a forger cannot make such a packet, while a
/// BMC whose packets were lost, or that counts other traffic too, does jump. For
/// sessions without integrity there is [`Self::strict`].
#[derive(Clone, Copy, Debug)]
pub struct ReplayWindow {
    behind: u32,
    /// Larger steps forward are jumps...
    ahead: u32,
    /// ...and still larger ones are refused.
    furthest: u32,
    highest: Option<u32>,
    /// Bit n: `highest - n` was seen.
    seen: u32,
}

/// What the window says about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New; `jumped` when it is further ahead than the specification's window.
    Fresh {
        /// Whether packets before it were lost or skipped in numbers.
        jumped: bool,
    },
    /// Seen before.
    Replayed,
    /// Too far behind to tell.
    TooOld,
    /// Too far ahead for this window.
    TooFarAhead,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        let (behind, ahead) = V20_REACH;
        Self {
            behind,
            ahead,
            furthest: V20_FURTHEST,
            highest: None,
            seen: 0,
        }
    }
}

impl ReplayWindow {
    /// The window of an IPMI 1.5 session, whose BMC was told to begin with
    /// `first`; some begin with the number before. `authenticated` says whether
    /// packets are: other windows are [strict](Self::strict).
    pub fn v15(first: u32, authenticated: bool) -> Self {
        let (behind, ahead) = V15_REACH;
        Self {
            behind,
            ahead,
            furthest: if authenticated { V15_FURTHEST } else { ahead },
            highest: Some(first.wrapping_sub(2)),
            seen: 1,
        }
    }

    /// A window that refuses jumps: where anybody can make packets, a forged jump
    /// would shut the BMC's own packets out.
    pub fn strict() -> Self {
        let window = Self::default();
        Self {
            furthest: window.ahead,
            ..window
        }
    }

    /// Judges `number` without remembering it.
    pub fn check(&self, number: u32) -> Verdict {
        let Some(highest) = self.highest else {
            return Verdict::Fresh { jumped: false };
        };
        let ahead = number.wrapping_sub(highest);
        if ahead == 0 {
            return Verdict::Replayed;
        }
        if ahead < 1 << 31 {
            return if ahead > self.furthest {
                Verdict::TooFarAhead
            } else {
                Verdict::Fresh {
                    jumped: ahead > self.ahead,
                }
            };
        }
        let behind = highest.wrapping_sub(number);
        if behind > self.behind {
            Verdict::TooOld
        } else if self.seen & (1 << behind) != 0 {
            Verdict::Replayed
        } else {
            Verdict::Fresh { jumped: false }
        }
    }

    /// Remembers `number`, which [`Self::check`] called fresh.
    pub fn accept(&mut self, number: u32) {
        let Some(highest) = self.highest else {
            self.highest = Some(number);
            self.seen = 1;
            return;
        };
        let ahead = number.wrapping_sub(highest);
        if ahead < 1 << 31 {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = Some(number);
        } else if let Some(bit) = 1_u32.checked_shl(highest.wrapping_sub(number)) {
            self.seen |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Remembers every number; knows the rules as the specification puts them.
    #[derive(Default)]
    struct NaiveWindow {
        accepted: HashSet<u32>,
        highest: Option<u32>,
    }

    impl NaiveWindow {
        fn offer(&mut self, number: u32) -> bool {
            let fresh = match self.highest {
                None => true,
                Some(highest) => {
                    let distance = i64::from(number.wrapping_sub(highest) as i32);
                    !self.accepted.contains(&number) && distance >= -16
                }
            };
            if fresh {
                self.accepted.insert(number);
                let ahead = self
                    .highest
                    .is_none_or(|highest| number.wrapping_sub(highest) < 1 << 31);
                if ahead {
                    self.highest = Some(number);
                }
            }
            fresh
        }
    }

    proptest! {
        #[test]
        fn window_agrees_with_a_set(
            start: u32,
            steps in proptest::collection::vec(-40_i32..60, 1..200),
        ) {
            let mut window = ReplayWindow::default();
            let mut naive = NaiveWindow::default();
            let mut number = start;
            for step in steps {
                number = number.wrapping_add_signed(step);
                let verdict = window.check(number);
                let fresh = matches!(verdict, Verdict::Fresh { .. });
                prop_assert_eq!(fresh, naive.offer(number), "{} {:?}", number, verdict);
                if fresh {
                    window.accept(number);
                }
            }
        }
    }

    #[test]
    fn our_numbers_skip_zero_when_they_wrap() {
        let mut sequence = OutboundSequence::starting_at(u32::MAX - 1);
        let taken: Vec<u32> = (0..4).map(|_| sequence.take()).collect();
        assert_eq!(taken, [u32::MAX - 1, u32::MAX, 1, 2]);
        assert_eq!(OutboundSequence::starting_at(0).take(), 1);
    }

    #[test]
    fn a_packet_of_another_session_is_too_far_ahead_in_ipmi_1_5() {
        let window = ReplayWindow::v15(1_000, true);
        assert_eq!(window.check(1_000), Verdict::Fresh { jumped: false });
        assert_eq!(window.check(1_500), Verdict::Fresh { jumped: true });
        assert_eq!(window.check(1 << 20), Verdict::TooFarAhead);
        let unprotected = ReplayWindow::v15(1_000, false);
        assert_eq!(unprotected.check(1_500), Verdict::TooFarAhead);
    }

    #[test]
    fn a_jump_is_fresh_and_named() {
        let mut window = ReplayWindow::default();
        window.accept(10);
        assert_eq!(window.check(25), Verdict::Fresh { jumped: false });
        assert_eq!(window.check(26), Verdict::Fresh { jumped: true });
        window.accept(500);
        assert_eq!(window.check(10), Verdict::TooOld);
        assert_eq!(window.check(484), Verdict::Fresh { jumped: false });
        assert_eq!(window.check(500), Verdict::Replayed);
    }

    #[test]
    fn the_window_of_ipmi_1_5_is_narrower_and_begins_where_it_was_told_to() {
        for first in [1, 0x4ce7_85a5, u32::MAX] {
            let mut window = ReplayWindow::v15(first, false);
            let after = |step| first.wrapping_add(step);
            assert_eq!(window.check(after(7)), Verdict::TooFarAhead);
            assert_eq!(
                window.check(first.wrapping_sub(1)),
                Verdict::Fresh { jumped: false }
            );
            assert_eq!(window.check(first.wrapping_sub(2)), Verdict::Replayed);
            for step in 0..3 {
                assert_eq!(window.check(after(step)), Verdict::Fresh { jumped: false });
                window.accept(after(step));
                assert_eq!(window.check(after(step)), Verdict::Replayed);
            }
            assert_eq!(window.check(after(10)), Verdict::Fresh { jumped: false });
            assert_eq!(window.check(after(11)), Verdict::TooFarAhead);
            window.accept(after(10));
            assert_eq!(window.check(after(3)), Verdict::Fresh { jumped: false });
            assert_eq!(window.check(after(1)), Verdict::TooOld);

            let mut window = ReplayWindow::v15(first, true);
            window.accept(first);
            assert_eq!(window.check(after(9)), Verdict::Fresh { jumped: true });
        }
    }

    #[test]
    fn a_strict_window_takes_no_jumps() {
        let mut window = ReplayWindow::strict();
        window.accept(u32::MAX - 3);
        assert_eq!(window.check(11), Verdict::Fresh { jumped: false });
        assert_eq!(window.check(12), Verdict::TooFarAhead);
        assert_eq!(window.check(1 << 20), Verdict::TooFarAhead);
        window.accept(11);
        assert_eq!(window.check(12), Verdict::Fresh { jumped: false });
        assert_eq!(window.check(11), Verdict::Replayed);
    }
}
