//! Is a group of rules good? Its syntax is judged here, then by promtool where that
//! is at hand, then by Prometheus, which also says how much it selects now.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::parser::value::ValueType;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{PublishedGroup, Rule, RuleGroupDraft};
use crate::monitoring::{QueryError, Source};
use crate::promql::check;
use crate::promtool::{Judgement, Promtool};

/// Longest time for all questions to Prometheus together.
const MAX_TIME: Duration = Duration::from_secs(40);
/// Most metrics of one group that are looked for.
const MAX_METRICS: usize = 100;

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
    match promtool.check_rules(&file(draft)).await {
        Judgement::Good => found.promtool_was_asked = true,
        Judgement::Refused(reason) => {
            found.promtool_was_asked = true;
            found.promtool_error = Some(reason);
        }
        Judgement::Absent => {}
        Judgement::Failed(reason) => tracing::warn!(reason, "promtool cannot be asked"),
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

/// The group as a rule file, with all its rules.
fn file(draft: &RuleGroupDraft) -> Vec<u8> {
    let rules = draft.rules.iter().map(|rule| Rule {
        enabled: true,
        ..rule.clone()
    });
    let group = PublishedGroup {
        name: draft.name.as_str().to_owned(),
        interval: draft.interval.clone(),
        rules: rules.collect(),
    };
    // JSON is YAML.
    serde_json::json!({ "groups": [group] })
        .to_string()
        .into_bytes()
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
