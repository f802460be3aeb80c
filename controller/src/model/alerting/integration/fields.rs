//! Fields of an integration, and what is wrong with them.

use std::collections::BTreeMap;

use super::super::words;
use crate::model::Problems;

/// Notes mistakes of fields at a place.
pub(in crate::model::alerting) struct Fields<'a> {
    place: String,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// `place` stands in front of the fields: `integrations[0].settings.`.
    pub(in crate::model::alerting) fn new(place: &str, problems: &'a mut Problems) -> Self {
        Self {
            place: place.to_owned(),
            problems,
        }
    }

    /// The fields of one of them.
    pub(super) fn inside(&mut self, field: &str) -> Fields<'_> {
        Fields {
            place: self.at(&format!("{field}.")),
            problems: self.problems,
        }
    }

    /// The field with its place.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}{field}", self.place)
    }

    /// Notes what a check of one field says.
    pub(super) fn check<T>(&mut self, field: &str, checked: Result<T, String>) {
        self.problems.check(&self.at(field), checked);
    }

    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.problems.add(&self.at(field), message);
    }

    /// A text on one line that must be there.
    pub(super) fn required(&mut self, field: &str, text: &str) {
        self.check(field, words::required_word(text));
    }

    /// Such a text, where it is given.
    pub(in crate::model::alerting) fn given(&mut self, field: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.required(field, text);
        }
    }

    /// Texts on one line.
    pub(super) fn words(&mut self, texts: &[(&str, &str)]) {
        for (field, text) in texts {
            self.check(field, words::word(text));
        }
    }

    /// Templates of Alertmanager.
    pub(super) fn templates(&mut self, texts: &[(&str, &str)]) {
        for (field, text) in texts {
            self.check(field, words::template(text));
        }
    }

    /// An address of the web.
    pub(super) fn address(&mut self, field: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.check(field, words::web_address(text));
        }
    }

    /// Names with templates.
    pub(super) fn pairs(&mut self, field: &str, pairs: &BTreeMap<String, String>) {
        words::pairs(pairs, &self.at(field), self.problems);
    }
}
