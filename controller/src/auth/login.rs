//! Log-in, renewal, log-out, and who a token stands for. Browsers have their own
//! kind of log-in, in [`super::browser`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::browser::session_end;
use super::{LoginLimiter, PasswordError, PasswordHasher, Principal, Subject, TokenText, TooMany};
use crate::clock::Timestamp;
use crate::model::{AuditEvent, Id, TokenKind, User};
use crate::store::{NewToken, Store, StoreError, TokenOwner, WriteTx};

/// How long an access token lives.
pub const ACCESS_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long a log-in lasts without being used.
pub(super) const REFRESH_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);
/// Uses of a token are noted no more often than this.
const NOTE_USE_EVERY: Duration = Duration::from_secs(60);

/// What a log-in or a renewal gives.
#[derive(Debug)]
pub struct Session {
    /// Shown with each request.
    pub access: TokenText,
    /// Gives the next two, once.
    pub refresh: TokenText,
    /// Who logged in.
    pub user: User,
}

/// Why a log-in failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No such user, a wrong password, or a user that is switched off: which of
    /// them is nobody's business.
    #[error("user name or password is wrong")]
    Refused,
    /// Too many failures.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a token does not stand for anybody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Unknown, expired, taken back, or its user is switched off.
    #[error("the token is unknown, expired or was taken back")]
    Invalid,
    /// A refresh token that was used before: somebody has a copy.
    #[error("the refresh token was used before; this log-in was ended everywhere")]
    Reused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Knows who somebody is.
#[derive(Clone)]
pub struct Authenticator {
    store: Store,
    passwords: PasswordHasher,
    limiter: Arc<LoginLimiter>,
}

impl Authenticator {
    /// Uses the users and tokens of this store.
    #[must_use]
    pub fn new(store: Store, passwords: PasswordHasher) -> Self {
        Self {
            store,
            passwords,
            limiter: Arc::default(),
        }
    }

    /// Where users and tokens are.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The hasher, for new passwords.
    #[must_use]
    pub fn passwords(&self) -> &PasswordHasher {
        &self.passwords
    }

    /// Checks name and password.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn log_in(
        &self,
        username: &str,
        password: Zeroizing<String>,
        source: IpAddr,
    ) -> Result<Session, LoginError> {
        let (mut tx, user) = self.admit_by_password(username, password, source).await?;
        let family = Uuid::now_v7().to_string();
        let (access, refresh) = issue(&mut tx, user.id, &family).await?;
        tx.commit().await?;
        Ok(Session {
            access,
            refresh,
            user,
        })
    }

    /// Who has this name and password, in a transaction that has noted the log-in
    /// and waits for its tokens.
    pub(super) async fn admit_by_password(
        &self,
        username: &str,
        password: Zeroizing<String>,
        source: IpAddr,
    ) -> Result<(WriteTx, User), LoginError> {
        let now = self.store.clock().now();
        self.limiter.check(username, source, now)?;
        let known = self.store.read().await?.user_for_login(username).await?;
        let (id, hash) = known.unzip();
        let is_right = self.passwords.verify(password, hash).await?;
        let mut tx = self.store.write().await?;
        let user = match id {
            Some(id) if is_right => tx.user(id).await.ok().filter(|user| user.is_active),
            _ => None,
        };
        let Some(user) = user else {
            self.limiter.failed(username, source, now);
            tx.append_audit(&login_event("auth.refuse", username, id, source))
                .await?;
            tx.commit().await?;
            return Err(LoginError::Refused);
        };
        self.limiter.succeeded(username);
        tx.note_login(user.id).await?;
        tx.append_audit(&login_event("auth.login", username, Some(user.id), source))
            .await?;
        let user = tx.user(user.id).await?;
        Ok((tx, user))
    }

    /// Gives new tokens for a refresh token, which is used up. Showing it again
    /// ends the whole log-in: one of the two who showed it has stolen it.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn renew(&self, refresh: &str, source: IpAddr) -> Result<Session, TokenError> {
        let text = TokenText::shown(refresh).ok_or(TokenError::Invalid)?;
        let mut tx = self.store.write().await?;
        let owner = tx
            .token_by_hash(&text.hash())
            .await?
            .ok_or(TokenError::Invalid)?;
        if owner.token.kind != TokenKind::Refresh || !holds(&owner, tx.now()) {
            return Err(TokenError::Invalid);
        }
        let user_id = owner.token.user_id.ok_or(TokenError::Invalid)?;
        let user = tx.user(user_id).await?;
        if !user.is_active {
            return Err(TokenError::Invalid);
        }
        if !tx.use_up_token(owner.token.id).await? {
            tx.revoke_family(&owner.family).await?;
            let event = login_event("auth.reuse", &user.username, Some(user.id), source);
            tx.append_audit(&event).await?;
            tx.commit().await?;
            return Err(TokenError::Reused);
        }
        let (access, refresh) = issue(&mut tx, user.id, &owner.family).await?;
        tx.commit().await?;
        Ok(Session {
            access,
            refresh,
            user,
        })
    }

    /// Ends a log-in, or takes back the token of a program.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_out(&self, principal: &Principal) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.revoke_family(&principal.family).await?;
        tx.append_audit(&principal.event("auth.logout", "auth".to_owned()))
            .await?;
        tx.commit().await
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn identify(&self, text: &str, source: IpAddr) -> Result<Principal, TokenError> {
        let text = TokenText::shown(text).ok_or(TokenError::Invalid)?;
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let owner = tx
            .token_by_hash(&text.hash())
            .await?
            .filter(|owner| holds(owner, now) && !owner.token.kind.is_good_once())
            .ok_or(TokenError::Invalid)?;
        let subject = match owner.token.user_id {
            None => Subject::Service,
            Some(id) => {
                let user = tx.user(id).await?;
                if !user.is_active {
                    return Err(TokenError::Invalid);
                }
                Subject::User(Box::new(user))
            }
        };
        drop(tx);
        let noted = owner.token.last_used_at;
        let is_for_programs = owner.token.kind != TokenKind::Access;
        if is_for_programs && noted.is_none_or(|at| now.since(at) >= NOTE_USE_EVERY) {
            let mut tx = self.store.write().await?;
            tx.note_token_use(owner.token.id).await?;
            if owner.token.kind == TokenKind::Session {
                let until = session_end(&owner.token, now);
                tx.prolong_token(owner.token.id, until).await?;
            }
            tx.commit().await?;
        }
        Ok(Principal {
            subject,
            token: owner.token,
            family: owner.family,
            source,
        })
    }

    /// The same as they are now, for answers that last; nobody when their token no
    /// longer holds.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn look_again(&self, principal: &Principal) -> Result<Principal, TokenError> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let owner = tx.token(principal.token.id).await;
        let owner = match owner {
            Ok(owner) if holds(&owner, now) => owner,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Err(TokenError::Invalid),
            Err(error) => return Err(error.into()),
        };
        let subject = match owner.token.user_id {
            None => Subject::Service,
            Some(id) => Subject::User(Box::new(
                Some(tx.user(id).await?)
                    .filter(|user| user.is_active)
                    .ok_or(TokenError::Invalid)?,
            )),
        };
        Ok(Principal {
            subject,
            token: owner.token,
            family: owner.family,
            source: principal.source,
        })
    }
}

pub(super) fn holds(owner: &TokenOwner, now: Timestamp) -> bool {
    owner.revoked_at.is_none() && owner.token.expires_at.is_none_or(|end| now < end)
}

pub(super) async fn issue(
    tx: &mut WriteTx,
    user: Id,
    family: &str,
) -> Result<(TokenText, TokenText), StoreError> {
    let mut texts = Vec::with_capacity(2);
    for (kind, life) in [
        (TokenKind::Access, ACCESS_LIFE),
        (TokenKind::Refresh, REFRESH_LIFE),
    ] {
        let text = TokenText::generate(kind);
        let new = NewToken {
            kind,
            name: "log-in",
            user_id: Some(user),
            family,
            hash: &text.hash(),
            scopes: &[],
            subject_id: None,
            expires_at: Some(tx.now().after(life)),
        };
        tx.insert_token(&new).await?;
        texts.push(text);
    }
    let refresh = texts.pop();
    let access = texts.pop();
    access
        .zip(refresh)
        .ok_or_else(|| StoreError::Damaged("no tokens were made".to_owned()))
}

pub(super) fn login_event(
    action: &'static str,
    username: &str,
    id: Option<Id>,
    source: IpAddr,
) -> AuditEvent {
    AuditEvent {
        // Somebody may type a password into the field of the name.
        actor: match id {
            Some(_) => username.to_owned(),
            None => "unknown user".to_owned(),
        },
        actor_id: id,
        source: Some(source.to_string()),
        action,
        resource: "auth".to_owned(),
        before: None,
        after: None,
    }
}
