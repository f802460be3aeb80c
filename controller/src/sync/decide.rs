//! What is to be done about a difference between what is wanted and what is
//! published. Pure.

use super::status::State;

/// What the decision rests on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// Revision of the desired state.
    pub(super) revision: i64,
    /// Somebody returned to an older version and has not resumed.
    pub(super) is_held: bool,
    /// Something is published.
    pub(super) is_published: bool,
    /// What is published, or lies in the file, is what is wanted.
    pub(super) is_same: bool,
    /// Nothing is wanted: no target, no rule.
    pub(super) is_nothing: bool,
    /// Somebody let this revision through.
    pub(super) is_confirmed: bool,
    /// Why these bytes were refused the last time.
    pub(super) refused: Option<&'a str>,
    /// What the guard says.
    pub(super) objection: Option<&'a str>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing: what is wanted is published.
    Keep,
    /// Nothing, as the state and the message say.
    Wait(State, String),
    /// It is to be published.
    Publish,
}

const HELD: &str =
    "changes are held back after a return to an older version; resume when it is time";

/// Decides.
pub(super) fn decide(facts: Facts<'_>) -> Decision {
    if facts.is_held {
        return Decision::Wait(State::Held, HELD.to_owned());
    }
    if facts.is_same && facts.is_published {
        return Decision::Keep;
    }
    if facts.is_confirmed {
        return Decision::Publish;
    }
    if let Some(refused) = facts.refused {
        return Decision::Wait(State::Failed, refused.to_owned());
    }
    match facts.objection {
        None => Decision::Publish,
        Some(objection) if facts.is_same && facts.is_nothing => {
            Decision::Wait(State::Empty, objection.to_owned())
        }
        Some(objection) => Decision::Wait(
            State::AwaitingConfirmation,
            format!("{objection}; confirm revision {}", facts.revision),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_follows_from_the_facts() {
        let nothing = Facts {
            revision: 7,
            ..Facts::default()
        };
        let great_loss = Facts {
            is_published: true,
            objection: Some("all would go"),
            ..nothing
        };
        let refused = Facts {
            is_published: true,
            refused: Some("no such function"),
            ..nothing
        };
        let state = |facts| match decide(facts) {
            Decision::Keep => "keep",
            Decision::Publish => "publish",
            Decision::Wait(State::Held, _) => "held",
            Decision::Wait(State::Failed, _) => "failed",
            Decision::Wait(State::Empty, _) => "empty",
            Decision::Wait(State::AwaitingConfirmation, _) => "awaiting",
            Decision::Wait(..) => "?",
        };
        for (facts, expected) in [
            (nothing, "publish"),
            (
                Facts {
                    is_same: true,
                    is_published: true,
                    ..nothing
                },
                "keep",
            ),
            // The file has it, but the store does not know yet.
            (
                Facts {
                    is_same: true,
                    ..nothing
                },
                "publish",
            ),
            (
                Facts {
                    is_held: true,
                    ..nothing
                },
                "held",
            ),
            (
                Facts {
                    is_held: true,
                    is_confirmed: true,
                    ..nothing
                },
                "held",
            ),
            (great_loss, "awaiting"),
            (
                Facts {
                    is_confirmed: true,
                    ..great_loss
                },
                "publish",
            ),
            (refused, "failed"),
            (
                Facts {
                    is_confirmed: true,
                    ..refused
                },
                "publish",
            ),
            (
                Facts {
                    is_same: true,
                    is_nothing: true,
                    objection: Some("none"),
                    ..nothing
                },
                "empty",
            ),
        ] {
            assert_eq!(state(facts), expected, "{facts:?}");
        }
        let waits = decide(great_loss);
        let message = "all would go; confirm revision 7".to_owned();
        assert_eq!(waits, Decision::Wait(State::AwaitingConfirmation, message));
    }
}
