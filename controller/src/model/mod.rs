//! What operators own. Constructors enforce what is legal: a value that exists
//! may be stored and published. No SQL, no HTTP.

mod address;
mod alert;
mod alert_gap;
mod audit;
mod credential;
mod exporter;
mod group;
mod invalid;
mod inventory;
mod label;
mod page;
mod role;
mod server;
mod sync;
mod text;
mod token;
mod user;

pub use address::{Address, Port};
pub use alert::{
    Alert, AlertEvent, AlertEventKind, AlertFilter, AlertLife, AlertSort, AlertState,
    AlertStatistics, EndReason, Noise,
};
pub use alert_gap::{AlertGap, AlertGaps, GapCause, GapFilter, GapState, RecoverySource};
pub use audit::{AuditEntry, AuditEvent};
pub use credential::{Credential, CredentialBody, CredentialDraft, Driver, SecretChange};
pub use exporter::{Exporter, ExporterBody, ExporterDraft, ExporterUrl};
pub use group::{Group, GroupBody, GroupDraft};
pub use invalid::{Invalid, Problems};
pub use inventory::{Inventory, MonitoredServer};
pub use label::{LabelName, Labels, RESERVED_LABELS};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest, Sort};
pub use role::{Role, Scope};
pub use server::{Server, ServerBody, ServerDraft, ServerFilter, ServerSort};
pub use sync::{Artefact, SyncChange, SyncCounts, SyncOutcome, SyncReason, SyncState, SyncVersion};
pub use text::{Name, Text};
pub use token::{Token, TokenKind};
pub use user::{User, UserBody, UserDraft, check_password};

/// Number of a row. Positive, given out once, never used again.
pub type Id = i64;
/// How often a row was changed: the ETag of a resource.
pub type Version = i64;
