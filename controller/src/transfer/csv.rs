//! Comma-separated values (RFC 4180), read and written.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula.
//! Such cells are written with an apostrophe in front, and one is taken away where
//! it is read.

use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};
use zeroize::Zeroizing;

use super::{FileError, Line, Outlet, Parsed, Row, RowNames};
use crate::model::{Invalid, Server};

/// What stands before the name of a label in the name of its column.
pub const LABEL: &str = "label.";
/// Most columns of a file.
const MAX_COLUMNS: usize = 1000;

/// Columns of a file that is written, before those of the labels.
pub const COLUMNS: [&str; 14] = [
    "name",
    "address",
    "port",
    "credential",
    "group",
    "exporter",
    "monitoring_enabled",
    "manufacturer",
    "model",
    "serial_number",
    "site",
    "rack",
    "description",
    "tags",
];

/// Puts a cell into a row.
type Put = fn(&mut Row, &str) -> Result<(), String>;

/// Columns that are read: name, the name that OpenServerHub gives it, and what its
/// cells become.
const READ: [(&str, &str, Put); 16] = [
    ("name", "name", |row, cell| {
        cell.trim().clone_into(&mut row.name);
        Ok(())
    }),
    ("address", "ipmi_ip", |row, cell| {
        row.address = filled(cell);
        Ok(())
    }),
    ("port", "ipmi_port", |row, cell| {
        row.port = filled(cell).map(|cell| port(&cell)).transpose()?;
        Ok(())
    }),
    ("username", "ipmi_username", |row, cell| {
        row.username = filled(cell);
        Ok(())
    }),
    ("password", "ipmi_password", |row, cell| {
        row.password = (!cell.is_empty()).then(|| Zeroizing::new(cell.to_owned()));
        Ok(())
    }),
    ("credential", "credential", |row, cell| {
        row.credential = Some(cell.trim().to_owned());
        Ok(())
    }),
    ("group", "group_name", |row, cell| {
        row.group = Some(cell.trim().to_owned());
        Ok(())
    }),
    ("exporter", "exporter", |row, cell| {
        row.exporter = Some(cell.trim().to_owned());
        Ok(())
    }),
    ("monitoring_enabled", "monitoring_enabled", |row, cell| {
        row.monitoring_enabled = filled(cell).map(|cell| truth(&cell)).transpose()?;
        Ok(())
    }),
    ("manufacturer", "manufacturer", |row, cell| {
        text(&mut row.manufacturer, cell)
    }),
    ("model", "model", |row, cell| text(&mut row.model, cell)),
    ("serial_number", "serial_number", |row, cell| {
        text(&mut row.serial_number, cell)
    }),
    ("site", "site", |row, cell| text(&mut row.site, cell)),
    ("rack", "rack", |row, cell| text(&mut row.rack, cell)),
    ("description", "description", |row, cell| {
        text(&mut row.description, cell)
    }),
    ("tags", "tags", |row, cell| {
        row.tags = Some(split_tags(cell));
        Ok(())
    }),
];

fn text(field: &mut Option<String>, cell: &str) -> Result<(), String> {
    *field = Some(cell.to_owned());
    Ok(())
}

fn filled(cell: &str) -> Option<String> {
    let cell = cell.trim();
    (!cell.is_empty()).then(|| cell.to_owned())
}

fn port(cell: &str) -> Result<i64, String> {
    cell.parse()
        .map_err(|_| format!("\"{cell}\" is no port; 1 to 65535 are allowed"))
}

fn truth(cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("\"{cell}\" is neither true nor false")),
    }
}

/// What a column is.
enum Column {
    /// A row of [`READ`].
    Field(&'static str, Put),
    /// A label of this name.
    Label(String),
}

/// Reads a file.
pub(super) fn read(text: &str, outlet: &mut Outlet<'_>) -> Result<(), FileError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut next = |record: &mut StringRecord| {
        let is_there = reader.read_record(record);
        is_there.map_err(|error| FileError::Syntax(error.to_string()))
    };
    if !next(&mut record)? {
        return Err(FileError::NoHeader);
    }
    let columns = columns(&record)?;
    let mut lines = Lines {
        text: text.as_bytes(),
        at: 0,
        line: 1,
    };
    while next(&mut record)? {
        let byte = record.position().map_or(0, csv::Position::byte);
        let line = lines.of(usize::try_from(byte).unwrap_or(usize::MAX));
        if !outlet.push(row(&columns, &record, line))? {
            break;
        }
    }
    Ok(())
}

/// Counts lines. The parser's own count begins before the line break that ends the
/// row before, and before empty lines.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which the first cell behind a place is.
    fn of(&mut self, byte: usize) -> u64 {
        while let Some(&here) = self.text.get(self.at) {
            if self.at >= byte && !matches!(here, b'\r' | b'\n') {
                break;
            }
            let is_pair = here == b'\r' && self.text.get(self.at + 1) == Some(&b'\n');
            if matches!(here, b'\r' | b'\n') && !is_pair {
                self.line += 1;
            }
            self.at += 1;
        }
        self.line
    }
}

/// Spreadsheets of some countries part cells by semicolons.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty());
    match header {
        Some(header) if !header.contains(',') && header.contains(';') => b';',
        _ => b',',
    }
}

fn columns(header: &StringRecord) -> Result<Vec<Column>, FileError> {
    if header.len() > MAX_COLUMNS {
        return Err(FileError::Syntax(format!(
            "line 1: has {} columns; at most {MAX_COLUMNS} are allowed",
            header.len()
        )));
    }
    let mut seen = BTreeSet::new();
    let mut columns = Vec::with_capacity(header.len());
    for name in header {
        let name = name.trim();
        let column = match name.strip_prefix(LABEL) {
            Some(label) => Column::Label(label.to_owned()),
            None => READ
                .iter()
                .find(|(own, other, _)| *own == name || *other == name)
                .map(|(own, _, put)| Column::Field(own, *put))
                .ok_or_else(|| FileError::Column {
                    name: name.to_owned(),
                    known: READ.map(|(own, ..)| own).join(", "),
                })?,
        };
        let key = match &column {
            Column::Field(own, _) => (*own).to_owned(),
            Column::Label(label) => format!("{LABEL}{label}"),
        };
        if !seen.insert(key) {
            return Err(FileError::Twice {
                name: name.to_owned(),
            });
        }
        columns.push(column);
    }
    if !seen.contains("name") {
        return Err(FileError::Missing { name: "name" });
    }
    Ok(columns)
}

fn row(columns: &[Column], record: &StringRecord, line: u64) -> Parsed {
    let mut row = Row {
        line,
        ..Row::default()
    };
    let mut errors = Vec::new();
    for (column, cell) in columns.iter().zip(record) {
        let cell = bare(cell);
        match column {
            Column::Field(name, put) => {
                if let Err(message) = put(&mut row, cell) {
                    errors.push(Invalid::new(*name, message));
                }
            }
            Column::Label(name) => {
                row.labels.insert(name.clone(), cell.to_owned());
            }
        }
    }
    if record.len() != columns.len() {
        errors.push(Invalid::new(
            "",
            format!(
                "has {} cells, and line 1 has {}",
                record.len(),
                columns.len()
            ),
        ));
    }
    if errors.is_empty() {
        Ok(row)
    } else {
        Err(Line::wrong(line, &row.name, errors))
    }
}

/// What a spreadsheet takes for a formula when a cell begins with it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a cell is written with one more apostrophe in front: a formula, or what
/// looks like one that was disarmed.
fn is_disarmed(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA)
}

/// A cell without the apostrophe that [`push_field`] put in front.
fn bare(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_disarmed(rest) => rest,
        _ => cell,
    }
}

/// Adds a field by RFC 4180. Texts come from afar: what a spreadsheet would take
/// for a formula gets an apostrophe in front.
fn push_field(text: &mut String, field: &str) {
    let is_formula = is_disarmed(field);
    if !is_formula && !field.contains(['"', ',', '\r', '\n']) {
        text.push_str(field);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&field.replace('"', "\"\""));
    text.push('"');
}

/// A field of a line.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// Text from afar.
    Text(&'a str),
    /// A number, whose sign begins no formula.
    Number(Option<f64>),
}

/// Adds a line of texts.
pub fn push_line<'a>(text: &mut String, fields: impl IntoIterator<Item = &'a str>) {
    push_fields(text, fields.into_iter().map(Field::Text));
}

/// Adds a line of fields.
pub fn push_fields<'a>(text: &mut String, fields: impl IntoIterator<Item = Field<'a>>) {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match field {
            Field::Text(field) => push_field(text, field),
            Field::Number(None) => {}
            Field::Number(Some(number)) => text.push_str(&number.to_string()),
        }
    }
    text.push_str("\r\n");
}

/// Adds the line of names.
pub fn write_header(text: &mut String, labels: &BTreeSet<String>) {
    let labels: Vec<String> = labels.iter().map(|name| format!("{LABEL}{name}")).collect();
    push_line(
        text,
        COLUMNS.into_iter().chain(labels.iter().map(String::as_str)),
    );
}

/// Adds a server. Gives whether all its labels have a column.
#[must_use]
pub fn write_row(
    text: &mut String,
    server: &Server,
    names: RowNames<'_>,
    labels: &BTreeSet<String>,
) -> bool {
    let port = server.port.to_string();
    let tags = join_tags(&server.tags);
    let fields: [&str; COLUMNS.len()] = [
        &server.name,
        &server.address,
        &port,
        names.credential,
        names.group,
        names.exporter,
        if server.monitoring_enabled {
            "true"
        } else {
            "false"
        },
        &server.manufacturer,
        &server.model,
        &server.serial_number,
        &server.site,
        &server.rack,
        &server.description,
        &tags,
    ];
    let own = server.labels.to_map();
    let values = labels
        .iter()
        .map(|name| own.get(name).map_or("", String::as_str));
    push_line(text, fields.into_iter().chain(values));
    own.keys().all(|name| labels.contains(name))
}

/// Tags in one cell, parted by semicolons; one within a tag has a backslash before.
fn join_tags(tags: &[String]) -> String {
    let escaped: Vec<String> = tags
        .iter()
        .map(|tag| tag.replace('\\', "\\\\").replace(';', "\\;"))
        .collect();
    escaped.join(";")
}

fn split_tags(cell: &str) -> Vec<String> {
    let mut tags = vec![String::new()];
    let mut characters = cell.chars();
    while let Some(character) = characters.next() {
        let tag = match tags.last_mut() {
            Some(tag) if character != ';' => tag,
            _ => {
                tags.push(String::new());
                continue;
            }
        };
        match character {
            // At the end it stands for itself.
            '\\' => tag.push(characters.next().unwrap_or('\\')),
            other => tag.push(other),
        }
    }
    tags.retain(|tag| !tag.is_empty());
    tags
}
