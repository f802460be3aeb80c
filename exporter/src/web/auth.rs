//! HTTP basic authentication against bcrypt hashes.
//!
//! A bcrypt costs more than a scrape, so results are remembered, good and bad ones apart so that
//! a flood of wrong passwords does not push out the right ones. What is remembered is a salted
//! digest, not the password. One bcrypt runs at a time, on a thread that may block; a bounded
//! number of requests waits for it. An unknown user costs a bcrypt too, so that time does not
//! tell which users exist.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Results that are remembered, of each kind.
const REMEMBERED: usize = 128;

/// Requests that may wait for a bcrypt, the running one included. With hashes of cost 10 the last
/// one waits two seconds.
const WAITING: usize = 32;

/// Cost of the bcrypt for unknown users when there is no known one.
const DEFAULT_COST: u32 = 10;

/// User names and their bcrypt hashes.
pub(crate) type Users = BTreeMap<String, String>;

/// What became of a request's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// User and password are right.
    Granted,
    /// They are wrong or missing.
    Refused,
    /// Too many unverified requests are waiting.
    Busy,
}

/// Verifies passwords and remembers the results.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// Random per process, so that digests mean nothing elsewhere.
    salt: [u8; 32],
    memory: Mutex<Memory>,
    one_at_a_time: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

type Key = [u8; 32];

#[derive(Debug, Default)]
struct Memory {
    granted: Recent,
    refused: Recent,
}

/// A set that forgets the oldest.
#[derive(Debug, Default)]
struct Recent {
    keys: HashSet<Key>,
    order: VecDeque<Key>,
}

impl Recent {
    fn insert(&mut self, key: Key) {
        if self.keys.insert(key) {
            self.order.push_back(key);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }
}

impl Verifier {
    pub(crate) fn new() -> Self {
        Self {
            salt: rand::random(),
            memory: Mutex::default(),
            one_at_a_time: Arc::new(Semaphore::new(1)),
            places: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Judges the credentials of a request.
    pub(crate) async fn check(&self, users: &Users, headers: &HeaderMap) -> Verdict {
        let Some((user, password)) = credentials(headers) else {
            return Verdict::Refused;
        };
        let known = users.get(&user);
        let hash = known.cloned().unwrap_or_else(|| stand_in(users));
        let key = self.key(&user, &hash, &password);
        if let Some(verdict) = self.remembered(&key) {
            return verdict;
        }
        let Ok(_place) = self.places.try_acquire() else {
            return Verdict::Busy;
        };
        let Ok(turn) = Arc::clone(&self.one_at_a_time).acquire_owned().await else {
            return Verdict::Busy;
        };
        // Another request with the same credentials may have had its turn meanwhile.
        if let Some(verdict) = self.remembered(&key) {
            return verdict;
        }
        let verification = tokio::task::spawn_blocking(move || {
            // Held by the thread: a client that goes away must not let the next bcrypt start.
            let _turn = turn;
            bcrypt::verify(&*password, &hash).unwrap_or(false)
        });
        let matches = verification.await.unwrap_or(false);
        let granted = matches && known.is_some();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if granted {
            memory.granted.insert(key);
            Verdict::Granted
        } else {
            memory.refused.insert(key);
            Verdict::Refused
        }
    }

    fn remembered(&self, key: &Key) -> Option<Verdict> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.granted.keys.contains(key) {
            Some(Verdict::Granted)
        } else if memory.refused.keys.contains(key) {
            Some(Verdict::Refused)
        } else {
            None
        }
    }

    /// The hash is part of the key: a changed password forgets the old one at once.
    fn key(&self, user: &str, hash: &str, password: &[u8]) -> Key {
        let mut digest = Sha256::new();
        digest.update(self.salt);
        for part in [user.as_bytes(), hash.as_bytes(), password] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

/// User and password of `Authorization: Basic …` (RFC 7617).
fn credentials(headers: &HeaderMap) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let user = std::str::from_utf8(&decoded[..colon]).ok()?.to_owned();
    Some((user, Zeroizing::new(decoded[colon + 1..].to_vec())))
}

/// A hash that no password has, as costly as the costliest real one.
fn stand_in(users: &Users) -> String {
    let cost = users.values().filter_map(|hash| cost(hash)).max();
    let cost = cost.unwrap_or(DEFAULT_COST);
    format!("$2b${cost:02}${}", ".".repeat(53))
}

/// Cost of a bcrypt hash; `None` when it is not one.
pub(crate) fn cost(hash: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = hash.parse().ok()?;
    let version = ["$2a$", "$2b$", "$2x$", "$2y$"];
    let known = version.iter().any(|prefix| hash.starts_with(prefix));
    (known && hash.len() == 60 && (4..=31).contains(&parts.get_cost())).then(|| parts.get_cost())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
        BTreeMap::from([
            ("alice".to_owned(), hash("secret")),
            ("bob".to_owned(), hash("pä:ss")),
        ])
    }

    fn basic(user: &str, password: &str) -> HeaderMap {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        HeaderMap::from_iter([(AUTHORIZATION, format!("Basic {encoded}").parse().unwrap())])
    }

    fn raw(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_granted() {
        let (verifier, users) = (Verifier::new(), users());
        // Twice: computed, then remembered.
        for _ in 0..2 {
            for (user, password, expected) in [
                ("alice", "secret", Verdict::Granted),
                ("bob", "pä:ss", Verdict::Granted),
                ("alice", "pä:ss", Verdict::Refused),
                ("alice", "", Verdict::Refused),
                ("alice", "secret\0", Verdict::Refused),
                ("mallory", "secret", Verdict::Refused),
                ("", "", Verdict::Refused),
            ] {
                let verdict = verifier.check(&users, &basic(user, password)).await;
                assert_eq!(verdict, expected, "{user} {password:?}");
            }
        }
        for header in [
            "",
            "Basic",
            "Basic !!",
            "Basic YWxpY2U=",
            "Bearer YWxpY2U6c2VjcmV0",
        ] {
            assert_eq!(
                verifier.check(&users, &raw(header)).await,
                Verdict::Refused,
                "{header}"
            );
        }
        assert_eq!(
            verifier.check(&users, &HeaderMap::new()).await,
            Verdict::Refused
        );
    }

    #[tokio::test]
    async fn a_changed_hash_forgets_the_old_password() {
        let (verifier, mut users) = (Verifier::new(), users());
        let header = basic("alice", "secret");
        assert_eq!(verifier.check(&users, &header).await, Verdict::Granted);
        users.insert("alice".to_owned(), bcrypt::hash("other", 4).unwrap());
        assert_eq!(verifier.check(&users, &header).await, Verdict::Refused);
    }

    #[tokio::test]
    async fn wrong_passwords_do_not_push_out_right_ones() {
        let (verifier, users) = (Verifier::new(), users());
        verifier.check(&users, &basic("alice", "secret")).await;
        for number in 0..REMEMBERED + 10 {
            let header = basic("alice", &number.to_string());
            assert_eq!(verifier.check(&users, &header).await, Verdict::Refused);
        }
        let memory = verifier.memory.lock().unwrap();
        assert_eq!(memory.granted.keys.len(), 1);
        assert_eq!(memory.refused.keys.len(), REMEMBERED);
    }

    #[tokio::test]
    async fn a_flood_of_unverified_requests_is_bounded() {
        let (verifier, users) = (Arc::new(Verifier::new()), Arc::new(users()));
        let turn = Arc::clone(&verifier.one_at_a_time)
            .acquire_owned()
            .await
            .unwrap();
        let waiting: Vec<_> = (0..WAITING)
            .map(|number| {
                let (verifier, users) = (Arc::clone(&verifier), Arc::clone(&users));
                tokio::spawn(async move {
                    verifier
                        .check(&users, &basic("alice", &number.to_string()))
                        .await
                })
            })
            .collect();
        while verifier.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            verifier.check(&users, &basic("alice", "more")).await,
            Verdict::Busy
        );
        drop(turn);
        for request in waiting {
            assert_eq!(request.await.unwrap(), Verdict::Refused);
        }
    }

    #[test]
    fn an_unknown_user_costs_as_much_as_the_costliest_known_one() {
        let users = Users::from([
            ("a".to_owned(), bcrypt::hash("x", 4).unwrap()),
            ("b".to_owned(), bcrypt::hash("x", 6).unwrap()),
        ]);
        assert_eq!(cost(&stand_in(&users)), Some(6));
        assert!(!bcrypt::verify("x", &stand_in(&users)).unwrap());
        assert_eq!(cost(&stand_in(&Users::new())), Some(DEFAULT_COST));
    }

    #[test]
    fn what_is_no_bcrypt_hash_has_no_cost() {
        for text in [
            "",
            "secret",
            "$2y$10$short",
            "$1$10$abc",
            "$2y$99$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ",
        ] {
            assert_eq!(cost(text), None, "{text}");
        }
    }
}
