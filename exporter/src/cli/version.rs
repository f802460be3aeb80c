//! `--version` in the form that Prometheus' programs share.

/// Set by the build where it knows; a plain `cargo build` does not.
const REVISION: Option<&str> = option_env!("IPMI_EXPORTER_REVISION");
const BRANCH: Option<&str> = option_env!("IPMI_EXPORTER_BRANCH");
const BUILD_USER: Option<&str> = option_env!("IPMI_EXPORTER_BUILD_USER");
const BUILD_DATE: Option<&str> = option_env!("IPMI_EXPORTER_BUILD_DATE");

/// The lines of `--version`.
pub(super) fn text() -> String {
    let known = |value: Option<&'static str>| value.unwrap_or("unknown");
    format!(
        "{}, version {} (branch: {}, revision: {})\n  build user:       {}\n  build date:       \
         {}\n  rust version:     {}\n  platform:         {}/{}\n",
        super::NAME,
        env!("CARGO_PKG_VERSION"),
        known(BRANCH),
        known(REVISION),
        known(BUILD_USER),
        known(BUILD_DATE),
        env!("CARGO_PKG_RUST_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
