//! What the tree keeps of a text, and which texts are refused.

use super::*;

fn entry<'a>(node: &'a Node, key: &str) -> &'a Node {
    let Value::Mapping(entries) = &node.value else {
        panic!("not a map");
    };
    let entry = entries.iter().find(|entry| &*entry.key == key);
    &entry.unwrap_or_else(|| panic!("no key {key}")).value
}

fn text(node: &Node) -> &str {
    match &node.value {
        Value::Scalar(scalar) => &scalar.text,
        _ => panic!("not a scalar"),
    }
}

fn root(yaml: &str) -> Rc<Node> {
    parse(yaml).unwrap().unwrap()
}

fn refusal(yaml: &str) -> String {
    let error = parse(yaml).unwrap_err();
    format!("{}:{} {}", error.at.line, error.at.column, error.message)
}

#[test]
fn plain_scalars_keep_their_source_text() {
    let node = root("a: 0123\nb: yes\nc: 1_000\nd: 12:30\ne: 'x'\nf: ~\ng: \"null\"\nh: !!str ~\n");
    for (key, expected) in [
        ("a", "0123"),
        ("b", "yes"),
        ("c", "1_000"),
        ("d", "12:30"),
        ("e", "x"),
    ] {
        assert_eq!(text(entry(&node, key)), expected);
    }
    assert!(entry(&node, "f").is_null());
    assert!(!entry(&node, "g").is_null());
    assert!(!entry(&node, "h").is_null());
}

#[test]
fn positions_count_lines_and_characters_from_one() {
    let node = root("a:\n  é: {b: x}\n");
    let b = entry(entry(entry(&node, "a"), "é"), "b");
    assert_eq!(
        b.at,
        Position {
            line: 2,
            column: 10
        }
    );
    assert_eq!(b.width, 1);
}

#[test]
fn merge_keys_fill_in_what_is_missing() {
    let node = root(
        "base: &base {user: a, pass: b}\nmore: &more {pass: c, timeout: 1}\n\
         one: {<<: *base, pass: own}\ntwo: {<<: [*base, *more]}\n",
    );
    assert_eq!(text(entry(entry(&node, "one"), "user")), "a");
    assert_eq!(text(entry(entry(&node, "one"), "pass")), "own");
    assert_eq!(text(entry(entry(&node, "two"), "pass")), "b");
    assert_eq!(text(entry(entry(&node, "two"), "timeout")), "1");
}

#[test]
fn no_document_is_no_node() {
    assert!(parse("").unwrap().is_none());
    assert!(parse("# only a comment\n").unwrap().is_none());
}

#[test]
fn what_is_not_one_plain_document_is_refused_with_its_place() {
    for (yaml, message) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1 the key `a` stands twice in this map; first on line 1",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "2:1 a second YAML document starts here; only one is allowed",
        ),
        (
            "a: *x\n",
            "1:4 this alias names an anchor that was not defined before",
        ),
        (
            "a: &a [*a]\n",
            "1:8 this alias is inside the value that it names",
        ),
        (
            "a: !secret 'x'\n",
            "1:12 a tag (`!…`) has no meaning here; put the value in quotes if it starts with `!`",
        ),
        ("[a]: x\n", "1:1 a key must be a text, not a list"),
        (
            "a: {<<: 3}\n",
            "1:9 `<<` takes a map, an alias of a map, or a list of these",
        ),
    ] {
        assert_eq!(refusal(yaml), message, "{yaml}");
    }
}

#[test]
fn an_alias_bomb_is_stopped_while_it_is_small() {
    use std::fmt::Write;
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = level - 1;
        writeln!(
            bomb,
            "a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]"
        )
        .unwrap();
    }
    assert!(refusal(&bomb).contains("more than 2000000 values"));
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert!(refusal(&deep).contains("nested more than 64 levels"));
}
