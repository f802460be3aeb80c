//! `alertmanager.yml`, complete, and the template files beside it.
//!
//! One text fits Alertmanager 0.25 and newer: matchers in the new syntax with
//! values in quotes, no field that 0.25 does not know. What 0.25 has no
//! integration for is told to the controller, which passes it on.
//!
//! Secrets stand in the file itself. So the file is one thing that is replaced as
//! a whole and taken back as a whole, and the hash that Alertmanager tells of it
//! proves that it works with these secrets. Files beside it with a secret each
//! would be neither, and 0.25 has such fields for half of its integrations only.
//! Whoever looks at versions and differences sees the shown form, which has a
//! marker in the place of each secret.
//!
//! Names of template files have the hash of their content in them: a change of a
//! template is a change of `alertmanager.yml`, and the files of an older version
//! stay as they were for the case that it is returned to.

mod integrations;
mod node;
#[cfg(test)]
mod tests;
mod topology;
mod tree;

use std::collections::BTreeMap;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::{Zeroize, Zeroizing};

pub use node::Vault;
pub use tree::{JOURNAL, RouteMatch, dry_run};

use crate::model::Id;
use crate::model::alerting::{
    Alerting, AlertingSettings, Inhibition, Matcher, NotificationTemplate, Receiver, TimeInterval,
    TimeSpan,
};
use node::{Fields, Node};

/// First line: by it the file is known for one of ours.
const HEADER: &str = "# Written by ipmi_controller, which undoes changes of this file.\n";
/// Where template files are, beside `alertmanager.yml`.
pub const TEMPLATES_DIRECTORY: &str = "ipmi_controller_templates";
/// The template file that comes with the program.
const OWN_TEMPLATES: (&str, &str) = (
    "ipmi_controller",
    include_str!("../../../templates/notification.tmpl"),
);
/// Most text of a configuration, in bytes.
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// Most nodes of one.
const MAX_NODES: usize = 4_000_000;
/// Path of the inlet for Alertmanager's webhooks.
const JOURNAL_PATH: &str = "api/v1/monitoring/alerts/webhook";
/// Path under which the controller passes notifications on.
const RELAY_PATH: &str = "api/v1/monitoring/alerts/relay";

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertmanagerFileError {
    /// The first line is missing: another program's file, or half of one.
    #[error("it does not begin as the files of this program do")]
    Foreign,
    /// It cannot be written, or is not what was meant.
    #[error("{0}")]
    Syntax(String),
    /// A secret is in no vault.
    #[error("the secret {0} cannot be opened")]
    Secret(String),
}

/// How Alertmanager reaches the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Where the controller answers; a path stays in front of its own.
    pub url: Url,
    /// The id of the bearer token with which Alertmanager signs in.
    pub token: String,
    /// File with authorities, at Alertmanager's machine.
    pub ca_file: Option<String>,
}

impl Uplink {
    fn at(&self, path: &str) -> String {
        let base = self.url.as_str().trim_end_matches('/');
        format!("{base}/{path}")
    }

    /// Where the journal hears of notifications.
    #[must_use]
    pub fn journal(&self) -> String {
        self.at(JOURNAL_PATH)
    }

    /// Where an integration's notifications are passed on.
    #[must_use]
    pub fn relay(&self, receiver: Id, key: &str) -> String {
        self.at(&format!("{RELAY_PATH}/{receiver}/{key}"))
    }

    /// A webhook of the controller.
    fn webhook(&self, url: &str) -> Fields {
        let authorization = Fields::default()
            .text("type", "Bearer")
            .secret("credentials", Some(&self.token));
        let tls = Fields::default().optional("ca_file", self.ca_file.as_deref());
        let http = Fields::default()
            .map("authorization", authorization)
            .map("tls_config", tls);
        Fields::default()
            .text("url", url)
            .put("max_alerts", Node::Number(0.into()))
            .map("http_config", http)
    }
}

/// A configuration with the files that it names. Cheap enough to keep, and never
/// to be logged: it has no `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AlertmanagerFile {
    config: Zeroizing<String>,
    shown: String,
    templates: BTreeMap<String, String>,
    /// The secrets in it, to take them out of what others say of it.
    secrets: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for AlertmanagerFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertmanagerFile")
            .field("shown", &self.shown)
            .field("templates", &self.templates.keys())
            .finish_non_exhaustive()
    }
}

/// A file as it is kept. Its bytes are secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    config: String,
    shown: String,
    templates: BTreeMap<String, String>,
    secrets: Vec<String>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.config.zeroize();
        self.secrets.zeroize();
    }
}

impl AlertmanagerFile {
    /// Writes all of alerting.
    ///
    /// # Errors
    /// When a secret is missing, or the text does not say what was meant: a fault
    /// of this program, found before it does harm.
    pub fn render(
        alerting: &Alerting,
        uplink: &Uplink,
        vault: &Vault,
    ) -> Result<Self, AlertmanagerFileError> {
        let journal = Fields::default().text("name", JOURNAL).put(
            "webhook_configs",
            Node::List(vec![
                uplink
                    .webhook(&uplink.journal())
                    .flag("send_resolved", true)
                    .into_node(),
            ]),
        );
        let mut receivers = vec![journal.into_node()];
        let mut sorted: Vec<&Receiver> = alerting.receivers.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        for one in sorted {
            receivers.push(receiver(one, &alerting.settings, uplink));
        }
        let mut inhibitions: Vec<Node> = Vec::new();
        if alerting.settings.topology_inhibition {
            inhibitions.extend(
                topology::inhibitions()
                    .iter()
                    .map(|held| inhibition(&held.source, &held.target, held.equal.iter().copied())),
            );
        }
        let mut sorted: Vec<&Inhibition> = alerting.inhibitions.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        inhibitions.extend(sorted.iter().filter(|one| one.enabled).map(|one| {
            inhibition(
                &one.source,
                &one.target,
                one.equal.iter().map(String::as_str),
            )
        }));
        let mut intervals: Vec<&TimeInterval> = alerting.intervals.iter().collect();
        intervals.sort_by(|a, b| a.name.cmp(&b.name));
        let intervals: Vec<Node> = intervals.into_iter().map(interval).collect();
        let parts = Parts {
            route: tree::whole(&alerting.route),
            receivers,
            inhibitions,
            intervals,
        };
        write(&alerting.settings, &alerting.templates, parts, vault)
    }

    /// Writes a configuration that tells one receiver of everything at once, for a
    /// second Alertmanager in which it is tried out.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn sandbox(
        one: &Receiver,
        settings: &AlertingSettings,
        templates: &[NotificationTemplate],
        uplink: &Uplink,
        vault: &Vault,
    ) -> Result<Self, AlertmanagerFileError> {
        let route = Fields::default()
            .text("receiver", &one.name)
            .texts("group_by", ["..."])
            .text("group_wait", "0s")
            .into_node();
        let parts = Parts {
            route,
            receivers: vec![receiver(one, settings, uplink)],
            inhibitions: Vec::new(),
            intervals: Vec::new(),
        };
        write(settings, templates, parts, vault)
    }

    /// The file's bytes, with all secrets.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.config.as_bytes()
    }

    /// The file with markers in the place of secrets.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Template files by their names in [`TEMPLATES_DIRECTORY`].
    #[must_use]
    pub fn templates(&self) -> &BTreeMap<String, String> {
        &self.templates
    }

    /// The bytes with template files in another directory, for a program that
    /// reads them from its input.
    #[must_use]
    pub fn bytes_with_templates_in(&self, directory: &str) -> Zeroizing<Vec<u8>> {
        let mut text = self.config.clone();
        for name in self.templates.keys() {
            let (here, there) = (
                format!("'{TEMPLATES_DIRECTORY}/{name}'"),
                format!("'{}/{name}'", directory.replace('\'', "''")),
            );
            text = Zeroizing::new(text.replace(&here, &there));
        }
        Zeroizing::new(text.as_bytes().to_vec())
    }

    /// What Alertmanager tells as `alertmanager_config_hash` when it works with
    /// exactly these bytes: the first six of their MD5, the lowest first.
    #[must_use]
    pub fn alertmanager_hash(&self) -> u64 {
        let digest = Md5::digest(self.bytes());
        let first = digest.iter().take(6).rev();
        first.fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// SHA-256 of the bytes. It tells nothing about short secrets, because the
    /// controller's own token is always among the bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }

    /// How many receivers there are, the journal not counted.
    #[must_use]
    pub fn receivers(&self) -> usize {
        let shown = self.parsed().ok();
        let names = shown.as_ref().and_then(|shown| shown.get("receivers"));
        let count = names.and_then(|names| names.as_array()).map_or(0, Vec::len);
        count.saturating_sub(1)
    }

    /// The shown form, taken apart.
    ///
    /// # Errors
    /// When it is no YAML.
    pub fn parsed(&self) -> Result<serde_json::Value, AlertmanagerFileError> {
        parse_yaml(&self.shown)
    }

    /// The file as it is kept: to be sealed.
    #[must_use]
    pub fn to_kept(&self) -> Zeroizing<Vec<u8>> {
        let kept = Kept {
            config: self.config.as_str().to_owned(),
            shown: self.shown.clone(),
            templates: self.templates.clone(),
            secrets: self.secrets.iter().map(|one| one.to_string()).collect(),
        };
        // Texts in a map of texts: nothing in it can fail to be JSON.
        Zeroizing::new(serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// Reads [`Self::to_kept`].
    ///
    /// # Errors
    /// When they are other bytes.
    pub fn from_kept(bytes: &[u8]) -> Result<Self, AlertmanagerFileError> {
        let mut kept: Kept = serde_json::from_slice(bytes)
            .map_err(|error| AlertmanagerFileError::Syntax(error.to_string()))?;
        let take = std::mem::take::<String>;
        Ok(Self {
            config: Zeroizing::new(take(&mut kept.config)),
            shown: take(&mut kept.shown),
            templates: std::mem::take(&mut kept.templates),
            secrets: kept
                .secrets
                .iter_mut()
                .map(|one| Zeroizing::new(take(one)))
                .collect(),
        })
    }

    /// A file as it was found, ours or another's: which of it is secret is not
    /// known, so nothing of it is shown.
    ///
    /// # Errors
    /// When it is no text.
    pub fn found(bytes: Vec<u8>) -> Result<Self, AlertmanagerFileError> {
        let config = String::from_utf8(bytes).map_err(|_| AlertmanagerFileError::Foreign)?;
        Ok(Self {
            config: Zeroizing::new(config),
            shown: String::new(),
            templates: BTreeMap::new(),
            secrets: Vec::new(),
        })
    }

    /// What somebody said of the file, without its secrets.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "<secret>");
            // As Go puts it in quotes.
            let quoted = format!("{:?}", secret.as_str());
            text = text.replace(quoted.trim_matches('"'), "<secret>");
        }
        text
    }

    /// Whether bytes are those of a file that this program wrote.
    #[must_use]
    pub fn is_ours(bytes: &[u8]) -> bool {
        bytes.starts_with(HEADER.as_bytes())
    }
}

/// What a configuration is made of, but for what all have in common.
struct Parts {
    route: Node,
    receivers: Vec<Node>,
    inhibitions: Vec<Node>,
    intervals: Vec<Node>,
}

fn write(
    settings: &AlertingSettings,
    templates: &[NotificationTemplate],
    parts: Parts,
    vault: &Vault,
) -> Result<AlertmanagerFile, AlertmanagerFileError> {
    let (name, content) = OWN_TEMPLATES;
    let mut files = BTreeMap::from([(template_file(name, content), content.to_owned())]);
    for template in templates {
        files.insert(
            template_file(&template.name, &template.content),
            template.content.clone(),
        );
    }
    let timeout = settings.resolve_timeout.as_ref();
    let global = Fields::default().optional("resolve_timeout", timeout.map(|t| t.as_str()));
    let list = |fields: Fields, key: &str, nodes: Vec<Node>| match nodes.is_empty() {
        true => fields,
        false => fields.put(key, Node::List(nodes)),
    };
    let paths: Vec<String> = files
        .keys()
        .map(|name| format!("{TEMPLATES_DIRECTORY}/{name}"))
        .collect();
    let fields = Fields::default()
        .map("global", global)
        .texts("templates", paths.iter().map(String::as_str))
        .put("route", parts.route)
        .put("receivers", Node::List(parts.receivers));
    let fields = list(fields, "inhibit_rules", parts.inhibitions);
    let root = list(fields, "time_intervals", parts.intervals).into_node();
    if let Some(id) = root.missing(vault) {
        return Err(AlertmanagerFileError::Secret(id.to_owned()));
    }
    let config = Zeroizing::new(to_yaml(&root.revealed(vault))?);
    let meant = serde_json::to_value(root.revealed(vault))
        .map_err(|error| AlertmanagerFileError::Syntax(error.to_string()))?;
    if parse_yaml(&config)? != meant {
        return Err(AlertmanagerFileError::Syntax(
            "what was written says something else than was meant".to_owned(),
        ));
    }
    Ok(AlertmanagerFile {
        config,
        shown: to_yaml(&root.shown())?,
        templates: files,
        secrets: vault.values().cloned().collect(),
    })
}

fn template_file(name: &str, content: &str) -> String {
    let digest = hex::encode(Sha256::digest(content.as_bytes()));
    let short: String = digest.chars().take(12).collect();
    format!("{name}-{short}.tmpl")
}

fn to_yaml(node: &impl Serialize) -> Result<String, AlertmanagerFileError> {
    let options = serde_saphyr::ser_options! {
        quote_all: true,
        prefer_block_scalars: false,
    };
    let text = serde_saphyr::to_string_with_options(node, options)
        .map_err(|error| AlertmanagerFileError::Syntax(error.to_string()))?;
    Ok(format!("{HEADER}{text}"))
}

fn parse_yaml(text: &str) -> Result<serde_json::Value, AlertmanagerFileError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_nodes: MAX_NODES,
            max_events: MAX_NODES,
            max_total_scalar_bytes: MAX_TEXT,
            max_reader_input_bytes: Some(MAX_TEXT),
        },
    };
    serde_saphyr::from_str_with_options(text, options)
        // The error quotes the text, which has secrets.
        .map_err(|_| AlertmanagerFileError::Syntax("what was written is no YAML".to_owned()))
}

/// A receiver with its integrations, those of one kind under one key.
fn receiver(one: &Receiver, settings: &AlertingSettings, uplink: &Uplink) -> Node {
    let mut kinds: Vec<(String, Vec<Node>)> = Vec::new();
    for it in &one.integrations {
        let (kind, node) = integrations::integration(one.id, it, settings, uplink);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, nodes)) => nodes.push(node),
            None => kinds.push((kind, vec![node])),
        }
    }
    let fields = Fields::default().text("name", &one.name);
    let put =
        |fields: Fields, (kind, nodes): (String, Vec<Node>)| fields.put(&kind, Node::List(nodes));
    kinds.into_iter().fold(fields, put).into_node()
}

fn inhibition<'a>(
    source: &[Matcher],
    target: &[Matcher],
    equal: impl IntoIterator<Item = &'a str>,
) -> Node {
    let texts = |matchers: &[Matcher]| matchers.iter().map(Matcher::text).collect::<Vec<_>>();
    let (source, target) = (texts(source), texts(target));
    Fields::default()
        .texts("source_matchers", source.iter().map(String::as_str))
        .texts("target_matchers", target.iter().map(String::as_str))
        .texts("equal", equal)
        .into_node()
}

fn interval(one: &TimeInterval) -> Node {
    let spans = one.spans.iter().map(span).collect();
    Fields::default()
        .text("name", &one.name)
        .put("time_intervals", Node::List(spans))
        .into_node()
}

fn span(span: &TimeSpan) -> Node {
    let times: Vec<Node> = span
        .times
        .iter()
        .map(|range| {
            Fields::default()
                .text("start_time", &range.start)
                .text("end_time", &range.end)
                .into_node()
        })
        .collect();
    let fields = match times.is_empty() {
        true => Fields::default(),
        false => Fields::default().put("times", Node::List(times)),
    };
    [
        ("weekdays", &span.weekdays),
        ("days_of_month", &span.days_of_month),
        ("months", &span.months),
        ("years", &span.years),
    ]
    .into_iter()
    .fold(fields, |fields, (key, ranges)| {
        fields.texts(key, ranges.iter().map(String::as_str))
    })
    .optional("location", span.location.as_deref())
    .into_node()
}
