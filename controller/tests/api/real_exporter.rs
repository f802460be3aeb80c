//! The real exporter, within the process of a test.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ipmi_exporter::app::App;
use ipmi_exporter::cli::{self, Command};
use ipmi_exporter::config::ConfigHolder;
use ipmi_exporter::targets::Workers;
use ipmi_exporter::web::{Server, ServerOptions, WebSettings, bind, route};
use tokio_util::sync::CancellationToken;

/// Starts the exporter with a module file; gives its address.
pub(crate) async fn start(home: &Path, modules: &str) -> SocketAddr {
    let file = home.join("modules.yml");
    std::fs::write(&file, modules).expect("a file");
    let arguments = [
        "ipmi_exporter".to_owned(),
        format!("--config.file={}", file.display()),
        "--web.listen-address=127.0.0.1:0".to_owned(),
    ];
    let arguments = arguments.into_iter().map(OsString::from);
    let Ok(Command::Serve(arguments)) = cli::parse(arguments) else {
        panic!("the arguments are those of the server");
    };
    let (holder, _) = ConfigHolder::start(arguments.config_file().as_deref()).expect("good");
    let app = App::new(
        holder,
        ipmi_exporter::serve::open_store(None).expect("no store"),
        Workers::start().expect("threads"),
        ipmi_exporter::serve::app_options(&arguments),
    );
    let listeners = bind::listen(&arguments.web.listen_addresses).await;
    let (settings, _) = WebSettings::load(None).expect("none");
    let options = ServerOptions::default();
    let server = Server::new(listeners.expect("a port"), Arc::new(settings), options);
    let address = server.addresses()[0];
    let handler = move |request, _| route::handle(Arc::clone(&app), request);
    tokio::spawn(server.serve(handler, CancellationToken::new()));
    address
}
