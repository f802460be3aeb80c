//! Files of every shape, and that what is written is read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;
use crate::clock::Timestamp;
use crate::model::{Server, ServerBody, ServerDraft};

/// What a file is read as.
fn read(file: &[u8], form: Form) -> Result<Vec<Parsed>, FileError> {
    // More room than any file of a test needs, for nobody takes anything yet.
    let (sender, mut receiver) = mpsc::channel(64);
    parse(file, form, &sender)?;
    drop(sender);
    let mut rows = Vec::new();
    while let Ok(chunk) = receiver.try_recv() {
        rows.extend(chunk);
    }
    Ok(rows)
}

fn rows(file: &str) -> Vec<Row> {
    let parsed = read(file.as_bytes(), Form::Csv).unwrap();
    parsed.into_iter().map(|row| row.unwrap()).collect()
}

#[test]
fn files_of_every_origin_are_read() {
    let plain = "name,address,port,label.dc\nn1,bmc-1,624,fra1\nn2,bmc-2,,\n";
    let expected = rows(plain);
    assert_eq!(expected.len(), 2);
    assert_eq!(expected[0].port, Some(624));
    assert_eq!(expected[0].labels["dc"], "fra1");
    assert_eq!((expected[1].port, expected[1].line), (None, 3));
    for other in [
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace(',', ";"),
        plain
            .replace("n1", "\"n1\"")
            .replace("fra1", " fra1")
            .replace(" fra1", "fra1"),
        plain.trim_end().to_owned(),
        plain.replace("name,address,port", "name, ipmi_ip ,ipmi_port"),
    ] {
        assert_eq!(rows(&other), expected, "{other:?}");
    }
    let gaps = rows(&plain.replace('\n', "\n\n"));
    assert_eq!(gaps.len(), 2, "empty lines are no rows");
    assert_eq!(
        gaps[0].line, 3,
        "and the lines of the others are those of the file"
    );
    let quoted = rows("name,description\n\"a, \"\"b\"\"\",\"two\nlines\"\nc,d\n");
    assert_eq!(quoted[0].name, "a, \"b\"");
    assert_eq!(quoted[0].description.as_deref(), Some("two\nlines"));
    assert_eq!(quoted[1].line, 4);
}

#[test]
fn what_is_no_file_of_servers_is_named() {
    let many = format!("name{}\n", ",label.a".repeat(1001));
    for (file, expected) in [
        (&b""[..], "is empty"),
        (b"\n\n", "is empty"),
        (b"name,adress\n", "\"adress\""),
        (b"name,address,ipmi_ip\n", "\"ipmi_ip\" is there twice"),
        (b"address\nbmc\n", "\"name\" is missing"),
        (b"name\n\xff\xfe\n", "UTF-8 at byte 5"),
        (many.as_bytes(), "1002 columns"),
    ] {
        let error = read(file, Form::Csv).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (file, expected) in [
        (&b"{}"[..], "array of objects"),
        (b"[{\"name\": \"a\"}", "line 1"),
        (b"[] x", "trailing"),
    ] {
        let error = read(file, Form::Json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let long = format!(
        "name\n{}",
        "x\n".repeat(usize::try_from(MAX_ROWS).unwrap() + 1)
    );
    // Nobody takes the rows; the bound must hold all the same.
    let (sender, receiver) = mpsc::channel(1000);
    assert_eq!(
        parse(long.as_bytes(), Form::Csv, &sender),
        Err(FileError::TooMany)
    );
    drop(receiver);
}

#[test]
fn a_wrong_row_is_named_and_the_others_are_read() {
    let file = "name,port,monitoring_enabled\na,x,true\nb,1,maybe\nc,1\nd,1,no\n";
    let parsed = read(file.as_bytes(), Form::Csv).unwrap();
    let wrong: Vec<(u64, &str, &str)> = parsed
        .iter()
        .filter_map(|row| row.as_ref().err())
        .map(|line| (line.line, line.name.as_str(), line.errors[0].field.as_str()))
        .collect();
    assert_eq!(
        wrong,
        [
            (2, "a", "port"),
            (3, "b", "monitoring_enabled"),
            (4, "c", "")
        ]
    );
    assert_eq!(parsed[3].as_ref().unwrap().monitoring_enabled, Some(false));

    let file = br#"[{"name": "a", "adress": "b"}, {"name": "b", "address": "c", "group": null},
        {"name": 5}, {"name": "d", "password": 471147}]"#;
    let parsed = read(file, Form::Json).unwrap();
    let wrong: Vec<(u64, &str)> = parsed
        .iter()
        .filter_map(|row| row.as_ref().err())
        .map(|line| (line.line, line.name.as_str()))
        .collect();
    assert_eq!(wrong, [(1, "a"), (3, ""), (4, "d")]);
    assert_eq!(parsed[1].as_ref().unwrap().group.as_deref(), Some(""));
    assert!(
        !format!("{parsed:?}").contains("471147"),
        "no password is shown"
    );
}

#[test]
fn fields_are_quoted_and_formulas_disarmed() {
    for (field, expected) in [
        ("plain", "plain"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("=1+1", "\"'=1+1\""),
        ("'tis", "'tis"),
        ("'=1", "\"''=1\""),
    ] {
        let mut text = String::new();
        push_line(&mut text, [field]);
        assert_eq!(text, format!("{expected}\r\n"));
    }
}

#[test]
fn numbers_are_no_formulas_and_texts_may_be() {
    let mut text = String::new();
    let fields = [
        Field::Text("=1+1"),
        Field::Number(Some(-2.5)),
        Field::Number(None),
    ];
    push_fields(&mut text, fields);
    assert_eq!(text, "\"'=1+1\",-2.5,\r\n");
}

/// Texts of all kinds, spreadsheets' formulas among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~\\n\\r\\täß服]{0,12}",
        1 => "'{0,3}[=+@\\-][a-z0-9\"']{0,4}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[!-~ä服]([ -~ä服]{0,10}[!-~服])?"
}

prop_compose! {
    fn server()(
        (name, group, exporter) in (name(), name(), name()),
        address in "[a-z][a-z0-9]{0,8}",
        port in 1_i64..=65535,
        monitoring_enabled in any::<bool>(),
        texts in prop::array::uniform6(text()),
        tags in prop::collection::vec(name(), 0..4),
        labels in prop::collection::btree_map("[a-c]x", "[ -~äß]{1,9}", 0..3),
    ) -> (Server, [String; 2]) {
        let [manufacturer, model, serial_number, site, rack, description] = texts;
        let body = ServerBody {
            name, address, port, monitoring_enabled, manufacturer, model, serial_number, site,
            rack, description, tags, labels,
            credential_id: None, group_id: None, exporter_id: None,
        };
        let draft = ServerDraft::parse(&body).unwrap();
        (draft.stored(1, 1, Timestamp(0), Timestamp(0)), [group, exporter])
    }
}

proptest! {
    /// What was exported is imported as it was, in both forms.
    #[test]
    fn a_file_that_is_written_is_read_as_it_was(servers in prop::collection::vec(server(), 1..6)) {
        let labels: BTreeSet<String> = servers
            .iter()
            .flat_map(|(server, _)| server.labels.to_map().into_keys())
            .collect();
        let mut csv = String::new();
        write_header(&mut csv, &labels);
        let mut objects = Vec::new();
        for (server, [group, exporter]) in &servers {
            let names = RowNames { credential: "lab", group, exporter };
            prop_assert!(write_row(&mut csv, server, names, &labels));
            objects.push(serde_json::to_string(&to_object(server, names)).unwrap());
        }
        let json = format!("[{}]", objects.join(","));
        for (file, form) in [(csv, Form::Csv), (json, Form::Json)] {
            let parsed = read(file.as_bytes(), form).unwrap();
            prop_assert_eq!(parsed.len(), servers.len());
            for (row, (server, [group, exporter])) in parsed.into_iter().zip(&servers) {
                let row = row.unwrap();
                prop_assert_eq!(row.credential.as_deref(), Some("lab"));
                prop_assert_eq!(row.group.as_ref(), Some(group));
                prop_assert_eq!(row.exporter.as_ref(), Some(exporter));
                prop_assert_eq!(row.body(None, false), server.to_body(), "{}", file);
            }
        }
    }

    /// Whatever is sent: rows, or a reason, and no panic.
    #[test]
    fn any_file_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for form in [Form::Csv, Form::Json] {
            let _ = read(&bytes, form);
        }
        let mut csv = b"name,address,tags,label.a\n".to_vec();
        csv.extend_from_slice(&bytes);
        let _ = read(&csv, Form::Csv);
    }
}

#[test]
fn what_a_row_does_not_mention_stays() {
    let body: ServerBody = serde_json::from_value(serde_json::json!({
        "name": "n1", "address": "bmc", "rack": "r1", "tags": ["x"],
        "labels": {"dc": "fra1", "row": "7"},
    }))
    .unwrap();
    let draft = ServerDraft::parse(&body).unwrap();
    let before = draft.stored(1, 1, Timestamp(0), Timestamp(0));
    let row = &rows("name,rack,label.row,label.new\nn1,r2,,z\n")[0];
    let after = row.body(Some(&before), true);
    assert_eq!((after.rack.as_str(), after.address.as_str()), ("r2", "bmc"));
    assert_eq!(after.tags, ["x"]);
    let labels = [("dc", "fra1"), ("new", "z")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(after.labels, BTreeMap::from(labels));
    let parsed = read(br#"[{"name": "n1", "labels": {"a": "b"}}]"#, Form::Json).unwrap();
    let after = parsed[0].as_ref().unwrap().body(Some(&before), true);
    assert_eq!(after.labels.len(), 1, "an object's labels are all of them");
}
