//! Flags about a controller.

use std::path::PathBuf;

use clap::Args;

use crate::channel::{Endpoint, Settings};

/// Name of the sealed copy in the directory of caches.
const CACHE_NAME: &str = "controller.sealed";

/// Flags about a controller, from which modules come in place of a file.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct ControllerArgs {
    /// Where modules come from instead of a file.
    #[arg(
        long = "controller.url",
        value_name = "URL",
        help = "Take modules from the controller at this URL, such as https://controller.example.org, instead of a file"
    )]
    pub(super) url: Option<String>,

    /// File with this exporter's token at the controller
    #[arg(long = "controller.token-file", value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// File with the certificate authorities that vouch for the controller; without one, those
    /// of the system
    #[arg(long = "controller.ca-file", value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Where the last modules are kept, sealed, for a start while the controller is away
    /// [default: controller.sealed in --cache.dir]
    #[arg(long = "controller.cache-file", value_name = "FILE")]
    cache_file: Option<PathBuf>,

    /// File with the key that seals them, 64 hexadecimal digits [default: a key that is made
    /// beside them]
    #[arg(long = "controller.cache-key-file", value_name = "FILE")]
    cache_key_file: Option<PathBuf>,

    /// Send token and passwords over plain HTTP to another machine; only where something else
    /// encrypts
    #[arg(long = "controller.allow-plain-http")]
    allow_plain_http: bool,
}

impl ControllerArgs {
    /// Puts the flags together; `None` without a controller.
    ///
    /// # Errors
    /// What is wrong with them, as the parser says it.
    pub(super) fn settings(&self, cache_dir: Option<PathBuf>) -> Result<Option<Settings>, String> {
        let Some(url) = &self.url else {
            let lonely = [
                ("--controller.token-file", self.token_file.is_some()),
                ("--controller.ca-file", self.ca_file.is_some()),
                ("--controller.cache-file", self.cache_file.is_some()),
                ("--controller.cache-key-file", self.cache_key_file.is_some()),
                ("--controller.allow-plain-http", self.allow_plain_http),
            ];
            return match lonely.into_iter().find(|(_, is_given)| *is_given) {
                Some((flag, _)) => Err(format!("'{flag}' needs '--controller.url'")),
                None => Ok(None),
            };
        };
        let endpoint = Endpoint::parse(url, self.allow_plain_http)
            .map_err(|reason| format!("flag '--controller.url': {reason}"))?;
        let Some(token_file) = self.token_file.clone() else {
            return Err("'--controller.url' needs '--controller.token-file'".to_owned());
        };
        let cache_file = self
            .cache_file
            .clone()
            .or_else(|| Some(cache_dir?.join(CACHE_NAME)));
        if cache_file.is_none() && self.cache_key_file.is_some() {
            return Err(
                "'--controller.cache-key-file' needs '--controller.cache-file' or '--cache.dir'"
                    .to_owned(),
            );
        }
        Ok(Some(Settings {
            endpoint,
            token_file,
            ca_file: self.ca_file.clone(),
            cache_file,
            cache_key_file: self.cache_key_file.clone(),
        }))
    }
}
