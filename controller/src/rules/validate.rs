//! Is a group of rules good? Its syntax is judged here, then by promtool where that
//! is at hand, then by Prometheus, which also says how much it selects now.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use promql_parser::parser::value::ValueType;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use utoipa::ToSchema;

use crate::model::{PublishedGroup, Rule, RuleGroupDraft};
use crate::monitoring::{QueryError, Source};
use crate::promql::check;

/// Longest time that promtool gets.
const PROMTOOL_TIME: Duration = Duration::from_secs(10);
/// Longest output of promtool that is handed on, in bytes.
const PROMTOOL_OUTPUT: u64 = 64 * 1024;
/// Longest time for all questions to Prometheus together.
const MAX_TIME: Duration = Duration::from_secs(40);
/// Most metrics of one group that are looked for.
const MAX_METRICS: usize = 100;

/// The program that judges rule files.
#[derive(Clone, Debug)]
pub struct Promtool(pub PathBuf);

impl Default for Promtool {
    fn default() -> Self {
        Self(PathBuf::from("promtool"))
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Validation {
    /// Whether nobody who was asked found an error.
    pub is_valid: bool,
    /// What promtool found wrong; null when it found nothing.
    pub promtool_error: Option<String>,
    /// Whether promtool was asked; it is not there everywhere.
    pub promtool_was_asked: bool,
    /// Why Prometheus could not be asked, if so.
    pub prometheus_unavailable: Option<String>,
    /// Each rule, in the order of the group.
    pub rules: Vec<RuleFinding>,
}

/// What was found about one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleFinding {
    /// Name of the alert or of the recorded metric.
    pub name: String,
    /// What Prometheus says against the expression.
    pub error: Option<String>,
    /// How many series the expression has now; absent when Prometheus did not say.
    /// For an alert: how many would be pending or firing.
    pub series: Option<u64>,
    /// What may be meant otherwise.
    pub warnings: Vec<String>,
}

/// Judges a group whose syntax is good.
pub async fn validate(draft: &RuleGroupDraft, promtool: &Promtool, source: &Source) -> Validation {
    let mut found = Validation {
        rules: draft.rules.iter().map(look_at).collect(),
        ..Validation::default()
    };
    match ask_promtool(promtool, draft).await {
        Ok(verdict) => {
            found.promtool_was_asked = true;
            found.promtool_error = verdict;
        }
        Err(error) => tracing::debug!(error = %error, "promtool cannot be asked"),
    }
    let questions = tokio::time::timeout(MAX_TIME, ask(draft, source, &mut found.rules));
    found.prometheus_unavailable = match questions.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("not done within {} s", MAX_TIME.as_secs())),
    };
    let has_error = found.rules.iter().any(|rule| rule.error.is_some());
    found.is_valid = !has_error && found.promtool_error.is_none();
    found
}

/// What can be said without asking anybody.
fn look_at(rule: &Rule) -> RuleFinding {
    let mut warnings = Vec::new();
    if let Ok(expression) = check::expression(&rule.expr)
        && rule.alert.is_some()
        && !check::has_condition(&expression)
    {
        warnings.push(
            "nothing is compared, so the alert fires whenever there are series at all".to_owned(),
        );
    }
    RuleFinding {
        name: rule.name().to_owned(),
        warnings,
        ..RuleFinding::default()
    }
}

/// Promtool's verdict: what it says when it finds something wrong.
///
/// # Errors
/// When it cannot be asked.
async fn ask_promtool(
    promtool: &Promtool,
    draft: &RuleGroupDraft,
) -> std::io::Result<Option<String>> {
    let group = PublishedGroup {
        name: draft.name.as_str().to_owned(),
        interval: draft.interval.clone(),
        rules: draft
            .rules
            .iter()
            .map(|rule| Rule {
                enabled: true,
                ..rule.clone()
            })
            .collect(),
    };
    // JSON is YAML.
    let file = serde_json::json!({ "groups": [group] }).to_string();
    let mut child = tokio::process::Command::new(&promtool.0)
        .args(["check", "rules", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                stdin.write_all(file.as_bytes()).await?;
            }
            std::io::Result::Ok(())
        };
        let read = async {
            let mut said = Vec::new();
            if let Some(stderr) = stderr {
                stderr.take(PROMTOOL_OUTPUT).read_to_end(&mut said).await?;
            }
            std::io::Result::Ok(said)
        };
        let (_, said) = tokio::join!(write, read);
        let status = child.wait().await?;
        std::io::Result::Ok((status, said?))
    };
    let (status, said) = tokio::time::timeout(PROMTOOL_TIME, talk).await??;
    if status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&said);
    let lines = said
        .lines()
        .map(|line| line.trim().trim_start_matches("/dev/stdin: "));
    let lines: Vec<&str> = lines
        .filter(|line| !matches!(*line, "" | "FAILED:"))
        .collect();
    Ok(Some(lines.join("; ")))
}

/// Asks Prometheus about each rule, and whether it knows the metrics.
///
/// # Errors
/// When it cannot be asked; not when it refuses an expression.
async fn ask(
    draft: &RuleGroupDraft,
    source: &Source,
    findings: &mut [RuleFinding],
) -> Result<(), QueryError> {
    let own: BTreeSet<&str> = draft
        .rules
        .iter()
        .filter_map(|rule| rule.record.as_deref())
        .collect();
    let mut unknown = BTreeSet::new();
    let mut known = BTreeSet::new();
    for (rule, finding) in draft.rules.iter().zip(findings) {
        let Ok(expression) = check::expression(&rule.expr) else {
            continue;
        };
        // On a line of its own: the expression may end in a comment.
        let vector = match expression.value_type() {
            ValueType::Scalar => format!("count(vector(\n{}\n))", rule.expr),
            _ => format!("count(\n{}\n)", rule.expr),
        };
        match count(source, &vector).await {
            Ok(series) => finding.series = Some(series),
            Err(QueryError::Refused { reason, .. }) => {
                finding.error = Some(reason);
                continue;
            }
            Err(error) => return Err(error),
        }
        for metric in check::metric_names(&expression) {
            if own.contains(metric.as_str()) || known.len() + unknown.len() > MAX_METRICS {
                continue;
            }
            if !known.contains(&metric) && !unknown.contains(&metric) {
                let is_known = count(source, &format!("count({metric})")).await? > 0;
                let set = if is_known { &mut known } else { &mut unknown };
                set.insert(metric.clone());
            }
            if unknown.contains(&metric) {
                let warning = format!("Prometheus has no series of {metric} now");
                if !finding.warnings.contains(&warning) {
                    finding.warnings.push(warning);
                }
            }
        }
        if rule.record.is_some() && finding.series == Some(0) {
            finding
                .warnings
                .push("the expression selects nothing now".to_owned());
        }
    }
    Ok(())
}

/// The number that an expression gives; 0 when it gives none.
async fn count(source: &Source, expression: &str) -> Result<u64, QueryError> {
    let answer = source.query(expression, None).await?;
    let series = crate::monitoring::data::parse(&answer).map_err(QueryError::Failed)?;
    let value = series.first().and_then(|series| series.last());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is a whole number, not negative, and far below 2^53"
    )]
    Ok(value.map_or(0, |point| point.value as u64))
}
