//! What one artefact at one server needs of the engine: the steps in which
//! artefacts differ. The rest is the same for all.

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::content::Content;
use super::desired::{Desired, Wanted};
use super::file::{self, FileError};
use super::plan::Words;
use super::status::ImpactBody;
use super::targets::Counters;
use crate::clock::Timestamp;
use crate::prometheus::PrometheusError;

/// An artefact at a server.
pub(super) trait Subject: Send + Sync {
    /// Its part of the desired state.
    ///
    /// # Errors
    /// Why it could not be rendered.
    fn wanted(&self, desired: &Desired) -> Result<Wanted, String>;

    /// How its entries are called.
    fn words(&self) -> &'static Words;

    /// Whether `bytes` in the place of the file are as good as none.
    fn is_blank(&self, bytes: &[u8]) -> bool;

    /// Permissions of the file.
    fn mode(&self) -> u32 {
        file::OPEN
    }

    /// Makes the files beside `path` what the content needs of them; tells whether
    /// one was written.
    ///
    /// # Errors
    /// When one cannot be.
    fn write_beside(&self, _content: &Content, _path: &Path) -> Result<bool, FileError> {
        Ok(false)
    }

    /// Takes files beside `path` away that no content needs any more.
    fn tidy_beside(&self, _content: &Content, _path: &Path) {}

    /// What takes the place of a refused version when there is no good one;
    /// `None`: it stays.
    fn nothing(&self) -> Option<Content> {
        None
    }

    /// Looks for mistakes before anything is written. `live` is what is published.
    fn check<'a>(
        &'a self,
        _content: &'a Content,
        _live: Option<&'a Content>,
    ) -> BoxFuture<'a, Check> {
        Box::pin(async { Check::Good })
    }

    /// Whether the server is in a state in which a change can be laid before it.
    fn ready(&self) -> BoxFuture<'_, Check> {
        Box::pin(async { Check::Good })
    }

    /// The server's counters before something is written, to compare with later.
    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        Box::pin(async { None })
    }

    /// Compares what is live at the server with what is published.
    fn look<'a>(
        &'a self,
        content: &'a Content,
        since: &'a Since,
    ) -> BoxFuture<'a, Result<Verdict, PrometheusError>>;

    /// Makes the server read the file again; `None` where it does so by itself.
    fn reload<'a>(
        &'a self,
        _content: &'a Content,
    ) -> BoxFuture<'a, Result<Option<Reload>, PrometheusError>> {
        Box::pin(async { Ok(None) })
    }

    /// What publishing `after` would do at the server besides.
    fn impact<'a>(
        &'a self,
        before: Option<&'a Content>,
        after: &'a Content,
    ) -> BoxFuture<'a, ImpactBody>;
}

/// When what is looked for was published, and what the server said before.
#[derive(Clone, Debug)]
pub(super) struct Since {
    pub(super) at: Timestamp,
    pub(super) age: Duration,
    pub(super) before: Option<Counters>,
}

/// What is to be said of a content that is not published yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Good,
    /// It is wrong, and this is why.
    Refused(String),
    /// Nobody can say now; this is what is waited for.
    Later(String),
}

/// What the live server says about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has it. What else is to be known: warnings, and whether its last reload
    /// went well.
    Live {
        warnings: Vec<String>,
        is_reloaded: bool,
    },
    /// It has not got it yet.
    NotYet(String),
    /// It will not take it.
    Refused(String),
    /// It would, but somebody has to do something first.
    Stuck(String),
    /// There is no server to look at.
    Unknown(String),
}

impl Verdict {
    /// It has it, and there is nothing to add.
    pub(super) const LIVE: Self = Self::Live {
        warnings: Vec::new(),
        is_reloaded: true,
    };
}

/// How a server answers a request to read its files again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    Done,
    /// Something that it was to load is wrong, perhaps ours.
    Refused(String),
    /// Something that is not ours is wrong; ours was not looked at.
    Broken(String),
    /// It does not take such requests.
    Forbidden(String),
}
