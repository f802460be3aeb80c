//! People whom somebody else vouches for: their rows here, and the code by
//! which their page gets its tokens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngExt;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::login::{holds, issue, login_event};
use super::{Authenticator, PasswordError, Session, TokenError, TokenText};
use crate::model::{AuditEvent, Id, TokenKind, User, UserBody, UserDraft};
use crate::oidc::Identity;
use crate::store::{NewToken, StoreError, Tx, WriteTx};

/// How long the page may take to turn its code into tokens.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// Why somebody whom the provider knows is not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// They cannot be a user here.
    #[error("{0}")]
    Refused(String),
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Authenticator {
    /// Makes or changes the user that an identity stands for, and gives a code
    /// that is good once, for a minute.
    ///
    /// # Errors
    /// See [`AdmitError`].
    pub async fn admit(
        &self,
        identity: &Identity,
        source: IpAddr,
    ) -> Result<TokenText, AdmitError> {
        let known = {
            let mut tx = self.store().read().await?;
            tx.user_by_identity(&identity.issuer, &identity.subject)
                .await?
        };
        // Nobody knows this password: who came by the provider comes by it again.
        let hash = match known {
            Some(_) => None,
            None => {
                let random: [u8; 32] = rand::rng().random();
                let password = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random));
                Some(self.passwords().hash(password).await?)
            }
        };
        let mut tx = self.store().write().await?;
        let known = tx
            .user_by_identity(&identity.issuer, &identity.subject)
            .await?;
        let user = match (known, hash) {
            (Some(id), _) => change(&mut tx, id, identity, source).await?,
            (None, Some(hash)) => make(&mut tx, &hash, identity, source).await?,
            (None, None) => return Err(refused("the user was taken away just now; begin again")),
        };
        let text = TokenText::generate(TokenKind::LoginCode);
        tx.insert_token(&NewToken {
            kind: TokenKind::LoginCode,
            name: "log-in",
            user_id: Some(user.id),
            family: &Uuid::now_v7().to_string(),
            hash: &text.hash(),
            scopes: &[],
            subject_id: None,
            expires_at: Some(tx.now().after(CODE_LIFE)),
        })
        .await?;
        tx.commit().await?;
        Ok(text)
    }

    /// Turns a code into tokens, once.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn redeem(&self, code: &str, source: IpAddr) -> Result<Session, TokenError> {
        let (mut tx, user, family) = self.admit_by_code(code, source).await?;
        let (access, refresh) = issue(&mut tx, user.id, &family).await?;
        tx.commit().await?;
        Ok(Session {
            access,
            refresh,
            user,
        })
    }

    /// Whose code this is, in a transaction that has used it up and waits for the
    /// tokens of the family that is named.
    pub(super) async fn admit_by_code(
        &self,
        code: &str,
        source: IpAddr,
    ) -> Result<(WriteTx, User, String), TokenError> {
        let text = TokenText::shown(code).ok_or(TokenError::Invalid)?;
        let mut tx = self.store().write().await?;
        let owner = tx
            .token_by_hash(&text.hash())
            .await?
            .filter(|owner| holds(owner, tx.now()) && owner.token.kind == TokenKind::LoginCode)
            .ok_or(TokenError::Invalid)?;
        let id = owner.token.user_id.ok_or(TokenError::Invalid)?;
        let user = tx.user(id).await?;
        if !user.is_active {
            return Err(TokenError::Invalid);
        }
        if !tx.use_up_token(owner.token.id).await? {
            // Somebody saw it on its way: neither of both stays signed in.
            tx.revoke_family(&owner.family).await?;
            let event = login_event("auth.reuse", &user.username, Some(id), source);
            tx.append_audit(&event).await?;
            tx.commit().await?;
            return Err(TokenError::Reused);
        }
        tx.note_login(id).await?;
        tx.append_audit(&login_event("auth.login", &user.username, Some(id), source))
            .await?;
        let user = tx.user(id).await?;
        Ok((tx, user, owner.family))
    }
}

fn refused(why: impl Into<String>) -> AdmitError {
    AdmitError::Refused(why.into())
}

/// What the provider says, as a user of ours.
async fn draft(tx: &mut Tx, identity: &Identity) -> Result<UserDraft, AdmitError> {
    let group_ids = match &identity.groups {
        None => None,
        Some(names) => {
            let mut ids = BTreeSet::new();
            for name in names {
                // A group that is not there gives nothing to see.
                ids.extend(tx.group_by_name(name).await?);
            }
            Some(ids)
        }
    };
    let body = UserBody {
        username: identity.username.clone(),
        email: identity.email.clone(),
        role: identity.role,
        is_active: true,
        group_ids,
        password: None,
    };
    match UserDraft::parse(&body) {
        Ok((draft, _)) => Ok(draft),
        Err(problems) => {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(refused(texts.join("; ")))
        }
    }
}

async fn make(
    tx: &mut WriteTx,
    hash: &str,
    identity: &Identity,
    source: IpAddr,
) -> Result<User, AdmitError> {
    let draft = draft(tx, identity).await?;
    let user = match tx.insert_user(&draft, hash).await {
        Ok(user) => user,
        // The provider must not take the place of somebody who has a password here.
        Err(StoreError::Taken { .. }) => {
            return Err(refused(
                "another user has this name here; an administrator has to rename one of them",
            ));
        }
        Err(error) => return Err(error.into()),
    };
    tx.insert_identity(&identity.issuer, &identity.subject, user.id)
        .await?;
    tx.append_audit(&event("user.create", &user, source).with(None, Some(&user)))
        .await?;
    Ok(user)
}

async fn change(
    tx: &mut WriteTx,
    id: Id,
    identity: &Identity,
    source: IpAddr,
) -> Result<User, AdmitError> {
    let before = tx.user(id).await?;
    if !before.is_active {
        return Err(refused("this user is switched off here"));
    }
    let draft = draft(tx, identity).await?;
    let is_same = draft.username == before.username
        && draft.email == before.email
        && draft.role == before.role
        && draft.group_ids == before.group_ids;
    if is_same {
        return Ok(before);
    }
    match tx.update_user(id, None, &draft).await {
        Ok((before, after)) => {
            let event = event("user.update", &after, source);
            tx.append_audit(&event.with(Some(&before), Some(&after)))
                .await?;
            Ok(after)
        }
        Err(error @ (StoreError::Taken { .. } | StoreError::LastAdmin)) => {
            Err(refused(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn event(action: &'static str, user: &User, source: IpAddr) -> AuditEvent {
    AuditEvent {
        actor: "OpenID Connect".to_owned(),
        actor_id: None,
        source: Some(source.to_string()),
        action,
        resource: format!("users/{}", user.id),
        before: None,
        after: None,
    }
}
