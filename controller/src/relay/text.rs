//! What a notification says, in words. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::model::alerting::Language;

/// Alerts that are told one by one; of more it is told how many there are.
const MAX_ALERTS: usize = 20;

/// What Alertmanager tells by its webhook; fields that are not needed are not read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Notification {
    status: String,
    alerts: Vec<NotifiedAlert>,
    #[serde(rename = "commonLabels")]
    common_labels: BTreeMap<String, String>,
    #[serde(rename = "truncatedAlerts")]
    truncated_alerts: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NotifiedAlert {
    status: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

/// A notification in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    /// The alerts, a paragraph each.
    pub text: String,
    /// Whether anything fires.
    pub is_firing: bool,
}

impl Notification {
    /// In words of a language.
    #[must_use]
    pub fn message(&self, language: Language) -> Message {
        let words = Words(language);
        let is_firing = self.status == "firing";
        let firing = self.alerts.iter().filter(|alert| alert.status == "firing");
        let state = match (language, is_firing) {
            (Language::En, true) => format!("[FIRING:{}]", firing.count()),
            (Language::En, false) => "[RESOLVED]".to_owned(),
            (Language::Zh, true) => format!("[告警:{}]", firing.count()),
            (Language::Zh, false) => "[已恢复]".to_owned(),
        };
        let what = match self.alerts.as_slice() {
            [only] => words.summary(only),
            _ => self.what(),
        };
        let mut text = String::new();
        for alert in self.alerts.iter().take(MAX_ALERTS) {
            if !text.is_empty() {
                text.push('\n');
            }
            words.alert(alert, &mut text);
        }
        let untold =
            u64::try_from(self.alerts.len().saturating_sub(MAX_ALERTS)).unwrap_or(u64::MAX);
        match untold.saturating_add(self.truncated_alerts) {
            0 => {}
            more => text.push_str(&match language {
                Language::En => format!("\n… and {more} more\n"),
                Language::Zh => format!("\n……还有 {more} 条\n"),
            }),
        }
        Message {
            title: format!("{state} {what}"),
            text,
            is_firing,
        }
    }

    /// What the alerts have in common.
    fn what(&self) -> String {
        let label = |name: &str| self.common_labels.get(name).map(String::as_str);
        let parts = [label("alertname"), label("server_name")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        parts.join(" ")
    }
}

/// The words of a language.
struct Words(Language);

impl Words {
    /// An annotation in the language, or in English.
    fn annotation<'a>(&self, alert: &'a NotifiedAlert, name: &str) -> Option<&'a str> {
        let own = match self.0 {
            Language::En => None,
            Language::Zh => alert.annotations.get(&format!("{name}_zh")),
        };
        let text = own.or_else(|| alert.annotations.get(name));
        text.map(String::as_str).filter(|text| !text.is_empty())
    }

    fn summary(&self, alert: &NotifiedAlert) -> String {
        match self.annotation(alert, "summary") {
            Some(summary) => summary.to_owned(),
            None => {
                let label = |name: &str| alert.labels.get(name).map_or("", String::as_str);
                format!("{} {}", label("alertname"), label("server_name"))
                    .trim()
                    .to_owned()
            }
        }
    }

    fn alert(&self, alert: &NotifiedAlert, text: &mut String) {
        let severity = alert.labels.get("severity");
        let severity = severity.map_or_else(String::new, |severity| format!(" ({severity})"));
        let (to_do, since, until) = match self.0 {
            Language::En => ("What to do: ", "Since", ", until"),
            Language::Zh => ("处理方法：", "开始于", "，结束于"),
        };
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{}{severity}", self.summary(alert));
        if let Some(description) = self.annotation(alert, "description") {
            let _ = writeln!(text, "{description}");
        }
        if let Some(runbook) = self.annotation(alert, "runbook") {
            let _ = writeln!(text, "{to_do}{runbook}");
        }
        let _ = write!(text, "{since} {}", moment(&alert.starts_at));
        if alert.status == "resolved" {
            let _ = write!(text, "{until} {}", moment(&alert.ends_at));
        }
        text.push('\n');
    }
}

/// A time to the second, in UTC; another's nonsense as it is, but short.
fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => text.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alertmanager 0.25's own, but for the names.
    fn notification() -> Notification {
        serde_json::from_value(serde_json::json!({
            "receiver": "x", "status": "firing", "version": "4", "truncatedAlerts": 3,
            "commonLabels": {"alertname": "IpmiFanFailed"},
            "alerts": [
                {"status": "firing", "labels": {"alertname": "IpmiFanFailed", "severity": "critical"},
                 "annotations": {"summary": "Fan 1 failed", "summary_zh": "风扇 1 故障", "runbook": "Replace it."},
                 "startsAt": "2026-11-23T07:00:00.123Z", "endsAt": "0001-01-01T00:00:00Z"},
                {"status": "resolved", "labels": {"alertname": "IpmiFanFailed", "server_name": "b"},
                 "startsAt": "2026-11-23T06:00:00Z", "endsAt": "2026-11-23T07:00:00Z"},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_notification_is_told_in_both_languages() {
        let english = notification().message(Language::En);
        assert_eq!(english.title, "[FIRING:1] IpmiFanFailed");
        assert_eq!(
            english.text,
            "Fan 1 failed (critical)\nWhat to do: Replace it.\nSince 2026-11-23 07:00:00 UTC\n\n\
             IpmiFanFailed b\nSince 2026-11-23 06:00:00 UTC, until 2026-11-23 07:00:00 UTC\n\n\
             … and 3 more\n"
        );
        let chinese = notification().message(Language::Zh);
        assert!(chinese.title.starts_with("[告警:1]"), "{chinese:?}");
        assert!(
            chinese.text.starts_with("风扇 1 故障 (critical)"),
            "{chinese:?}"
        );
    }

    #[test]
    fn nonsense_is_a_message_too() {
        let odd: Notification = serde_json::from_str("{\"alerts\":[{}]}").unwrap();
        assert_eq!(odd.message(Language::En).title, "[RESOLVED] ");
    }
}
