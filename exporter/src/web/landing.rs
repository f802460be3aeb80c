//! The page at `/`: for a person who wants to know what runs here.

use hyper::{Response, StatusCode};

use super::response::{self, Body};
use crate::app::App;

const HTML: &str = "text/html; charset=utf-8";

/// The page. It names modules, never what is in them.
pub(super) fn page(app: &App) -> Response<Body> {
    let mut names = app.module_names();
    names.sort();
    let options: String = names
        .iter()
        .map(|name| {
            let name = escaped(name);
            let selected = if name == "default" { " selected" } else { "" };
            format!("<option{selected}>{name}</option>")
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    response::with_body(
        StatusCode::OK,
        HTML,
        format!(
            "<!DOCTYPE html>\n\
             <html lang=\"en\">\n\
             <head><meta charset=\"utf-8\"><title>IPMI Exporter</title></head>\n\
             <body>\n\
             <h1>IPMI Exporter</h1>\n\
             <p>Version {version}</p>\n\
             <form action=\"ipmi\">\n\
             <p><label>Target: <input type=\"text\" name=\"target\" placeholder=\"bmc.example or 10.1.2.3\" required></label>\n\
             <label>Module: <select name=\"module\">{options}</select></label>\n\
             <input type=\"submit\" value=\"Collect\"></p>\n\
             </form>\n\
             <p><a href=\"metrics\">The exporter's own metrics</a></p>\n\
             </body>\n\
             </html>\n"
        ),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
