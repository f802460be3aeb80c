//! The configuration in use: swapped whole, or kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::checked::Config;
use super::diagnostic::{ConfigError, Diagnostic};
use super::load::{Loaded, load, load_remote};

/// Holds the configuration that scrapes use, and re-reads it on demand.
///
/// A scrape takes its copy once, at its start, and keeps it: a reload never changes a running
/// scrape. Reloads happen one after the other.
#[derive(Debug)]
pub struct ConfigHolder {
    path: Option<PathBuf>,
    current: ArcSwap<Config>,
    status: Mutex<ReloadStatus>,
    /// Held during a reload, so that two of them cannot finish in the wrong order.
    reloading: Mutex<()>,
}

/// How the last reload went, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Was the last attempt (the first load included) successful?
    pub last_successful: bool,
    /// When the configuration in use was loaded.
    pub last_success: SystemTime,
    /// Successful loads, the first included.
    pub successes: u64,
    /// Refused loads.
    pub failures: u64,
}

impl ConfigHolder {
    /// Loads the configuration for the first time; without a path it is empty, which is legal.
    /// Blocks on files.
    ///
    /// # Errors
    /// Whatever is wrong with the file.
    pub fn start(path: Option<&Path>) -> Result<(Self, Vec<Diagnostic>), ConfigError> {
        let (config, warnings) = match path {
            Some(path) => {
                let loaded = load(path)?;
                (loaded.config, loaded.warnings)
            }
            None => (Config::default(), Vec::new()),
        };
        let holder = Self {
            path: path.map(PathBuf::from),
            current: ArcSwap::from_pointee(config),
            status: Mutex::new(ReloadStatus {
                last_successful: true,
                last_success: SystemTime::now(),
                successes: 1,
                failures: 0,
            }),
            reloading: Mutex::new(()),
        };
        Ok((holder, warnings))
    }

    /// A holder for modules that somebody will send: empty until then, which is no
    /// successful load.
    #[must_use]
    pub fn waiting() -> Self {
        Self {
            path: None,
            current: ArcSwap::from_pointee(Config::default()),
            status: Mutex::new(ReloadStatus {
                last_successful: false,
                last_success: SystemTime::UNIX_EPOCH,
                successes: 0,
                failures: 0,
            }),
            reloading: Mutex::new(()),
        }
    }

    /// The file, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The configuration in use.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// How the last reload went.
    #[must_use]
    pub fn status(&self) -> ReloadStatus {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Re-reads the file and puts the new configuration in use, or keeps the old one. Returns the
    /// warnings. Blocks on files and on a reload that is running; async callers use
    /// `spawn_blocking`.
    ///
    /// # Errors
    /// Whatever is wrong with the file; the old configuration stays in use.
    pub fn reload(&self) -> Result<Vec<Diagnostic>, ConfigError> {
        self.replace(|| match &self.path {
            Some(path) => load(path).map(Some),
            None => Ok(None),
        })
    }

    /// Puts modules that a controller sent in use, or keeps the old ones. Returns
    /// the warnings. Waits like [`reload`](Self::reload).
    ///
    /// # Errors
    /// Whatever is wrong with the text; the old configuration stays in use.
    pub fn apply(&self, text: &str) -> Result<Vec<Diagnostic>, ConfigError> {
        self.replace(|| load_remote(text).map(Some))
    }

    fn replace(
        &self,
        load: impl FnOnce() -> Result<Option<Loaded>, ConfigError>,
    ) -> Result<Vec<Diagnostic>, ConfigError> {
        // A poisoned lock only says that another reload panicked; the state is still whole.
        let _one_at_a_time = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let result = load().map(|loaded| {
            loaded.map_or_else(Vec::new, |loaded| {
                self.current.store(Arc::new(loaded.config));
                loaded.warnings
            })
        });
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.last_successful = result.is_ok();
        if result.is_ok() {
            status.last_success = SystemTime::now();
            status.successes += 1;
        } else {
            status.failures += 1;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_never_replaces_a_good_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ipmi.yml");
        std::fs::write(&path, "modules: {one: {user: a}}\n").unwrap();
        let (holder, _) = ConfigHolder::start(Some(&path)).unwrap();
        let before = holder.current();

        std::fs::write(&path, "modules: {two: {usr: a}}\n").unwrap();
        let error = holder.reload().unwrap_err();
        assert!(
            error.to_string().contains("did you mean `user`?"),
            "{error}"
        );
        assert!(Arc::ptr_eq(&before, &holder.current()));
        let status = holder.status();
        assert_eq!(
            (status.last_successful, status.successes, status.failures),
            (false, 1, 1)
        );

        std::fs::write(&path, "modules: {two: {user: a}}\n").unwrap();
        holder.reload().unwrap();
        assert!(holder.current().module("two").is_some());
        assert!(
            before.module("one").is_some(),
            "a running scrape keeps its copy"
        );
        assert!(holder.status().last_successful);
    }

    #[test]
    fn what_a_controller_sends_is_taken_whole_or_not_at_all() {
        let holder = ConfigHolder::waiting();
        assert!(!holder.status().last_successful && holder.status().successes == 0);
        holder
            .apply(r#"{"modules":{"a":{"user":"u","pass":"p","targets":["10.0.0.1"]}}}"#)
            .unwrap();
        let before = holder.current();
        for (bad, reason) in [
            (r#"{"modules":{"a":{}}}"#, "has no `targets`"),
            (
                r#"{"modules":{"a":{"pass_file":"/etc/shadow","targets":[]}}}"#,
                "from afar",
            ),
            (
                r#"{"modules":{"a":{"k_g_file":"/etc/shadow","targets":[]}}}"#,
                "from afar",
            ),
            (
                r#"{"modules":{"a":{"pass_env":"HOME","targets":[]}}}"#,
                "from afar",
            ),
            (
                r#"{"modules":{"a":{"pass":["zq7canary"],"targets":[]}}}"#,
                "must be a text",
            ),
            (
                r#"{"modules":{"a":{"pass":"zq7canary","targets":["10.0.0.1/8"]}}}"#,
                "mask",
            ),
            (
                r#"{"modules":{"a":{"pass":"zq7canary"#,
                "configuration of the controller:1:",
            ),
            ("<html>", "must be a map"),
        ] {
            let error = holder.apply(bad).unwrap_err();
            assert!(error.to_string().contains(reason), "{bad}: {error}");
            assert!(!format!("{error:?}").contains("zq7canary"), "{error:?}");
            assert!(Arc::ptr_eq(&before, &holder.current()));
        }
        let status = holder.status();
        assert_eq!(
            (status.last_successful, status.successes, status.failures),
            (false, 1, 8)
        );
    }

    #[test]
    fn without_a_file_the_configuration_is_empty_and_a_reload_is_harmless() {
        let (holder, warnings) = ConfigHolder::start(None).unwrap();
        assert!(warnings.is_empty() && holder.current().modules.is_empty());
        assert!(holder.reload().unwrap().is_empty());
    }

    #[test]
    fn reloads_at_once_happen_one_after_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ipmi.yml");
        std::fs::write(&path, "modules: {}\n").unwrap();
        let (holder, _) = ConfigHolder::start(Some(&path)).unwrap();
        std::fs::write(&path, "modules: {new: {}}\n").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| holder.reload().unwrap());
            }
        });
        assert_eq!(holder.status().successes, 9);
        assert!(holder.current().module("new").is_some());
    }
}
