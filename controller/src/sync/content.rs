//! What is published of an artefact: its bytes, taken apart.

use std::sync::Arc;

use crate::model::{Artefact, Id};
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
    /// It is given, but not kept.
    #[error("{} have no versions", .0.as_str())]
    NotKept(Artefact),
}

/// The checked content of a version. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Targets(Arc<Document>),
    Rules(Arc<RuleFile>),
}

impl Content {
    /// Checks bytes that are kept or found.
    pub(super) fn parse(artefact: Artefact, bytes: Vec<u8>) -> Result<Self, ContentError> {
        Ok(match artefact {
            Artefact::PrometheusTargets => Self::Targets(Arc::new(Document::parse(bytes)?)),
            Artefact::PrometheusRules => Self::Rules(Arc::new(RuleFile::parse(bytes)?)),
            Artefact::ExporterModules
            | Artefact::GrafanaDataSources
            | Artefact::GrafanaDashboards => return Err(ContentError::NotKept(artefact)),
        })
    }

    /// The list of targets, if that is what it is.
    pub(super) fn targets(&self) -> Option<&Arc<Document>> {
        match self {
            Self::Targets(document) => Some(document),
            Self::Rules(_) => None,
        }
    }

    /// The rules, if that is what it is.
    pub(super) fn rules(&self) -> Option<&Arc<RuleFile>> {
        match self {
            Self::Rules(file) => Some(file),
            Self::Targets(_) => None,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Targets(document) => document.bytes(),
            Self::Rules(file) => file.bytes(),
        }
    }

    /// SHA-256 of the bytes.
    pub(super) fn digest(&self) -> [u8; 32] {
        match self {
            Self::Targets(document) => document.digest(),
            Self::Rules(file) => file.digest(),
        }
    }

    /// How many targets or rules there are.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Targets(document) => document.entries().len(),
            Self::Rules(file) => file.rules(),
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
