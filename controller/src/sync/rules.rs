//! The rule file of one Prometheus: whether it would take it, how it is made to
//! read it, and whether it has it.
//!
//! A reload with one bad rule file answers 500 without a reason, keeps the old
//! rules and takes everything else over. So mistakes are looked for before
//! anything is written: by our parser, by `promtool`, and by the server itself,
//! as far as each is there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;

use super::content::Content;
use super::desired::{Desired, Wanted};
use super::impact;
use super::live_rules::{Answer, Difference, LiveGroup, failing};
use super::plan::Words;
use super::status::ImpactBody;
use super::subject::{Check, Reload, Since, Subject, Verdict};
use crate::config::PrometheusConfig;
use crate::model::Rule;
use crate::prometheus::{Client, PrometheusError};
use crate::promtool::{Judgement, Promtool};
use crate::render::RuleFile;

/// Most mistakes that are told at once.
const MAX_MISTAKES: usize = 10;
/// Most warnings about rules that fail.
const MAX_WARNINGS: usize = 5;
/// Most expressions that the server is asked about in a check or a comparison.
const MAX_QUESTIONS: usize = 200;
/// Longest time for all of them.
const QUESTIONS: Duration = Duration::from_secs(10);
/// Longest part of an answer that is shown, in characters.
const MAX_SHOWN: usize = 2_000;

/// How rules are called.
const WORDS: Words = Words {
    entries: "rules",
    nothing: "no rule is enabled",
};

/// The rules of one Prometheus.
pub(super) struct RulesAt {
    client: Client,
    promtool: Promtool,
    file: PathBuf,
}

/// What the server says of itself in `/metrics`.
struct Health {
    is_reloaded: bool,
}

impl RulesAt {
    /// The rules of a configured server; `None` when it has no file for them.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(config: &PrometheusConfig) -> Result<Option<Self>, PrometheusError> {
        let (Some(file), Some(client)) = (config.rules_file.clone(), Client::new(config)?) else {
            return Ok(None);
        };
        Ok(Some(Self {
            client,
            promtool: Promtool::new(config.promtool.clone()),
            file,
        }))
    }

    fn is_ours(&self, group: &LiveGroup) -> bool {
        // The server may see the directory under another name.
        Path::new(&group.file).file_name() == self.file.file_name()
    }

    async fn health(&self) -> Result<Health, PrometheusError> {
        let text = self.client.get("metrics", &[]).await?;
        let text = String::from_utf8_lossy(&text);
        let failed = text.lines().any(|line| {
            line.strip_prefix("prometheus_config_last_reload_successful ")
                .is_some_and(|value| value.trim() == "0")
        });
        Ok(Health {
            is_reloaded: !failed,
        })
    }

    async fn groups(&self) -> Result<Vec<LiveGroup>, PrometheusError> {
        // Servers that do not know the parameter send the alerts as well.
        let query = [("exclude_alerts", "true")];
        let bytes = self.client.get("api/v1/rules", &query).await?;
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|error| PrometheusError::Answer {
                url: self.client.url().clone(),
                what: format!("another list of rules than expected: {error}"),
            })?;
        let mut groups = answer.data.groups;
        groups.retain(|group| self.is_ours(group));
        Ok(groups)
    }

    /// An expression in the server's own words, or why it is none to it; `None`
    /// when the server cannot say.
    async fn formatted(
        &self,
        expression: &str,
    ) -> Result<Option<Result<String, String>>, PrometheusError> {
        #[derive(Deserialize)]
        struct Formatted {
            #[serde(default)]
            data: String,
            #[serde(default)]
            error: String,
        }
        let form = [("query", expression)];
        let answer = self.client.post("api/v1/format_query", &form).await?;
        let parsed: Result<Formatted, _> = serde_json::from_slice(&answer.body);
        Ok(match (answer.status, parsed) {
            (StatusCode::OK, Ok(formatted)) => Some(Ok(formatted.data)),
            (StatusCode::BAD_REQUEST, Ok(refused)) => Some(Err(refused.error)),
            _ => None,
        })
    }

    /// What the server says of the expressions that it has not got yet.
    async fn ask_expressions(
        &self,
        file: &RuleFile,
        live: Option<&RuleFile>,
    ) -> Result<Check, PrometheusError> {
        for (group, rule) in unknown_to(live, file) {
            if let Some(Err(error)) = self.formatted(&rule.expr).await? {
                let name = rule.name();
                return Ok(Check::Refused(format!(
                    "Prometheus: group {group}, rule {name}: {error}"
                )));
            }
        }
        Ok(Check::Good)
    }

    async fn judge(&self, file: &RuleFile, live: Option<&RuleFile>) -> Check {
        let mistakes = file.mistakes(MAX_MISTAKES);
        if !mistakes.is_empty() {
            return Check::Refused(mistakes.join("; "));
        }
        let by_tool = self.promtool.check_rules(file.bytes()).await;
        match by_tool {
            Judgement::Refused(reason) => return Check::Refused(format!("promtool: {reason}")),
            Judgement::Failed(reason) => return Check::Later(reason),
            Judgement::Good | Judgement::Absent => {}
        }
        let by_server = tokio::time::timeout(QUESTIONS, self.ask_expressions(file, live)).await;
        match (by_server, by_tool) {
            (Ok(Ok(verdict)), _) => verdict,
            // One of both is enough; but nothing that nobody has judged may lie in
            // the file when Prometheus starts, for it would not start.
            (_, Judgement::Good) => Check::Good,
            (Ok(Err(error)), _) => Check::Later(format!(
                "{error}; there is no promtool to judge the rules, so they wait for Prometheus"
            )),
            (Err(_), _) => Check::Later("Prometheus takes too long to judge the rules".into()),
        }
    }

    /// The first of the server's expressions that is another than ours to it.
    async fn first_other<'a>(
        &self,
        pairs: &[(&'a str, &'a str)],
    ) -> Result<Option<&'a str>, PrometheusError> {
        for (ours, theirs) in pairs.iter().take(MAX_QUESTIONS) {
            if self.formatted(ours).await? != self.formatted(theirs).await? {
                return Ok(Some(theirs));
            }
        }
        Ok(None)
    }

    async fn verdict(&self, file: &RuleFile) -> Result<Verdict, PrometheusError> {
        let (health, groups) = (self.health().await?, self.groups().await?);
        let groups: Vec<&LiveGroup> = groups.iter().collect();
        let difference = Difference::between(file.groups(), &groups);
        if let Some(message) = difference.message(&self.file.display().to_string()) {
            return Ok(Verdict::NotYet(message));
        }
        let other = self.first_other(&difference.unclear);
        match tokio::time::timeout(QUESTIONS, other).await {
            Ok(other) => {
                if let Some(theirs) = other? {
                    let message = format!("a rule has still the expression {theirs}");
                    return Ok(Verdict::NotYet(message));
                }
            }
            Err(_) => {
                let message = "Prometheus takes too long to compare expressions";
                return Ok(Verdict::NotYet(message.to_owned()));
            }
        }
        let mut warnings = failing(&groups, MAX_WARNINGS);
        if !health.is_reloaded {
            warnings.push(
                "the last reload of Prometheus failed, though it has these rules; its log says why"
                    .to_owned(),
            );
        }
        Ok(Verdict::Live {
            warnings,
            is_reloaded: health.is_reloaded,
        })
    }

    async fn tell_to_reload(&self) -> Result<Reload, PrometheusError> {
        let answer = self.client.post("-/reload", &[]).await?;
        let body = String::from_utf8_lossy(&answer.body);
        let body: String = body.trim().chars().take(MAX_SHOWN).collect();
        Ok(match answer.status {
            StatusCode::OK => Reload::Done,
            StatusCode::INTERNAL_SERVER_ERROR if body.contains("couldn't load configuration") => {
                Reload::Broken(format!(
                    "Prometheus cannot load its own configuration, so it does not read the rules: {body}"
                ))
            }
            StatusCode::INTERNAL_SERVER_ERROR => Reload::Refused(format!(
                "Prometheus refused to load the rules: {body}; it tells no more than this here, but its log does"
            )),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Reload::Forbidden(format!(
                    "Prometheus does not let itself be reloaded ({}: {body}); start it with --web.enable-lifecycle, or send it SIGHUP now to load the rules",
                    answer.status
                ))
            }
            status => {
                return Err(PrometheusError::Answer {
                    url: self.client.url().clone(),
                    what: format!("status {status} to a reload"),
                });
            }
        })
    }
}

/// The first rules of a file whose expressions are not in what is live.
fn unknown_to<'a>(live: Option<&RuleFile>, file: &'a RuleFile) -> Vec<(&'a str, &'a Rule)> {
    let mut known = HashSet::new();
    for group in live.iter().flat_map(|live| live.groups()) {
        known.extend(group.rules.iter().map(|rule| rule.expr.as_str()));
    }
    let mut unknown = Vec::new();
    for group in file.groups() {
        let new = group.rules.iter();
        let new = new.filter(|rule| !known.contains(rule.expr.as_str()));
        unknown.extend(new.map(|rule| (group.name.as_str(), rule)));
    }
    unknown.truncate(MAX_QUESTIONS);
    unknown
}

impl Subject for RulesAt {
    fn wanted(&self, desired: &Desired) -> Result<Wanted, String> {
        let rules = desired.rules.as_ref().map_err(Clone::clone)?;
        Ok(Wanted {
            content: Content::Rules(Arc::clone(rules)),
            blind_spots: Arc::new([]),
            warnings: Vec::new(),
        })
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn is_blank(&self, bytes: &[u8]) -> bool {
        bytes.trim_ascii() == b"groups: []"
            || bytes.trim_ascii().is_empty()
            || bytes == RuleFile::empty().bytes()
    }

    fn nothing(&self) -> Option<Content> {
        Some(Content::Rules(Arc::new(RuleFile::empty())))
    }

    fn check<'a>(
        &'a self,
        content: &'a Content,
        live: Option<&'a Content>,
    ) -> BoxFuture<'a, Check> {
        Box::pin(async move {
            match content.rules() {
                Some(file) => {
                    let live = live.and_then(Content::rules).map(|live| &**live);
                    self.judge(file, live).await
                }
                None => Check::Good,
            }
        })
    }

    /// Nothing is changed at a server that cannot reload: whose fault it is could
    /// not be told afterwards.
    fn ready(&self) -> BoxFuture<'_, Check> {
        Box::pin(async {
            match self.health().await {
                Ok(Health { is_reloaded: false }) => {}
                // Down, it reads the file when it starts.
                Ok(_) | Err(_) => return Check::Good,
            }
            match self.tell_to_reload().await {
                Ok(Reload::Refused(reason) | Reload::Broken(reason)) => Check::Later(format!(
                    "Prometheus cannot reload its configuration as it is; new rules wait until it is repaired: {reason}"
                )),
                Ok(Reload::Done | Reload::Forbidden(_)) | Err(_) => Check::Good,
            }
        })
    }

    fn look<'a>(
        &'a self,
        content: &'a Content,
        _since: &'a Since,
    ) -> BoxFuture<'a, Result<Verdict, PrometheusError>> {
        Box::pin(async {
            match content.rules() {
                Some(file) => self.verdict(file).await,
                None => Ok(Verdict::LIVE),
            }
        })
    }

    fn reload<'a>(
        &'a self,
        _content: &'a Content,
    ) -> BoxFuture<'a, Result<Option<Reload>, PrometheusError>> {
        Box::pin(async { self.tell_to_reload().await.map(Some) })
    }

    fn impact<'a>(
        &'a self,
        before: Option<&'a Content>,
        after: &'a Content,
    ) -> BoxFuture<'a, ImpactBody> {
        Box::pin(async move {
            let before = before.and_then(Content::rules).map(|file| &**file);
            match after.rules() {
                Some(after) => impact::of_rules(&self.client, before, after).await,
                None => ImpactBody::default(),
            }
        })
    }
}
