//! Exporters: the programs that ask BMCs, and how much of the work each takes.

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::{Id, Invalid, Name, Problems, Text, Version};
use crate::clock::Timestamp;

/// Largest weight of an exporter.
const MAX_WEIGHT: i64 = 1000;

/// An exporter as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Exporter {
    /// Number of the exporter.
    pub id: Id,
    /// Unique name; part of the path of its service discovery.
    pub name: String,
    /// Where Prometheus reaches it, without `/ipmi`.
    pub url: String,
    /// Site whose servers it carries first; empty for those of any site.
    pub site: String,
    /// How much it carries, compared with the others.
    pub weight: i64,
    /// Whether it carries servers at all.
    pub enabled: bool,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// An exporter as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExporterDraft {
    /// Unique name.
    pub name: Name,
    /// Where Prometheus reaches it.
    pub url: ExporterUrl,
    /// Site whose servers it carries first.
    pub site: Text,
    /// How much it carries, 1 to 1000.
    pub weight: i64,
    /// Whether it carries servers at all.
    pub enabled: bool,
}

/// The form of [`ExporterDraft`] in a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExporterBody {
    /// Unique name; part of the path of its service discovery.
    pub name: String,
    /// Where Prometheus reaches it, such as `http://192.0.2.7:9290`; without `/ipmi`.
    pub url: String,
    /// Site whose servers it carries first; empty for those of any site.
    #[serde(default)]
    pub site: String,
    /// How much it carries, compared with the others.
    #[serde(default = "default_weight")]
    #[schema(default = 100, minimum = 1, maximum = 1000)]
    pub weight: i64,
    /// Whether it carries servers at all.
    #[serde(default = "default_true")]
    #[schema(default = true)]
    pub enabled: bool,
}

fn default_weight() -> i64 {
    100
}

fn default_true() -> bool {
    true
}

/// Which exporters are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ExporterFilter {
    /// Part of the name or URL; case does not matter.
    pub search: Option<String>,
    /// Exactly this site.
    pub site: Option<String>,
    /// Whether it carries servers.
    pub enabled: Option<bool>,
}

impl ExporterDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &ExporterBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        let url = problems.check("url", ExporterUrl::parse(&body.url));
        let site = problems.check("site", Text::parse(&body.site));
        if !(1..=MAX_WEIGHT).contains(&body.weight) {
            problems.add(
                "weight",
                format!("{} is not between 1 and {MAX_WEIGHT}", body.weight),
            );
        }
        let draft = (|| {
            Some(Self {
                name: name?,
                url: url?,
                site: site?,
                weight: body.weight,
                enabled: body.enabled,
            })
        })();
        problems.finish(draft)
    }
}

/// Where Prometheus reaches an exporter: `http` or `https`, a host, maybe a path
/// in front of `/ipmi`. No user, query or fragment: everybody who reads
/// Prometheus' targets would see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExporterUrl {
    text: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port; IPv6 in brackets.
    pub authority: String,
    /// Path of the scrape, ending in `/ipmi`.
    pub metrics_path: String,
}

impl ExporterUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| {
            format!("\"{text}\" is no URL ({error}); it has the form http://host:9290")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "has the scheme {}; http and https are allowed",
                url.scheme()
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "names a user; log-in belongs into Prometheus' scrape configuration".to_owned(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a query or a fragment; a path is allowed".to_owned());
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("names no host".to_owned());
        };
        let prefix = url.path().trim_end_matches('/');
        if prefix.ends_with("/ipmi") {
            return Err("ends in /ipmi, which is added to it; leave it out".to_owned());
        }
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            scheme: url.scheme().to_owned(),
            authority: format!("{host}:{port}"),
            metrics_path: format!("{prefix}/ipmi"),
        })
    }

    /// The URL as text, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_for_prometheus() {
        let parts = |text: &str| {
            let url = ExporterUrl::parse(text).unwrap();
            (url.scheme, url.authority, url.metrics_path)
        };
        let expected = |scheme: &str, authority: &str, path: &str| {
            (scheme.to_owned(), authority.to_owned(), path.to_owned())
        };
        assert_eq!(
            parts("http://exp-1:9290"),
            expected("http", "exp-1:9290", "/ipmi")
        );
        assert_eq!(
            parts("https://exp-1/dc1/"),
            expected("https", "exp-1:443", "/dc1/ipmi")
        );
        assert_eq!(
            parts("http://[2001:db8::1]:9290/"),
            expected("http", "[2001:db8::1]:9290", "/ipmi")
        );
        for bad in [
            "",
            "exp-1:9290",
            "ftp://exp-1",
            "http://u:p@exp-1",
            "http://exp-1/?a=b",
            "http://exp-1/#a",
            "http://exp-1:9290/ipmi",
        ] {
            assert!(ExporterUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let body: ExporterBody =
            serde_json::from_value(serde_json::json!({"name": "", "url": "x", "weight": 0}))
                .unwrap();
        let problems = ExporterDraft::parse(&body).unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "url", "weight"]);
    }
}
