//! An array of objects, read one after the other and written.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{FileError, Line, Outlet, Parsed, Row, RowNames};
use crate::model::{Invalid, Labels, Server};

/// One object that is read. `null` is empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    name: String,
    #[serde(default, alias = "ipmi_ip")]
    address: Option<String>,
    #[serde(default, alias = "ipmi_port")]
    port: Option<i64>,
    #[serde(default, alias = "ipmi_username")]
    username: Option<String>,
    #[serde(default, alias = "ipmi_password", deserialize_with = "secret")]
    password: Option<String>,
    #[serde(default, deserialize_with = "text")]
    credential: Option<String>,
    #[serde(default, alias = "group_name", deserialize_with = "text")]
    group: Option<String>,
    #[serde(default, deserialize_with = "text")]
    exporter: Option<String>,
    #[serde(default)]
    monitoring_enabled: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    manufacturer: Option<String>,
    #[serde(default, deserialize_with = "text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "text")]
    serial_number: Option<String>,
    #[serde(default, deserialize_with = "text")]
    site: Option<String>,
    #[serde(default, deserialize_with = "text")]
    rack: Option<String>,
    #[serde(default, deserialize_with = "text")]
    description: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// A text that is there; `null` is the empty one.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(
        Option::<String>::deserialize(deserializer)?.unwrap_or_default(),
    ))
}

/// A text that no message shows, whatever it is.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(Some(text)),
        serde_json::Value::Null => Ok(None),
        _ => Err(D::Error::custom("the password is no text")),
    }
}

impl Object {
    fn row(self, line: u64) -> Row {
        Row {
            line,
            name: self.name,
            address: self.address,
            port: self.port,
            credential: self.credential,
            username: self.username.filter(|name| !name.is_empty()),
            password: self
                .password
                .filter(|password| !password.is_empty())
                .map(Zeroizing::new),
            group: self.group,
            exporter: self.exporter,
            monitoring_enabled: self.monitoring_enabled,
            manufacturer: self.manufacturer,
            model: self.model,
            serial_number: self.serial_number,
            site: self.site,
            rack: self.rack,
            description: self.description,
            tags: self.tags,
            replaces_labels: self.labels.is_some(),
            labels: self.labels.unwrap_or_default(),
        }
    }
}

/// Reads a file.
pub(super) fn read(text: &str, outlet: &mut Outlet<'_>) -> Result<(), FileError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut failed = None;
    let rows = Rows {
        outlet,
        failed: &mut failed,
    };
    let result = rows
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(error) = failed {
        return Err(error);
    }
    result.map_err(|error| FileError::Syntax(format!("no array of objects: {error}")))
}

/// Hands objects on as they are read.
struct Rows<'a, 'b> {
    outlet: &'a mut Outlet<'b>,
    failed: &'a mut Option<FileError>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects, one for each server")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut line = 0;
        // A mistake in one object is about that object alone.
        while let Some(raw) = sequence.next_element::<&RawValue>()? {
            line += 1;
            match self.outlet.push(object(raw.get(), line)) {
                Ok(true) => {}
                Ok(false) => return Err(A::Error::custom("nobody takes the rows any more")),
                Err(error) => {
                    *self.failed = Some(error);
                    return Err(A::Error::custom("too many rows"));
                }
            }
        }
        Ok(())
    }
}

/// What can be said of an object that is no server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: serde_json::Value,
}

fn object(text: &str, line: u64) -> Parsed {
    serde_json::from_str::<Object>(text)
        .map(|object| object.row(line))
        .map_err(|error| {
            let named: Named = serde_json::from_str(text).unwrap_or_default();
            // What stands behind " at line" is a place within the object.
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let errors = vec![Invalid::new("", message)];
            Line::wrong(line, named.name.as_str().unwrap_or_default(), errors)
        })
}

/// One object that is written.
#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    address: &'a str,
    port: u16,
    credential: Option<&'a str>,
    group: Option<&'a str>,
    exporter: Option<&'a str>,
    monitoring_enabled: bool,
    manufacturer: &'a str,
    model: &'a str,
    serial_number: &'a str,
    site: &'a str,
    rack: &'a str,
    description: &'a str,
    tags: &'a [String],
    labels: &'a Labels,
}

/// A server as an object.
pub fn to_object<'a>(server: &'a Server, names: RowNames<'a>) -> impl Serialize + 'a {
    fn named(name: &str) -> Option<&str> {
        (!name.is_empty()).then_some(name)
    }
    Written {
        name: &server.name,
        address: &server.address,
        port: server.port,
        credential: named(names.credential),
        group: named(names.group),
        exporter: named(names.exporter),
        monitoring_enabled: server.monitoring_enabled,
        manufacturer: &server.manufacturer,
        model: &server.model,
        serial_number: &server.serial_number,
        site: &server.site,
        rack: &server.rack,
        description: &server.description,
        tags: &server.tags,
        labels: &server.labels,
    }
}
