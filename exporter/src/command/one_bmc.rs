//! What commands that ask one BMC begin with, and how all that ask any end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, AppOptions};
use crate::cli::BmcArgs;
use crate::collect::CollectOptions;
use crate::collect::store::Store;
use crate::config::ConfigHolder;
use crate::targets::{Limits, Workers};

/// The exporter without its web server, for one BMC; the module file's warnings
/// go to standard error.
pub(super) fn start(
    arguments: &BmcArgs,
    store: Store,
    collect: CollectOptions,
    timeout: Duration,
) -> anyhow::Result<Arc<App>> {
    let (holder, warnings) = ConfigHolder::start(arguments.config_file().as_deref())?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    let options = AppOptions {
        timeout_offset: Duration::ZERO,
        default_timeout: timeout,
        login_rate: 0,
        limits: Limits {
            max_targets: 1,
            max_concurrent: 1,
            idle_timeout: timeout,
        },
        collect,
    };
    Ok(App::new(holder, store, Workers::start()?, options))
}

/// The exit status: 0 only when everything went well; an error is told.
pub(super) fn exit(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ipmi_exporter: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
