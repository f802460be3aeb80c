//! Tokens, by their hash.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::{List, Query, statements};
use super::{StoreError, Tx, WriteTx, json, maybe_moment, moment, to_json};
use crate::clock::Timestamp;
use crate::model::{Id, Page, PageRequest, Token, TokenKind};

macro_rules! columns {
    () => {
        "id, kind, name, user_id, family, scopes, subject_id, expires_ms, used_ms, revoked_ms, created_ms"
    };
}

statements! {
    GET_BY_HASH = concat!("SELECT ", columns!(), " FROM tokens WHERE hash = $1");
    GET = concat!("SELECT ", columns!(), " FROM tokens WHERE id = $1");
    INSERT = "INSERT INTO tokens (kind, name, user_id, family, hash, scopes, subject_id, \
              expires_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    NOTE_USE = "UPDATE tokens SET used_ms = $1 WHERE id = $2";
    PROLONG = "UPDATE tokens SET expires_ms = $1 WHERE id = $2 AND expires_ms < $1";
    USE_UP = "UPDATE tokens SET used_ms = $1 WHERE id = $2 AND used_ms IS NULL";
    REVOKE = "UPDATE tokens SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL";
    REVOKE_FAMILY = "UPDATE tokens SET revoked_ms = $1 WHERE family = $2 AND revoked_ms IS NULL";
    REVOKE_SUBJECT = "UPDATE tokens SET revoked_ms = $1 WHERE subject_id = $2 AND kind = $3 \
                      AND revoked_ms IS NULL";
    REVOKE_USER = "UPDATE tokens SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL";
    FORGET = "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens \
              WHERE expires_ms < $1 OR revoked_ms < $1 LIMIT $2)";
}

/// Tokens that are forgotten in one transaction; others wait for its end.
const FORGOTTEN_AT_ONCE: i64 = 1000;

const LIST: List = List {
    columns: columns!(),
    from: " FROM tokens",
    order: " ORDER BY id DESC",
};

/// Who holds a token, as far as the store knows.
#[derive(Clone, Debug)]
pub struct TokenOwner {
    /// The token.
    pub token: Token,
    /// What all tokens of one log-in share.
    pub family: String,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A token to be stored.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// What it is for.
    pub kind: TokenKind,
    /// What its maker calls it.
    pub name: &'a str,
    /// Whose it is.
    pub user_id: Option<Id>,
    /// What all tokens of one log-in share.
    pub family: &'a str,
    /// SHA-256 of its text.
    pub hash: &'a [u8],
    /// What it may be used for; empty is all that its kind may.
    pub scopes: &'a [String],
    /// The row a service token is for.
    pub subject_id: Option<Id>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Tx {
    /// The token with this hash, also when it is expired or taken back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_by_hash(&mut self, hash: &[u8]) -> Result<Option<TokenOwner>, StoreError> {
        let row = sqlx::query(GET_BY_HASH)
            .bind(hash.to_vec())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The token of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn token(&mut self, id: Id) -> Result<TokenOwner, StoreError> {
        let row = self
            .row_of(GET, id, StoreError::NotFound { what: "token" })
            .await?;
        read(&row)
    }

    /// Tokens for programs that hold, the newest first: those of one user, or all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(
        &mut self,
        user: Option<Id>,
        page: PageRequest,
    ) -> Result<Page<Token>, StoreError> {
        let filter = |query: &mut Query| {
            query
                .and("kind NOT IN ('access', 'refresh', 'login_code', 'session')")
                .and("revoked_ms IS NULL")
                .and_equals("user_id = ", user)?;
            Ok(())
        };
        LIST.page(self, page, filter, |row| Ok(read(row)?.token))
            .await
    }
}

impl WriteTx {
    /// Adds a token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_token(&mut self, new: &NewToken<'_>) -> Result<Token, StoreError> {
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(new.kind.as_str())
            .bind(new.name)
            .bind(new.user_id)
            .bind(new.family)
            .bind(new.hash.to_vec())
            .bind(to_json(&new.scopes)?)
            .bind(new.subject_id)
            .bind(new.expires_at.map(|at| at.0))
            .bind(now.0)
            .fetch_one(self.connection())
            .await?;
        Ok(self.token(row.try_get(0)?).await?.token)
    }

    /// Notes that a token was shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_token_use(&mut self, id: Id) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(NOTE_USE)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Lets a token last until `until`, if that is longer than it lasts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prolong_token(&mut self, id: Id, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(PROLONG)
            .bind(until.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Uses a token that is good once. False when it was used before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_up_token(&mut self, id: Id) -> Result<bool, StoreError> {
        let now = self.now();
        let done = sqlx::query(USE_UP)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes one token back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&mut self, id: Id) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(REVOKE)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes all tokens of one log-in back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_family(&mut self, family: &str) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(REVOKE_FAMILY)
            .bind(now.0)
            .bind(family)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes all tokens of an exporter back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_exporter_tokens(&mut self, exporter: Id) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(REVOKE_SUBJECT)
            .bind(now.0)
            .bind(exporter)
            .bind(TokenKind::Exporter.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes all tokens of a user back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_user(&mut self, user: Id) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(REVOKE_USER)
            .bind(now.0)
            .bind(user)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets some tokens that ended or were taken back before `before`, and says
    /// how many; none when there are no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_tokens(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(FORGET)
            .bind(before.0)
            .bind(FORGOTTEN_AT_ONCE)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<TokenOwner, StoreError> {
    let kind: String = row.try_get("kind")?;
    let token = Token {
        id: row.try_get("id")?,
        kind: TokenKind::parse(&kind)
            .ok_or_else(|| StoreError::Damaged(format!("token kind \"{kind}\"")))?,
        name: row.try_get("name")?,
        user_id: row.try_get("user_id")?,
        exporter_id: row.try_get("subject_id")?,
        scopes: json(row, "scopes")?,
        expires_at: maybe_moment(row, "expires_ms")?,
        created_at: moment(row, "created_ms")?,
        last_used_at: maybe_moment(row, "used_ms")?,
    };
    Ok(TokenOwner {
        token,
        family: row.try_get("family")?,
        revoked_at: maybe_moment(row, "revoked_ms")?,
    })
}
