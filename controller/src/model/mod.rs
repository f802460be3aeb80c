//! What operators own. Constructors enforce what is legal: a value that exists
//! may be stored and published. No SQL, no HTTP.

mod address;
mod alert;
mod alert_gap;
pub mod alerting;
mod audit;
mod channel;
mod credential;
mod duration;
mod exporter;
mod grafana;
mod group;
mod invalid;
mod inventory;
mod label;
mod maintenance;
mod module_settings;
mod page;
mod recurrence;
mod role;
mod rule;
mod rule_group;
mod run;
mod sensor_pattern;
mod server;
mod shipped;
mod silence;
mod silence_matcher;
mod sync;
mod text;
pub(crate) mod threshold;
mod token;
mod user;

pub use address::{Address, Port};
pub use alert::{
    Alert, AlertEvent, AlertEventKind, AlertFilter, AlertLife, AlertSort, AlertState,
    AlertStatistics, EndReason, Noise,
};
pub use alert_gap::{AlertGap, AlertGaps, GapCause, GapFilter, GapState, RecoverySource};
pub use alerting::{MatchOperator, Matcher};
pub use audit::{AuditEntry, AuditEvent};
pub use channel::{
    Applied, ChannelReport, ChannelSource, ChannelState, ChannelStatus, ModuleSource,
};
pub use credential::{
    Credential, CredentialBody, CredentialDraft, CredentialFilter, Driver, SecretChange,
};
pub use duration::PromDuration;
pub use exporter::{Exporter, ExporterBody, ExporterDraft, ExporterFilter, ExporterUrl};
pub use grafana::{GrafanaKind, GrafanaRecord};
pub use group::{Group, GroupBody, GroupDraft, GroupFilter};
pub use invalid::{Invalid, Problems};
pub use inventory::{Inventory, MonitoredServer};
pub use label::{LabelName, Labels, RESERVED_LABELS};
pub use maintenance::{MAX_WINDOWS, MaintenanceWindow, WindowBody, WindowDraft, WindowFilter};
pub use module_settings::{check_settings, setting_keys, setting_words};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, NameSort, Page, PageRequest, Sort};
pub use recurrence::{MAX_OCCURRENCES, Occurrence, Recurrence, RecurrenceBody, Repeat, Weekday};
pub use role::{Role, Scope};
pub use rule::Rule;
pub use rule_group::{
    MAX_RULE_GROUPS, MAX_RULES, OWN_GROUP_PREFIX, PublishedGroup, RuleGroup, RuleGroupBody,
    RuleGroupDraft, RuleGroupFilter, RuleOrigin, Ruleset,
};
pub use run::{Run, RunKind};
pub use sensor_pattern::SensorPattern;
pub use server::{Server, ServerBody, ServerDraft, ServerFilter, ServerSort};
pub use shipped::{shipped_rule_group, shipped_rule_groups};
pub use silence::{
    MAX_SILENCED_SERVERS, Silence, SilenceBody, SilenceChangeBody, SilenceDraft, SilenceFilter,
    SilenceOrigin, SilenceState, SilenceSubject,
};
pub use silence_matcher::{
    CompiledMatcher, MAX_SILENCE_MATCHERS, check_silence_matchers, listed, one_of,
};
pub use sync::{
    Artefact, SyncChange, SyncCounts, SyncFilter, SyncKey, SyncOutcome, SyncReason, SyncState,
    SyncVersion,
};
pub use text::{Name, Text};
pub use threshold::{
    Bound, Level, MAX_OVERRIDES, OverrideBody, OverrideDraft, OverrideFilter, ThresholdKind,
    ThresholdOverride, Whereabouts, sort_by_precedence, threshold_word,
};
pub use token::{Token, TokenKind};
pub use user::{User, UserBody, UserDraft, UserFilter, check_password};

/// Number of a row. Positive, given out once, never used again.
pub type Id = i64;
/// How often a row was changed: the ETag of a resource.
pub type Version = i64;
