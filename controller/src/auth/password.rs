//! Passwords of users: argon2id, a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Hashes at once: each needs 19 MiB and tens of milliseconds of a processor.
const AT_ONCE: usize = 2;

/// A password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
#[error("passwords cannot be hashed: {0}")]
pub struct PasswordError(String);

/// Hashes and compares passwords without stopping other work.
#[derive(Clone)]
pub struct PasswordHasher {
    turns: Arc<Semaphore>,
    /// Compared with when there is no such user, so that the time tells nothing.
    nobody: Arc<str>,
}

impl PasswordHasher {
    /// Makes one; takes as long as a hash.
    ///
    /// # Errors
    /// When hashing does not work at all.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: hash("a password that nobody has")?.into(),
        })
    }

    /// The hash to store, with salt and parameters.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        self.turn(move || hash(&password)).await?
    }

    /// Whether a password is the one that was hashed. Without a hash it is not,
    /// and that takes as long.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let is_right = self.turn(move || verify(&password, &hash)).await?;
        Ok(is_right && is_somebody)
    }

    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = self.turns.acquire().await;
        let result = tokio::task::spawn_blocking(work).await;
        drop(turn);
        result.map_err(|error| PasswordError(error.to_string()))
    }
}

fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordError(error.to_string()))
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_is_right() {
        let hasher = PasswordHasher::new().unwrap();
        let password = || Zeroizing::new("correct horse".to_owned());
        let stored = hasher.hash(password()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(
            hasher
                .verify(password(), Some(stored.clone()))
                .await
                .unwrap()
        );
        let wrong = Zeroizing::new("wrong horse".to_owned());
        assert!(!hasher.verify(wrong, Some(stored)).await.unwrap());
        let nobodys = Zeroizing::new("a password that nobody has".to_owned());
        assert!(!hasher.verify(nobodys, None).await.unwrap());
        assert!(
            !hasher
                .verify(password(), Some("damaged".to_owned()))
                .await
                .unwrap()
        );
    }
}
