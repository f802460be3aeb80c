//! Rows with user name and password in place of a credential profile: one profile
//! for each pair, made at the first row that has it.

use std::collections::{HashMap, HashSet};

use zeroize::Zeroizing;

use crate::auth::Principal;
use crate::model::{CredentialBody, CredentialDraft, Id, Invalid};
use crate::store::{StoreError, Tx, WriteTx};

/// How names of profiles begin that were made for rows.
pub const LOGIN_PREFIX: &str = "login-";
/// Most pairs of one file. More means a profile for each server; then the
/// exporters' configuration would be as long as the list of servers.
const MAX_PAIRS: usize = 1000;
/// Longest part of a profile's name that is the user's.
const MAX_USER_IN_NAME: usize = 40;

/// Profiles for pairs of user name and password.
#[derive(Default)]
pub struct Logins {
    /// By user name; passwords with the number of their profile.
    known: HashMap<String, Vec<(Zeroizing<String>, Id)>>,
    pairs: usize,
    /// Names of the profiles that were made.
    made: Vec<String>,
    /// Stand for profiles that a dry run did not make.
    imagined: Id,
}

impl Logins {
    /// What is wrong with a pair, if anything is.
    ///
    /// # Errors
    /// All that is wrong, without the values.
    pub fn check(username: &str, password: &str) -> Result<CredentialDraft, Vec<Invalid>> {
        CredentialDraft::parse(&CredentialBody {
            name: LOGIN_PREFIX.to_owned() + "x",
            description: "Made for servers that came with user name and password".to_owned(),
            username: username.to_owned(),
            password: Some(Some(password.to_owned())),
            ..CredentialBody::default()
        })
    }

    /// The profile of a pair that was made before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(
        &mut self,
        tx: &mut Tx,
        username: &str,
        password: &str,
    ) -> Result<Option<Id>, StoreError> {
        if !self.known.contains_key(username) {
            let stored = tx.logins(LOGIN_PREFIX, username).await?;
            self.known.insert(username.to_owned(), stored);
        }
        let of_user = self.known.get(username).into_iter().flatten();
        Ok(of_user
            .into_iter()
            .find(|(known, _)| known.as_str() == password)
            .map(|(_, id)| *id))
    }

    /// Whether one more pair may come.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pairs >= MAX_PAIRS
    }

    /// Makes the profile of a new pair. Without a transaction that writes it is as
    /// if it had been made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn make(
        &mut self,
        tx: Option<&mut WriteTx>,
        principal: &Principal,
        names: &mut HashMap<String, Id>,
        mut draft: CredentialDraft,
        password: &str,
    ) -> Result<Id, StoreError> {
        draft.name = free_name(&draft.username, names);
        let id = match tx {
            Some(tx) => {
                let made = tx.insert_credential(&draft).await?;
                let resource = format!("credentials/{}", made.id);
                let event = principal.event("credential.create", resource);
                tx.append_audit(&event.with(None, Some(&made))).await?;
                made.id
            }
            None => {
                self.imagined -= 1;
                self.imagined
            }
        };
        self.pairs += 1;
        names.insert(draft.name.clone(), id);
        self.made.push(draft.name);
        let of_user = self.known.entry(draft.username).or_default();
        of_user.push((Zeroizing::new(password.to_owned()), id));
        Ok(id)
    }

    /// Names of the profiles that were made.
    #[must_use]
    pub fn into_made(self) -> Vec<String> {
        self.made
    }
}

/// `login-` and the user's name, with a number when that is taken.
fn free_name(username: &str, names: &HashMap<String, Id>) -> String {
    let is_good = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut user: String = username
        .chars()
        .filter(is_good)
        .take(MAX_USER_IN_NAME)
        .collect();
    if user.is_empty() {
        "user".clone_into(&mut user);
    }
    let first = format!("{LOGIN_PREFIX}{user}");
    if !names.contains_key(&first) {
        return first;
    }
    let taken: HashSet<&str> = names.keys().map(String::as_str).collect();
    (2_u64..)
        .map(|number| format!("{first}-{number}"))
        .find(|name| !taken.contains(name.as_str()))
        .unwrap_or(first)
}
