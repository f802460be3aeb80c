//! The token with which Alertmanager signs in to the controller. Its text is kept,
//! sealed, because it is part of each configuration that is published.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{NewToken, StoreError, Tx, WriteTx};
use crate::model::{AuditEvent, Id, TokenKind};

/// Name of the fact that says where it is.
const UPLINK: &str = "alertmanager_uplink";
/// What its secret is for, and how the token is called in the list of tokens.
const PURPOSE: &str = "alertmanager.uplink";
const TOKEN_NAME: &str = "alertmanager (published by the controller)";

#[derive(Serialize, Deserialize)]
struct UplinkFact {
    token: Id,
    secret: String,
}

impl Tx {
    /// The id of the secret that has the token's text, and that text; `None` when
    /// there is no token, or somebody took it back.
    ///
    /// # Errors
    /// When the database fails, or the secret cannot be opened.
    pub async fn alertmanager_uplink(
        &mut self,
    ) -> Result<Option<(String, Zeroizing<String>)>, StoreError> {
        let Some(fact) = self.fact(UPLINK).await? else {
            return Ok(None);
        };
        let fact: UplinkFact = serde_json::from_str(&fact)
            .map_err(|error| StoreError::Damaged(format!("{UPLINK}: {error}")))?;
        match self.token(fact.token).await {
            Ok(owner) if owner.revoked_at.is_none() => {}
            Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let text = self.secret_text(&fact.secret).await?;
        Ok(Some((fact.secret, text)))
    }
}

impl WriteTx {
    /// Keeps a new token for Alertmanager, unless there is one that holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_alertmanager_uplink(
        &mut self,
        text: &str,
        hash: &[u8],
    ) -> Result<(), StoreError> {
        self.take_turn().await?;
        if self.alertmanager_uplink().await?.is_some() {
            return Ok(());
        }
        let token = self
            .insert_token(&NewToken {
                kind: TokenKind::Inlet,
                name: TOKEN_NAME,
                user_id: None,
                family: PURPOSE,
                hash,
                scopes: &[],
                subject_id: None,
                expires_at: None,
            })
            .await?;
        let secret = self.put_secret(PURPOSE, text.as_bytes()).await?;
        let old = self.fact(UPLINK).await?;
        let fact = UplinkFact {
            token: token.id,
            secret,
        };
        let value = serde_json::to_string(&fact)
            .map_err(|error| StoreError::Damaged(format!("{UPLINK}: {error}")))?;
        self.put_fact(UPLINK, &value).await?;
        if let Some(old) = old.and_then(|old| serde_json::from_str::<UplinkFact>(&old).ok()) {
            self.delete_secret(Some(&old.secret)).await?;
        }
        let event = AuditEvent {
            actor: "controller".to_owned(),
            actor_id: None,
            source: None,
            action: "token.create",
            resource: format!("tokens/{}", token.id),
            before: None,
            after: None,
        };
        self.append_audit(&event.with(None, Some(&token))).await?;
        self.touch();
        Ok(())
    }
}
