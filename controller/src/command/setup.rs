//! `ipmi_controller admin setup FILE`: what a new system begins with. What the
//! file names and is not there is made, all of it or nothing; what is there stays
//! as it is, so that it can run before each start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::admin;
use crate::auth::{PasswordHasher, TokenText};
use crate::model::{
    AuditEvent, CredentialBody, CredentialDraft, ExporterBody, ExporterDraft, Id, Invalid, Name,
    Role, ServerBody, ServerDraft, TokenKind, UserBody, UserDraft,
};
use crate::store::{Names, NewToken, Store, WriteTx};

/// Largest file, of settings or with a secret.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Fewest characters of a token after its beginning: 32 random bytes, in
/// hexadecimal or in base 64.
const MIN_TOKEN: usize = 43;

/// What a new system begins with. Paths are relative to the file's directory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    administrator: Option<Administrator>,
    #[serde(default)]
    credentials: Vec<ProfileEntry>,
    #[serde(default)]
    exporters: Vec<ExporterEntry>,
    #[serde(default)]
    tokens: Vec<TokenEntry>,
    #[serde(default)]
    servers: Vec<ServerEntry>,
}

/// The first administrator; made when there is no user at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Administrator {
    username: String,
    password_file: PathBuf,
}

/// A credential profile, by its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileEntry {
    profile: CredentialBody,
    password_file: Option<PathBuf>,
}

/// An exporter, by its name, and the token of its channel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExporterEntry {
    exporter: ExporterBody,
    token_file: Option<PathBuf>,
}

/// A token of a service, by its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    name: String,
    kind: TokenKind,
    file: PathBuf,
}

/// A server, by its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerEntry {
    server: ServerBody,
    credential: Option<String>,
    exporter: Option<String>,
}

/// Makes what is missing.
///
/// # Errors
/// With the entry and what is wrong with it; then nothing was made.
pub(super) async fn run(store: &Store, path: &Path) -> anyhow::Result<()> {
    let text = read(path)?;
    let setup: Setup = serde_saphyr::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    // Hashing takes its time, and others wait for a transaction that writes.
    let administrator = match &setup.administrator {
        Some(wanted) if store.read().await?.count_users().await? == 0 => {
            Some(administrator(wanted, directory).await?)
        }
        _ => None,
    };
    let mut tx = store.write().await?;
    let names = tx.names().await?;
    let mut maker = Maker {
        tx,
        directory,
        names,
        made: Vec::new(),
    };
    if let Some((draft, hash)) = &administrator {
        maker.administrator(draft, hash).await?;
    }
    for entry in &setup.credentials {
        maker.profile(entry).await?;
    }
    for entry in &setup.exporters {
        maker.exporter(entry).await?;
    }
    for entry in &setup.tokens {
        let at = || format!("token {}", entry.name);
        if !entry.kind.is_service() || entry.kind == TokenKind::Exporter {
            bail!("{}: `kind` is `inlet` or `discovery` here", at());
        }
        maker
            .token(&entry.name, entry.kind, None, &entry.file)
            .await
            .with_context(at)?;
    }
    maker.servers(&setup.servers).await?;
    let Maker { tx, made, .. } = maker;
    tx.commit().await?;
    for what in &made {
        println!("made {what}");
    }
    if made.is_empty() {
        println!("everything is there already");
    }
    Ok(())
}

/// Makes what is missing, in one transaction.
struct Maker<'a> {
    tx: WriteTx,
    directory: &'a Path,
    names: Names,
    made: Vec<String>,
}

impl Maker<'_> {
    async fn administrator(&mut self, draft: &UserDraft, hash: &str) -> anyhow::Result<()> {
        let user = self.tx.insert_user(draft, hash).await?;
        self.note("user", user.id, &user).await?;
        self.made.push(format!("administrator {}", user.username));
        Ok(())
    }

    async fn profile(&mut self, entry: &ProfileEntry) -> anyhow::Result<()> {
        let mut body = entry.profile.clone();
        let at = || format!("credential profile {}", entry.profile.name);
        if self.names.credentials.contains_key(&body.name) {
            return Ok(());
        }
        if let Some(file) = &entry.password_file {
            let password = secret(self.directory, file).with_context(at)?;
            body.password = Some(Some(password.to_string()));
        }
        let draft = CredentialDraft::parse(&body)
            .map_err(wrong)
            .with_context(at)?;
        let made = self.tx.insert_credential(&draft).await?;
        self.note("credential", made.id, &made).await?;
        self.names.credentials.insert(made.name, made.id);
        self.made.push(at());
        Ok(())
    }

    async fn exporter(&mut self, entry: &ExporterEntry) -> anyhow::Result<()> {
        let name = &entry.exporter.name;
        let at = || format!("exporter {name}");
        let id = match self.names.exporters.get(name) {
            Some(id) => *id,
            None => {
                let draft = ExporterDraft::parse(&entry.exporter)
                    .map_err(wrong)
                    .with_context(at)?;
                let made = self.tx.insert_exporter(&draft).await?;
                self.note("exporter", made.id, &made).await?;
                self.names.exporters.insert(made.name, made.id);
                self.made.push(at());
                made.id
            }
        };
        if let Some(file) = &entry.token_file {
            self.token(name, TokenKind::Exporter, Some(id), file)
                .await
                .with_context(at)?;
        }
        Ok(())
    }

    /// A token whose text somebody else has made. One that was taken back is there,
    /// and stays taken back.
    async fn token(
        &mut self,
        name: &str,
        kind: TokenKind,
        exporter: Option<Id>,
        file: &Path,
    ) -> anyhow::Result<()> {
        let name = Name::parse(name).map_err(anyhow::Error::msg)?;
        let text = secret(self.directory, file)?;
        let beginning = format!("ipmi_{}_", kind.as_str());
        let is_long = text
            .strip_prefix(&beginning)
            .is_some_and(|random| random.len() >= MIN_TOKEN);
        let Some(text) = TokenText::shown(&text).filter(|_| is_long) else {
            bail!(
                "{}: is no token of this kind; it begins with {beginning} and has at least \
                 {MIN_TOKEN} random characters after that, as from `openssl rand -hex 32`",
                file.display()
            );
        };
        let hash = text.hash();
        if self.tx.token_by_hash(&hash).await?.is_some() {
            return Ok(());
        }
        let token = self
            .tx
            .insert_token(&NewToken {
                kind,
                name: name.as_str(),
                user_id: None,
                family: &Uuid::now_v7().to_string(),
                hash: &hash,
                scopes: &[],
                subject_id: exporter,
                expires_at: None,
            })
            .await?;
        self.note("token", token.id, &token).await?;
        let kind = kind.as_str();
        self.made.push(format!("{kind} token {}", token.name));
        Ok(())
    }

    async fn servers(&mut self, entries: &[ServerEntry]) -> anyhow::Result<()> {
        let names: Vec<&str> = entries.iter().map(|e| e.server.name.as_str()).collect();
        let known = self.tx.servers_named(&names).await?;
        let mut drafts = Vec::new();
        for entry in entries {
            let at = || format!("server {}", entry.server.name);
            if known.contains_key(&entry.server.name) {
                continue;
            }
            let mut body = entry.server.clone();
            let find = |what, known: &HashMap<String, Id>, name: &String| {
                let found = known.get(name).copied();
                found.with_context(|| format!("there is no {what} {name}"))
            };
            if let Some(name) = &entry.credential {
                let id = find("credential profile", &self.names.credentials, name);
                body.credential_id = Some(id.with_context(at)?);
            }
            if let Some(name) = &entry.exporter {
                let id = find("exporter", &self.names.exporters, name);
                body.exporter_id = Some(id.with_context(at)?);
            }
            drafts.push(ServerDraft::parse(&body).map_err(wrong).with_context(at)?);
        }
        if drafts.is_empty() {
            return Ok(());
        }
        let drafts: Vec<&ServerDraft> = drafts.iter().collect();
        let made = self.tx.insert_servers(&drafts).await?;
        for server in &made {
            self.note("server", server.id, server).await?;
        }
        self.made.push(match made.len() {
            1 => "1 server".to_owned(),
            count => format!("{count} servers"),
        });
        Ok(())
    }

    async fn note<T: Serialize>(&mut self, kind: &str, id: Id, after: &T) -> anyhow::Result<()> {
        let action = match kind {
            "user" => "user.create",
            "credential" => "credential.create",
            "exporter" => "exporter.create",
            "token" => "token.create",
            _ => "server.create",
        };
        let event: AuditEvent = admin::event(action, format!("{kind}s/{id}"));
        self.tx.append_audit(&event.with(None, Some(after))).await?;
        Ok(())
    }
}

async fn administrator(
    wanted: &Administrator,
    directory: &Path,
) -> anyhow::Result<(UserDraft, String)> {
    let password = secret(directory, &wanted.password_file).context("administrator")?;
    let body = UserBody {
        username: wanted.username.clone(),
        email: String::new(),
        role: Role::Admin,
        is_active: true,
        group_ids: None,
        password: Some(password.to_string()),
    };
    let (draft, _) = UserDraft::parse(&body)
        .map_err(wrong)
        .context("administrator")?;
    let hash = PasswordHasher::new()?.hash(password).await?;
    Ok((draft, hash))
}

fn wrong(problems: Vec<Invalid>) -> anyhow::Error {
    let texts: Vec<String> = problems.into_iter().map(|one| one.to_string()).collect();
    anyhow::anyhow!(texts.join("; "))
}

/// The line in a file that is a secret.
fn secret(directory: &Path, file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let path = directory.join(file);
    let text = read(&path)?;
    let text = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if text.is_empty() {
        bail!("{}: is empty", path.display());
    }
    Ok(text)
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let metadata = std::fs::metadata(path).with_context(|| path.display().to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        bail!("{}: is no file of up to {MAX_BYTES} bytes", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(Zeroizing::new(text))
}
