//! Both exporters as running programs.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use super::ANY_PORT;
use super::http::{self, Response, query_value};
use super::process::{Process, program};

/// Our program. Cargo names it to the exporter's own tests only; the fleet
/// benchmark, which compiles this file too, brings its own.
const OURS: Option<&str> = option_env!("CARGO_BIN_EXE_ipmi_exporter");

/// A running exporter with its own configuration and directories.
pub(crate) struct Exporter {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The program.
    pub(crate) process: Process,
    home: TempDir,
}

impl Exporter {
    /// Debian's stock exporter.
    pub(crate) fn stock(modules: &str) -> Self {
        let path = program("prometheus-ipmi-exporter", "prometheus-ipmi-exporter");
        // The programs it starts.
        program("ipmimonitoring", "freeipmi-tools");
        Self::start(&path, modules, |_| Vec::new())
    }

    /// Ours, as the tests were built with.
    pub(crate) fn ours(modules: &str) -> Self {
        Self::ours_with(modules, |_| Vec::new())
    }

    /// Ours with more arguments; the closure gets the directory of this instance.
    pub(crate) fn ours_with(modules: &str, more: impl Fn(&Path) -> Vec<String>) -> Self {
        let path = OURS.expect("only the exporter's own tests call this");
        Self::at(Path::new(path), modules, more)
    }

    /// Ours without any argument but where it listens and what its modules are;
    /// the closure gets the directory of this instance.
    pub(crate) fn ours_bare(modules: &str, more: impl Fn(&Path) -> Vec<String>) -> Self {
        let path = OURS.expect("only the exporter's own tests call this");
        Self::start(Path::new(path), modules, more)
    }

    /// Ours without a module file, with these arguments.
    pub(crate) fn ours_without_file(arguments: &[String]) -> Self {
        let path = OURS.expect("only the exporter's own tests call this");
        let mut process = Process::start(Path::new(path), |command| {
            command.arg(ANY_PORT).args(arguments);
        });
        Self {
            address: process.listening(),
            process,
            home: TempDir::new().expect("temporary directory"),
        }
    }

    /// Ours, built elsewhere.
    pub(crate) fn at(path: &Path, modules: &str, more: impl Fn(&Path) -> Vec<String>) -> Self {
        Self::start(path, modules, |home| {
            let cache = home.join("sdr");
            let mut arguments = vec![format!("--cache.dir={}", cache.display())];
            arguments.extend(more(home));
            arguments
        })
    }

    fn start(path: &Path, modules: &str, more: impl Fn(&Path) -> Vec<String>) -> Self {
        let home = TempDir::new().expect("temporary directory");
        let cache = home.path().join("freeipmi");
        std::fs::create_dir(&cache).expect("cache directory");
        let modules = modules.replace("@SDR_CACHE@", &cache.display().to_string());
        let configuration = home.path().join("modules.yml");
        std::fs::write(&configuration, modules).expect("configuration file");
        let mut process = Process::start(path, |command| {
            command
                .arg(format!("--config.file={}", configuration.display()))
                .arg(ANY_PORT)
                .args(more(home.path()));
        });
        Self {
            address: process.listening(),
            process,
            home,
        }
    }

    /// Its own directory: configuration, caches.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// One scrape.
    ///
    /// # Errors
    ///
    /// When the connection ends without an answer: the stock exporter dies of some BMCs.
    pub(crate) fn ipmi(&self, target: &str, module: &str) -> io::Result<Response> {
        self.ipmi_accepting(target, module, "text/plain")
    }

    /// One scrape in a wanted format.
    ///
    /// # Errors
    ///
    /// When the connection ends without an answer.
    pub(crate) fn ipmi_accepting(
        &self,
        target: &str,
        module: &str,
        accept: &str,
    ) -> io::Result<Response> {
        let path = format!(
            "/ipmi?target={}&module={}",
            query_value(target),
            query_value(module)
        );
        http::request(self.address, "GET", &path, &[("Accept", accept)])
    }
}
