//! Credential profiles; their secrets are in the table of secrets.

use sqlx::Row;
use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::guard::expect_version;
use super::query::{Bound, List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, json, moment, to_json};
use crate::clock::Timestamp;
use crate::model::{
    Credential, CredentialDraft, CredentialFilter, Driver, Id, ModuleSource, NameSort, Page,
    PageRequest, SecretChange, Sort, Version,
};

macro_rules! columns {
    () => {
        "id, name, description, username, password_secret_id, k_g_secret_id, driver, \
         privilege, settings, version, created_ms, updated_ms, \
         (SELECT COUNT(*) FROM servers WHERE credential_id = credentials.id) AS server_count"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM credentials WHERE id = $1");
    MODULES = "SELECT name, username, password_secret_id, k_g_secret_id, driver, privilege, \
               settings FROM credentials ORDER BY name";
    INSERT = "INSERT INTO credentials (name, description, username, password_secret_id, \
              k_g_secret_id, driver, privilege, settings, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) RETURNING id";
    UPDATE = "UPDATE credentials SET name = $1, description = $2, username = $3, \
              password_secret_id = $4, k_g_secret_id = $5, driver = $6, privilege = $7, \
              settings = $8, version = version + 1, updated_ms = $9 WHERE id = $10";
    DELETE = "DELETE FROM credentials WHERE id = $1";
    LOGINS = "SELECT id, password_secret_id FROM credentials WHERE username = $1 AND name LIKE $2 \
              AND driver = $3 AND privilege IS NULL AND k_g_secret_id IS NULL AND settings = '{}' \
              AND password_secret_id IS NOT NULL ORDER BY id";
    COUNT_SERVERS = "SELECT COUNT(*) FROM servers WHERE credential_id = $1";
}

/// What the secrets of a profile are for; part of what is authenticated.
const PASSWORD: &str = "credential.password";
const K_G: &str = "credential.k_g";

/// A row with the places of its secrets.
struct Stored {
    credential: Credential,
    password: Option<String>,
    k_g: Option<String>,
}

impl Tx {
    /// The profile of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn credential(&mut self, id: Id) -> Result<Credential, StoreError> {
        Ok(self.stored_credential(id).await?.credential)
    }

    /// Passwords of a BMC user with the numbers of their profiles, of those whose
    /// names begin with `prefix` and that say nothing but user and password.
    ///
    /// # Errors
    /// When a secret cannot be opened.
    pub async fn logins(
        &mut self,
        prefix: &str,
        username: &str,
    ) -> Result<Vec<(Zeroizing<String>, Id)>, StoreError> {
        let rows = sqlx::query(LOGINS)
            .bind(username)
            .bind(format!("{prefix}%"))
            .bind(Driver::Lan20.as_str())
            .fetch_all(self.connection())
            .await?;
        let mut logins = Vec::with_capacity(rows.len());
        for row in &rows {
            let secret: String = row.try_get(1)?;
            let password = self.open_secret(&secret).await?;
            let password = std::str::from_utf8(&password)
                .map_err(|_| StoreError::Damaged("a password is no text".to_owned()))?;
            logins.push((Zeroizing::new(password.to_owned()), row.try_get(0)?));
        }
        Ok(logins)
    }

    async fn stored_credential(&mut self, id: Id) -> Result<Stored, StoreError> {
        let row = self
            .row_of(GET, id, StoreError::NotFound { what: "credential" })
            .await?;
        read(&row)
    }

    /// Profiles that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials(
        &mut self,
        filter: &CredentialFilter,
        sort: Sort<NameSort>,
        page: PageRequest,
    ) -> Result<Page<Credential>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM credentials",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_any_contains(
                    &[
                        "LOWER(name) LIKE ",
                        "LOWER(description) LIKE ",
                        "LOWER(username) LIKE ",
                    ],
                    filter.search.as_deref(),
                )?
                .and_equals("driver = ", filter.driver.map(Driver::as_str))?;
            Ok(())
        };
        let read = |row: &AnyRow| Ok(read(row)?.credential);
        list.page(self, page, filter, read).await
    }

    /// All profiles as modules, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn module_sources(&mut self) -> Result<Vec<ModuleSource>, StoreError> {
        let rows = sqlx::query(MODULES).fetch_all(self.connection()).await?;
        rows.iter().map(read_module).collect()
    }
}

impl WriteTx {
    /// Adds a profile and seals its secrets.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is.
    pub async fn insert_credential(
        &mut self,
        draft: &CredentialDraft,
    ) -> Result<Credential, StoreError> {
        self.take_turn().await?;
        let (password, _) = self.change_secret(PASSWORD, None, &draft.password).await?;
        let (k_g, _) = self.change_secret(K_G, None, &draft.k_g).await?;
        let now = self.now();
        let row = bound(INSERT, draft, [password, k_g], now)?
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("credential", "name"))?;
        self.touch();
        self.credential(row.try_get(0)?).await
    }

    /// Changes a profile; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::PasswordTooLong`].
    pub async fn update_credential(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &CredentialDraft,
    ) -> Result<(Credential, Credential), StoreError> {
        self.take_turn().await?;
        let before = self.stored_credential(id).await?;
        expect_version(before.credential.version, version)?;
        self.expect_password_fits(&before, draft).await?;
        let (password, old_password) = self
            .change_secret(PASSWORD, before.password, &draft.password)
            .await?;
        let (k_g, old_k_g) = self.change_secret(K_G, before.k_g, &draft.k_g).await?;
        let now = self.now();
        bound(UPDATE, draft, [password, k_g], now)?
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("credential", "name"))?;
        self.delete_secret(old_password.as_deref()).await?;
        self.delete_secret(old_k_g.as_deref()).await?;
        self.touch();
        let after = self.credential(id).await?;
        Ok((before.credential, after))
    }

    /// A password that is kept may be too long for another driver. The exporter
    /// would refuse the module, and with it all others.
    async fn expect_password_fits(
        &mut self,
        before: &Stored,
        draft: &CredentialDraft,
    ) -> Result<(), StoreError> {
        let Some(place) = before.password.as_deref() else {
            return Ok(());
        };
        let longest = draft.driver.longest_password();
        let is_kept = draft.password == SecretChange::Keep;
        if is_kept && longest < before.credential.driver.longest_password() {
            let password = self.open_secret(place).await?;
            if password.len() > longest {
                return Err(StoreError::PasswordTooLong { longest });
            }
        }
        Ok(())
    }

    /// Takes a profile away that no server uses, and its secrets.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_credential(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<Credential, StoreError> {
        self.take_turn().await?;
        let before = self.stored_credential(id).await?;
        expect_version(before.credential.version, version)?;
        self.expect_unused(COUNT_SERVERS, id, "servers").await?;
        self.delete_row(DELETE, id).await?;
        self.delete_secret(before.password.as_deref()).await?;
        self.delete_secret(before.k_g.as_deref()).await?;
        self.touch();
        Ok(before.credential)
    }
}

/// Binds what both statements that write a profile begin with.
fn bound(
    sql: &'static str,
    draft: &CredentialDraft,
    [password, k_g]: [Option<String>; 2],
    now: Timestamp,
) -> Result<Bound, StoreError> {
    Ok(sqlx::query(sql)
        .bind(draft.name.clone())
        .bind(draft.description.as_str().to_owned())
        .bind(draft.username.clone())
        .bind(password)
        .bind(k_g)
        .bind(draft.driver.as_str())
        .bind(draft.privilege.clone())
        .bind(to_json(&draft.settings)?)
        .bind(now.0))
}

fn read_module(row: &AnyRow) -> Result<ModuleSource, StoreError> {
    Ok(ModuleSource {
        name: row.try_get("name")?,
        username: row.try_get("username")?,
        driver: driver(row)?,
        privilege: row.try_get("privilege")?,
        settings: json(row, "settings")?,
        password: row.try_get("password_secret_id")?,
        k_g: row.try_get("k_g_secret_id")?,
    })
}

fn driver(row: &AnyRow) -> Result<Driver, StoreError> {
    let driver: String = row.try_get("driver")?;
    Driver::parse(&driver).ok_or_else(|| StoreError::Damaged(format!("driver \"{driver}\"")))
}

fn read(row: &AnyRow) -> Result<Stored, StoreError> {
    let password: Option<String> = row.try_get("password_secret_id")?;
    let k_g: Option<String> = row.try_get("k_g_secret_id")?;
    let credential = Credential {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        username: row.try_get("username")?,
        password_set: password.is_some(),
        k_g_set: k_g.is_some(),
        driver: driver(row)?,
        privilege: row.try_get("privilege")?,
        settings: json(row, "settings")?,
        server_count: row.try_get("server_count")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    };
    Ok(Stored {
        credential,
        password,
        k_g,
    })
}
