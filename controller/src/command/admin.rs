//! `ipmi_controller admin`: what must work without a log-in, on the machine itself.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Subcommand;
use rand::RngExt;
use zeroize::Zeroizing;

use super::{backup, setup};
use crate::auth::PasswordHasher;
use crate::config::Config;
use crate::model::{AuditEvent, Role, UserBody, UserDraft};
use crate::serve::open_store;
use crate::store::Store;

/// What can be managed.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make the first administrator; prints a password unless one is given
    Init {
        /// Name for the log-in
        #[arg(long, default_value = "admin")]
        username: String,
        /// File with the password; `-` reads a line from the input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Make what a new system begins with, as far as it is not there: administrator,
    /// credential profiles, exporters, tokens, servers
    Setup {
        /// YAML file that names it, see docs/operation.md
        file: PathBuf,
    },
    /// Seal all secrets with the first master key; afterwards the others can go
    RotateKey,
    /// Verify the audit trail's chain of hashes
    VerifyAudit,
    /// Make a backup of the store, also while the service runs
    Backup {
        /// Where to, instead of `backup.directory`
        #[arg(long, value_name = "DIRECTORY")]
        directory: Option<PathBuf>,
    },
    /// Look whether a backup is whole and fits the master key
    VerifyBackup {
        /// The backup
        file: PathBuf,
    },
    /// Put a backup in the place of the store, while no service runs
    Restore {
        /// The backup
        file: PathBuf,
        /// Replace what is there; it is kept under another name
        #[arg(long)]
        force: bool,
    },
}

/// Does it.
///
/// # Errors
/// With what to do about it.
pub async fn run(config: &Config, command: AdminCommand) -> anyhow::Result<()> {
    // These must not open the store: it may be what is broken.
    match &command {
        AdminCommand::VerifyBackup { file } => return backup::verify(config, file).await,
        AdminCommand::Restore { file, force } => {
            return backup::restore(config, file, *force).await;
        }
        _ => {}
    }
    let store = open_store(config).await?;
    let done = match command {
        AdminCommand::Init {
            username,
            password_file,
        } => init(&store, username, password_file).await,
        AdminCommand::Setup { file } => setup::run(&store, &file).await,
        AdminCommand::RotateKey => rotate(&store).await,
        AdminCommand::VerifyAudit => verify(&store).await,
        AdminCommand::Backup { directory } => backup::make(config, &store, directory).await,
        AdminCommand::VerifyBackup { .. } | AdminCommand::Restore { .. } => Ok(()),
    };
    store.close().await;
    done
}

async fn init(store: &Store, username: String, file: Option<PathBuf>) -> anyhow::Result<()> {
    if store.read().await?.count_users().await? > 0 {
        bail!("there are users already; an administrator makes others in the interface");
    }
    let given = file.as_deref().map(read_password).transpose()?;
    let is_given = given.is_some();
    let password = given.unwrap_or_else(|| {
        let random: [u8; 18] = rand::rng().random();
        Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random))
    });
    let body = UserBody {
        username,
        email: String::new(),
        role: Role::Admin,
        is_active: true,
        group_ids: None,
        password: Some(password.to_string()),
    };
    let (draft, _) = UserDraft::parse(&body).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(texts.join("; "))
    })?;
    let hash = PasswordHasher::new()?.hash(password.clone()).await?;
    let mut tx = store.write().await?;
    let user = tx.insert_user(&draft, &hash).await?;
    let event = event("user.create", format!("users/{}", user.id));
    tx.append_audit(&event.with(None, Some(&user))).await?;
    tx.commit().await?;
    if is_given {
        println!("The administrator {} was made.", user.username);
    } else {
        println!("{}:{}", user.username, password.as_str());
    }
    Ok(())
}

fn read_password(path: &std::path::Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if path.as_os_str() == "-" {
        let input = std::io::stdin();
        if input.is_terminal() {
            eprint!("Password: ");
        }
        input.lock().read_line(&mut text)?;
    } else {
        *text = std::fs::read_to_string(path)
            .with_context(|| format!("--password-file: {}", path.display()))?;
    }
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

async fn rotate(store: &Store) -> anyhow::Result<()> {
    let mut sealed = 0;
    loop {
        let mut tx = store.write().await?;
        let count = tx.rotate_secrets().await?;
        if count == 0 {
            tx.append_audit(&event("key.rotate", "secrets".to_owned()))
                .await?;
        }
        tx.commit().await?;
        if count == 0 {
            break;
        }
        sealed += count;
    }
    println!("{sealed} secrets were sealed anew; the first master key opens everything.");
    Ok(())
}

async fn verify(store: &Store) -> anyhow::Result<()> {
    let report = store.read().await?.verify_audit().await?;
    match report.broken {
        None => {
            println!(
                "The trail of {} entries is what was written.",
                report.entries
            );
            Ok(())
        }
        Some(broken) => bail!(
            "the trail is broken at entry {}: {}",
            broken.sequence,
            broken.what
        ),
    }
}

/// An entry of the audit trail about what was done here.
pub(super) fn event(action: &'static str, resource: String) -> AuditEvent {
    AuditEvent {
        actor: "ipmi_controller admin".to_owned(),
        actor_id: None,
        source: None,
        action,
        resource,
        before: None,
        after: None,
    }
}
