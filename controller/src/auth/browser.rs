//! Log-ins of browsers: one token in a cookie that no script reads.
//!
//! It is not renewed by another one, as those of programs are: a page that is
//! closed while the answer is on its way would come back with the old one, and
//! several pages of one browser would race. Instead it lasts longer with each use.

use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::login::REFRESH_LIFE;
use super::{Authenticator, LoginError, TokenError, TokenText};
use crate::clock::Timestamp;
use crate::model::{Id, Token, TokenKind, User};
use crate::store::{NewToken, StoreError, WriteTx};

/// How long a browser's log-in lasts at most, however much it is used.
const SESSION_LIMIT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What a browser's log-in gives.
#[derive(Debug)]
pub struct BrowserSession {
    /// For the cookie.
    pub text: TokenText,
    /// What is stored of it.
    pub token: Token,
    /// Who logged in.
    pub user: User,
}

impl Authenticator {
    /// Checks name and password, for a browser.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn log_in_browser(
        &self,
        username: &str,
        password: Zeroizing<String>,
        source: IpAddr,
    ) -> Result<BrowserSession, LoginError> {
        let (mut tx, user) = self.admit_by_password(username, password, source).await?;
        let family = Uuid::now_v7().to_string();
        let (text, token) = open(&mut tx, user.id, &family).await?;
        tx.commit().await?;
        Ok(BrowserSession { text, token, user })
    }

    /// Turns a code of a log-in by OpenID Connect into a browser's log-in, once.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn redeem_in_browser(
        &self,
        code: &str,
        source: IpAddr,
    ) -> Result<BrowserSession, TokenError> {
        let (mut tx, user, family) = self.admit_by_code(code, source).await?;
        let (text, token) = open(&mut tx, user.id, &family).await?;
        tx.commit().await?;
        Ok(BrowserSession { text, token, user })
    }
}

async fn open(tx: &mut WriteTx, user: Id, family: &str) -> Result<(TokenText, Token), StoreError> {
    let text = TokenText::generate(TokenKind::Session);
    let new = NewToken {
        kind: TokenKind::Session,
        name: "browser",
        user_id: Some(user),
        family,
        hash: &text.hash(),
        scopes: &[],
        subject_id: None,
        expires_at: Some(tx.now().after(REFRESH_LIFE)),
    };
    let token = tx.insert_token(&new).await?;
    Ok((text, token))
}

/// Until when a browser's log-in lasts that is used now.
pub(super) fn session_end(token: &Token, now: Timestamp) -> Timestamp {
    now.after(REFRESH_LIFE)
        .min(token.created_at.after(SESSION_LIMIT))
}
