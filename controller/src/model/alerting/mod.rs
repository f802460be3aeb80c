//! Alerting: who is told of what, when, in which ways and words. Alertmanager
//! does it; these are what its configuration is made of.

mod inhibition;
mod integration;
mod interval;
mod matcher;
mod pattern;
mod receiver;
mod route;
mod settings;
mod template;
mod words;

pub use inhibition::{
    Inhibition, InhibitionBody, InhibitionDraft, InhibitionFilter, MAX_INHIBITIONS,
};
pub use integration::{
    BEARER_TOKEN, EmailSettings, HTTP_PASSWORD, HttpSettings, IntegrationSettings, Language,
    OpsgenieResponder, OpsgenieSettings, PASSWORD, PagerdutySettings, RawSettings, RobotSettings,
    SIGNING_KEY, SlackSettings, TelegramParseMode, TelegramSettings, TlsSettings, URL,
    WebhookSettings, WecomSettings,
};
pub use interval::{
    MAX_TIME_INTERVALS, TimeInterval, TimeIntervalBody, TimeIntervalDraft, TimeIntervalFilter,
    TimeRange, TimeSpan,
};
pub use matcher::{MAX_MATCHERS, MatchOperator, Matcher};
pub use pattern::ValuePattern;
pub use receiver::{
    Integration, IntegrationBody, IntegrationDraft, MAX_RECEIVERS, Receiver, ReceiverBody,
    ReceiverDraft, ReceiverFilter, SecretPlace, SecretSource,
};
pub use route::{ALL_LABELS, MAX_ROUTE_DEPTH, MAX_ROUTES, Route, RouteTree, RouteTreeBody};
pub use settings::{AlertingSettings, AlertingSettingsBody, AlertingSettingsDraft, MailSettings};
pub use template::{
    MAX_TEMPLATES, NotificationTemplate, NotificationTemplateBody, NotificationTemplateDraft,
    NotificationTemplateFilter,
};
pub use words::OWN_PREFIX;

use super::{Invalid, Problems};

/// All of alerting, as it is to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Alerting {
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// The root of the tree of routes.
    pub route: Route,
    /// What holds others back.
    pub inhibitions: Vec<Inhibition>,
    /// Times that routes refer to.
    pub intervals: Vec<TimeInterval>,
    /// Files with templates.
    pub templates: Vec<NotificationTemplate>,
    /// What all have in common.
    pub settings: AlertingSettings,
}

impl Alerting {
    /// Notes what does not fit together: names in the tree that nothing has, and
    /// e-mail without a mail server.
    ///
    /// # Errors
    /// Each with its place in the tree, or in the receiver of that name.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Problems::default();
        self.check_names(&mut problems);
        for receiver in &self.receivers {
            for found in receiver_without_mail(&receiver.integrations, &self.settings) {
                let name = &receiver.name;
                problems.add(
                    &found.field,
                    format!("of receiver {name}: {}", found.message),
                );
            }
        }
        problems.finish(Some(()))
    }

    /// Notes names in the tree that no receiver and no interval has.
    ///
    /// # Errors
    /// Each with its place in the tree.
    pub fn check_route(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Problems::default();
        self.check_names(&mut problems);
        problems.finish(Some(()))
    }

    fn check_names(&self, problems: &mut Problems) {
        let has_receiver = |name: &str| self.receivers.iter().any(|one| one.name == name);
        let has_interval = |name: &str| self.intervals.iter().any(|one| one.name == name);
        self.route.walk(&mut |place, route| {
            if let Some(name) = &route.receiver
                && !has_receiver(name)
            {
                problems.add(
                    &format!("{place}receiver"),
                    format!("there is no receiver \"{name}\""),
                );
            }
            for (names, field) in [
                (&route.mute_time_intervals, "mute_time_intervals"),
                (&route.active_time_intervals, "active_time_intervals"),
            ] {
                for name in names.iter().filter(|name| !has_interval(name)) {
                    problems.add(
                        &format!("{place}{field}"),
                        format!("there is no time interval \"{name}\""),
                    );
                }
            }
        });
    }
}

/// What e-mail integrations lack when neither they nor the settings name a mail
/// server and a sender.
#[must_use]
pub fn receiver_without_mail(
    integrations: &[Integration],
    settings: &AlertingSettings,
) -> Vec<Invalid> {
    let mut problems = Problems::default();
    for (at, integration) in integrations.iter().enumerate() {
        if let IntegrationSettings::Email(email) = &integration.settings {
            for (own, common, field) in [
                (&email.smarthost, &settings.mail.smarthost, "smarthost"),
                (&email.from, &settings.mail.from, "from"),
            ] {
                if own.is_none() && common.is_none() {
                    problems.add(
                        &format!("integrations[{at}].settings.{field}"),
                        "is missing, and the settings of alerting have none either",
                    );
                }
            }
        }
    }
    problems.found().to_vec()
}
