//! Which cipher suites a BMC has accepted: a log-in with a worse one than it
//! could have had is a downgrade, by new firmware or by somebody on the way.

use rmcp_ipmi::crypto::{CipherSuite, CipherSuiteId};

/// What one BMC has accepted since it is known, over restarts where that is kept.
#[derive(Debug, Default)]
pub(super) struct SuiteHistory {
    accepted: Vec<CipherSuiteId>,
    /// The suite that is missed, for as long as it is.
    missed: Option<CipherSuiteId>,
}

/// What a log-in says about the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As good as ever.
    Usual,
    /// Worse than what worked before; `news` unless the last log-ins said so too.
    Downgraded { from: CipherSuiteId, news: bool },
    /// The suite that was missed works again.
    Restored,
}

impl SuiteHistory {
    /// A BMC that has accepted these before.
    pub(super) fn new(accepted: Vec<CipherSuiteId>) -> Self {
        Self {
            accepted,
            missed: None,
        }
    }

    /// Every suite that a log-in succeeded with.
    pub(super) fn accepted(&self) -> &[CipherSuiteId] {
        &self.accepted
    }

    /// Takes note of a log-in with `suite`, where the operator allows `allowed`,
    /// the preferred one first. A suite that is not allowed is not missed.
    pub(super) fn logged_in(&mut self, allowed: &[&CipherSuite], suite: CipherSuiteId) -> Verdict {
        let better = allowed
            .iter()
            .map(|allowed| allowed.id)
            .take_while(|id| *id != suite)
            .find(|id| self.accepted.contains(id));
        if !self.accepted.contains(&suite) {
            self.accepted.push(suite);
        }
        match better {
            Some(from) => Verdict::Downgraded {
                from,
                news: self.missed.replace(from) != Some(from),
            },
            None if self.missed == Some(suite) => {
                self.missed = None;
                Verdict::Restored
            }
            None => Verdict::Usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use rmcp_ipmi::crypto::SUITES;

    use super::*;

    #[test]
    fn a_downgrade_across_a_restart_is_one_all_the_same() {
        let mut history = SuiteHistory::new(vec![CipherSuiteId(17)]);
        let both = [&SUITES[17], &SUITES[3]];
        let verdict = history.logged_in(&both, CipherSuiteId(3));
        let from = CipherSuiteId(17);
        assert_eq!(verdict, Verdict::Downgraded { from, news: true });
        assert_eq!(history.accepted(), [CipherSuiteId(17), CipherSuiteId(3)]);
    }

    #[test]
    fn a_log_in_is_judged_by_what_worked_before_and_is_allowed() {
        let downgraded = |news| Verdict::Downgraded {
            from: CipherSuiteId(17),
            news,
        };
        let both = [&SUITES[17], &SUITES[3]];
        let mut history = SuiteHistory::default();
        for (allowed, suite, expected) in [
            (&both[..], 3, Verdict::Usual),
            (&both, 17, Verdict::Usual),
            (&both, 3, downgraded(true)),
            (&both, 3, downgraded(false)),
            // Another module does not allow suite 17: nothing is missed there.
            (&both[1..], 3, Verdict::Usual),
            (&both, 3, downgraded(false)),
            (&both, 17, Verdict::Restored),
            (&both, 17, Verdict::Usual),
            (&both, 3, downgraded(true)),
            // An operator who prefers suite 3 gets what is preferred.
            (&[&SUITES[3], &SUITES[17]], 3, Verdict::Usual),
        ] {
            let verdict = history.logged_in(allowed, CipherSuiteId(suite));
            assert_eq!(verdict, expected, "suite {suite} of {allowed:?}");
        }
    }
}
