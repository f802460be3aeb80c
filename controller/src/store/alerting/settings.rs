//! What all of alerting has in common.

use serde::{Deserialize, Serialize};

use super::SETTINGS;
use crate::model::alerting::{
    AlertingSettings, AlertingSettingsDraft, MailSettings, Receiver, SecretPlace,
    receiver_without_mail,
};
use crate::model::{Invalid, PromDuration, Version};
use crate::store::guard::expect_version;
use crate::store::{StoreError, Tx, WriteTx};

/// What the password at the mail server is for.
const MAIL_PASSWORD: &str = "alerting.mail_password";

/// The settings as they are in the table.
#[derive(Debug, Serialize, Deserialize)]
struct SettingsRow {
    resolve_timeout: Option<PromDuration>,
    mail: MailSettings,
    mail_password: Option<SecretPlace>,
    topology_inhibition: bool,
}

impl Default for SettingsRow {
    fn default() -> Self {
        Self {
            resolve_timeout: None,
            mail: MailSettings::default(),
            mail_password: None,
            topology_inhibition: true,
        }
    }
}

impl Tx {
    /// What all of alerting has in common.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting_settings(&mut self) -> Result<AlertingSettings, StoreError> {
        let (row, version, updated_at) = self.document::<SettingsRow>(SETTINGS).await?;
        Ok(AlertingSettings {
            resolve_timeout: row.resolve_timeout,
            mail: row.mail,
            mail_password: row.mail_password,
            topology_inhibition: row.topology_inhibition,
            version,
            updated_at,
        })
    }
}

impl WriteTx {
    /// Changes the settings; with a version only when they still have that.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::Invalid`] when the password would go to
    /// another mail server, or a receiver needs the mail server that is taken away.
    pub async fn set_alerting_settings(
        &mut self,
        version: Option<Version>,
        draft: &AlertingSettingsDraft,
    ) -> Result<(AlertingSettings, AlertingSettings), StoreError> {
        self.take_turn().await?;
        let before = self.alerting_settings().await?;
        expect_version(before.version, version)?;
        let source = draft
            .password_source(&before)
            .map_err(StoreError::Invalid)?;
        let mail_password = match source {
            None => None,
            Some(source) => self.put_source(MAIL_PASSWORD, source).await?,
        };
        let row = SettingsRow {
            resolve_timeout: draft.resolve_timeout.clone(),
            mail: draft.mail.clone(),
            mail_password: mail_password.clone(),
            topology_inhibition: draft.topology_inhibition,
        };
        self.put_document(SETTINGS, &row).await?;
        if let Some(old) = &before.mail_password
            && before.mail_password != mail_password
        {
            self.delete_secret(Some(&old.id)).await?;
        }
        let after = self.alerting_settings().await?;
        for receiver in self.all_parts::<Receiver>().await? {
            if let Some(found) = receiver_without_mail(&receiver.integrations, &after).first() {
                let message = format!("is needed by the receiver \"{}\"", receiver.name);
                let field = found.field.rsplit('.').next().unwrap_or_default();
                return Err(StoreError::Invalid(vec![Invalid::new(
                    format!("mail.{field}"),
                    message,
                )]));
            }
        }
        Ok((before, after))
    }
}
