//! What is published of an artefact: its bytes, taken apart.

use std::borrow::Cow;
use std::sync::Arc;

use super::alertmanager_plan;
use crate::model::{Artefact, Id};
use crate::render::alertmanager::{AlertmanagerFile, AlertmanagerFileError};
use crate::render::{Document, DocumentError, RuleFile, RuleFileError};

/// Why bytes are no content of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// They were to be targets.
    #[error("the list of targets is not good: {0}")]
    Targets(#[from] DocumentError),
    /// They were to be rules.
    #[error("the rule file is not good: {0}")]
    Rules(#[from] RuleFileError),
    /// They were to be a configuration of Alertmanager.
    #[error("the configuration of Alertmanager is not good: {0}")]
    Alertmanager(#[from] AlertmanagerFileError),
    /// It is given, but not kept.
    #[error("{} have no versions", .0.as_str())]
    NotKept(Artefact),
}

/// The checked content of a version. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Targets(Arc<Document>),
    Rules(Arc<RuleFile>),
    Alertmanager(Arc<AlertmanagerFile>),
}

impl Content {
    /// Checks bytes that were found in the place of the file.
    pub(super) fn found(artefact: Artefact, bytes: Vec<u8>) -> Result<Self, ContentError> {
        match artefact {
            Artefact::AlertmanagerConfig if !AlertmanagerFile::is_ours(&bytes) => {
                Err(AlertmanagerFileError::Foreign.into())
            }
            Artefact::AlertmanagerConfig => Ok(Self::Alertmanager(Arc::new(
                AlertmanagerFile::found(bytes)?,
            ))),
            _ => Self::parse(artefact, bytes),
        }
    }

    /// Checks bytes that are kept.
    pub(super) fn parse(artefact: Artefact, bytes: Vec<u8>) -> Result<Self, ContentError> {
        Ok(match artefact {
            Artefact::PrometheusTargets => Self::Targets(Arc::new(Document::parse(bytes)?)),
            Artefact::PrometheusRules => Self::Rules(Arc::new(RuleFile::parse(bytes)?)),
            Artefact::AlertmanagerConfig => {
                Self::Alertmanager(Arc::new(AlertmanagerFile::from_kept(&bytes)?))
            }
            Artefact::ExporterModules
            | Artefact::GrafanaDataSources
            | Artefact::GrafanaDashboards => return Err(ContentError::NotKept(artefact)),
        })
    }

    /// The list of targets, if that is what it is.
    pub(super) fn targets(&self) -> Option<&Arc<Document>> {
        match self {
            Self::Targets(document) => Some(document),
            Self::Rules(_) | Self::Alertmanager(_) => None,
        }
    }

    /// The rules, if that is what it is.
    pub(super) fn rules(&self) -> Option<&Arc<RuleFile>> {
        match self {
            Self::Rules(file) => Some(file),
            Self::Targets(_) | Self::Alertmanager(_) => None,
        }
    }

    /// The configuration of Alertmanager, if that is what it is.
    pub(super) fn alertmanager(&self) -> Option<&Arc<AlertmanagerFile>> {
        match self {
            Self::Alertmanager(file) => Some(file),
            Self::Targets(_) | Self::Rules(_) => None,
        }
    }

    /// The bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Targets(document) => document.bytes(),
            Self::Rules(file) => file.bytes(),
            Self::Alertmanager(file) => file.bytes(),
        }
    }

    /// What the store keeps of it.
    pub(super) fn kept(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Targets(_) | Self::Rules(_) => Cow::Borrowed(self.bytes()),
            Self::Alertmanager(file) => Cow::Owned(file.to_kept().to_vec()),
        }
    }

    /// The file as anybody may see it.
    pub(super) fn shown(&self) -> &[u8] {
        match self {
            Self::Targets(_) | Self::Rules(_) => self.bytes(),
            Self::Alertmanager(file) => file.shown().as_bytes(),
        }
    }

    /// SHA-256 of the bytes.
    pub(super) fn digest(&self) -> [u8; 32] {
        match self {
            Self::Targets(document) => document.digest(),
            Self::Rules(file) => file.digest(),
            Self::Alertmanager(file) => file.digest(),
        }
    }

    /// How many targets, rules or parts there are.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Targets(document) => document.entries().len(),
            Self::Rules(file) => file.rules(),
            Self::Alertmanager(file) => alertmanager_plan::parts(file).len(),
        }
    }
}

/// A version with its content. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// Number of the version.
    pub(super) version: Id,
    pub(super) content: Content,
}

/// What is published of an artefact at a server.
#[derive(Clone, Debug, Default)]
pub(super) enum Shelf {
    /// The store was not asked yet.
    #[default]
    Unknown,
    /// Nothing ever was.
    Empty,
    /// This is.
    Holds(Published),
}

impl Shelf {
    pub(super) fn published(&self) -> Option<&Published> {
        match self {
            Self::Holds(published) => Some(published),
            Self::Unknown | Self::Empty => None,
        }
    }

    pub(super) fn version(&self) -> Option<Id> {
        self.published().map(|published| published.version)
    }
}
