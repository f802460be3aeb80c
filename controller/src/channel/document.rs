//! A view with its secrets as text: the exporter's module file, in the JSON that
//! is also YAML.

use serde::Serialize;
use zeroize::Zeroizing;

use super::view::{Module, View};

/// What a module takes beside its texts: names of keys, quotes, commas.
const FRAME: usize = 256;
/// A character becomes at most so many: `\u0000`.
const ESCAPED: usize = 6;

/// A module's secrets, opened.
#[derive(Default)]
pub(super) struct Secrets {
    /// The password.
    pub(super) password: Option<Zeroizing<Vec<u8>>>,
    /// The BMC's own key, in hexadecimal digits.
    pub(super) k_g: Option<Zeroizing<Vec<u8>>>,
}

/// Writes a view with the secrets of its modules, in their order. Wiped on drop;
/// no copy is left behind by growing.
pub(super) fn write(view: &View, secrets: &[Secrets]) -> Zeroizing<Vec<u8>> {
    let settings: Vec<String> = view
        .modules
        .values()
        .map(|module| serde_json::Value::Object(module.source.settings.clone()).to_string())
        .collect();
    let size: usize = view
        .modules
        .iter()
        .zip(&settings)
        .map(|((name, module), settings)| room(name, module, settings))
        .sum();
    let mut text = Zeroizing::new(Vec::with_capacity(size + FRAME));
    text.extend_from_slice(b"{\"modules\":{");
    for (index, (((name, module), secrets), settings)) in
        view.modules.iter().zip(secrets).zip(&settings).enumerate()
    {
        text.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        string(&mut text, name);
        text.extend_from_slice(b":{\"driver\":");
        string(&mut text, module.source.driver.as_str());
        if !module.source.username.is_empty() {
            field(&mut text, "user", &module.source.username);
        }
        if let Some(privilege) = &module.source.privilege {
            field(&mut text, "privilege", privilege);
        }
        // Secrets are texts: they came as JSON.
        if let Some(Ok(password)) = secrets.password.as_ref().map(|p| std::str::from_utf8(p)) {
            field(&mut text, "pass", password);
        }
        if let Some(Ok(k_g)) = secrets.k_g.as_ref().map(|k_g| std::str::from_utf8(k_g)) {
            text.extend_from_slice(b",\"k_g\":\"0x");
            text.extend_from_slice(k_g.as_bytes());
            text.push(b'"');
        }
        let inner = settings.get(1..settings.len() - 1).unwrap_or_default();
        if !inner.is_empty() {
            text.push(b',');
            text.extend_from_slice(inner.as_bytes());
        }
        text.extend_from_slice(b",\"targets\":");
        json(&mut text, &module.targets);
        text.push(b'}');
    }
    text.extend_from_slice(b"\n}}\n");
    text
}

fn room(name: &str, module: &Module, settings: &str) -> usize {
    let texts = name.len() + module.source.username.len() + module.source.driver.longest_password();
    let targets: usize = module.targets.iter().map(|target| target.len() + 3).sum();
    FRAME + ESCAPED * texts + settings.len() + targets
}

fn field(text: &mut Vec<u8>, key: &str, value: &str) {
    text.push(b',');
    string(text, key);
    text.push(b':');
    string(text, value);
}

fn string(text: &mut Vec<u8>, value: &str) {
    json(text, value);
}

fn json<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    // Writing texts into memory cannot fail.
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Driver, ModuleSource};

    #[test]
    fn a_document_is_json_and_never_grows() {
        let settings = serde_json::json!({"collectors": ["ipmi"], "timeout": 1000});
        let source = |username: &str, settings: serde_json::Value| ModuleSource {
            name: "x".to_owned(),
            username: username.to_owned(),
            driver: Driver::Lan20,
            privilege: Some("user".to_owned()),
            settings: settings.as_object().unwrap().clone(),
            password: None,
            k_g: None,
        };
        let module = |source| Module {
            source: Arc::new(source),
            targets: vec!["10.0.0.1".into(), "[2001:db8::1]:9".into()],
        };
        let view = View {
            etag: String::new(),
            modules: BTreeMap::from([
                ("a".to_owned(), module(source("m\"\\团队", settings))),
                ("b".to_owned(), module(source("", serde_json::json!({})))),
            ]),
        };
        let secret = |text: &str| Some(Zeroizing::new(text.as_bytes().to_vec()));
        let secrets = [
            Secrets {
                password: secret("\"\\\"\\\"\\\"\\\"\\\"\\\"\\"),
                k_g: secret(&"ab".repeat(20)),
            },
            Secrets::default(),
        ];
        let text = write(&view, &secrets);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&text).unwrap(),
            serde_json::json!({"modules": {
                "a": {"driver": "LAN_2_0", "user": "m\"\\团队", "privilege": "user",
                    "pass": "\"\\\"\\\"\\\"\\\"\\\"\\\"\\", "k_g": format!("0x{}", "ab".repeat(20)),
                    "collectors": ["ipmi"], "timeout": 1000,
                    "targets": ["10.0.0.1", "[2001:db8::1]:9"]},
                "b": {"driver": "LAN_2_0", "privilege": "user",
                    "targets": ["10.0.0.1", "[2001:db8::1]:9"]},
            }})
        );
        let settings = [r#"{"collectors":["ipmi"],"timeout":1000}"#, "{}"];
        let room: usize = view
            .modules
            .iter()
            .zip(settings)
            .map(|((name, module), settings)| room(name, module, settings))
            .sum();
        assert_eq!(text.capacity(), room + FRAME, "it has not moved");
    }
}
