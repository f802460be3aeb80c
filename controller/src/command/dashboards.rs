//! `ipmi_controller dashboards`: writes the dashboards as files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::dashboards::{Language, Options, bundle};

/// Where the files go, and for whom they are.
#[derive(Args, Clone, Debug)]
pub struct DashboardsArgs {
    /// Folder that they are written to; made when it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Language of the mixin: en or zh. Folders are there for both
    #[arg(long, default_value = "en", value_parser = language)]
    pub language: Language,
    /// Unique name of the data source that is chosen at first
    #[arg(long, value_name = "UID")]
    pub data_source: Option<String>,
    /// Where browsers reach the controller's page
    #[arg(long, value_name = "URL")]
    pub page: Option<String>,
}

fn language(text: &str) -> Result<Language, String> {
    Language::ALL
        .into_iter()
        .find(|language| language.as_str() == text)
        .ok_or_else(|| "is neither en nor zh".to_owned())
}

/// Writes all files and says how many.
///
/// # Errors
/// When one cannot be written.
pub fn write(args: &DashboardsArgs) -> anyhow::Result<usize> {
    let options = Options {
        language: args.language,
        data_source: args.data_source.clone(),
        page: args.page.clone(),
    };
    let files = bundle::files(&options);
    for file in &files {
        let path = args.out.join(&file.path);
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(&path, &file.text).with_context(|| path.display().to_string())?;
    }
    Ok(files.len())
}
