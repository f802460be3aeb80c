//! Builds the tree from the parser's events: aliases, merge keys, duplicate keys, limits.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};
use zeroize::Zeroizing;

use super::{Entry, Node, Scalar, Value, YamlError};
use crate::config::diagnostic::Position;
use crate::config::report::{indexed, joined, shown_key};

/// Most nodes a document may have, aliases counted as often as they are used.
const MAX_NODES: usize = 2_000_000;

/// Deepest nesting that is read. A configuration needs seven levels.
const MAX_DEPTH: usize = 64;

/// Reads a text that holds at most one document; `None` for a text without any.
pub(crate) fn parse(text: &str) -> Result<Option<Rc<Node>>, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(syntax_error(&error)),
        };
        if let Err(mut error) = taken {
            error.key = builder.path();
            // In a text that does not parse, a "key" of several words may be anything.
            if error.is_syntax && error.key.contains('"') {
                error.key.clear();
            }
            return Err(error);
        }
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder {
    documents: usize,
    /// Collections that are not complete, the outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    /// Nodes that are not shared, to bound memory as well as work.
    nodes: usize,
    root: Option<Rc<Node>>,
}

/// A collection whose end has not been seen.
struct Open {
    at: Position,
    anchor: usize,
    nodes: usize,
    content: OpenContent,
}

enum OpenContent {
    Sequence(Vec<Rc<Node>>),
    Mapping {
        entries: Vec<Entry>,
        seen: HashMap<Rc<str>, Position>,
        /// Values of `<<`, in the order of the text.
        merges: Vec<Rc<Node>>,
        /// A key whose value has not been seen.
        key: Option<(MapKey, Position)>,
    },
}

enum MapKey {
    Text(Rc<str>),
    Merge,
}

impl Builder {
    /// The path to where the builder is, for messages.
    fn path(&self) -> String {
        self.open
            .iter()
            .fold(String::new(), |path, open| match &open.content {
                OpenContent::Sequence(items) => indexed(&path, items.len()),
                OpenContent::Mapping {
                    key: Some((MapKey::Text(key), _)),
                    ..
                } => joined(&path, key),
                OpenContent::Mapping { .. } => path,
            })
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let at = position(&span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(error(
                        at,
                        "a second YAML document starts here; only one is allowed",
                    ));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let may_be_plain = check_tag(tag.as_deref(), at, &SCALAR_TAGS)?;
                let plain = may_be_plain && style == ScalarStyle::Plain;
                self.finish(
                    Node {
                        at,
                        width: width(&span),
                        value: Value::Scalar(Scalar {
                            text: Zeroizing::new(text.into_owned()),
                            plain,
                        }),
                        nodes: 1,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), at, &["seq"])?;
                self.open(at, anchor, OpenContent::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), at, &["map"])?;
                let content = OpenContent::Mapping {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    merges: Vec::new(),
                    key: None,
                };
                self.open(at, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(error(at, "this alias is inside the value that it names"));
                };
                self.place(Rc::clone(node), at)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Position, anchor: usize, content: OpenContent) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(error(
                at,
                format!("nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        self.open.push(Open {
            at,
            anchor,
            nodes: 1,
            content,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let mut nodes = open.nodes;
        let value = match open.content {
            OpenContent::Sequence(items) => Value::Sequence(items),
            OpenContent::Mapping {
                mut entries,
                mut seen,
                merges,
                ..
            } => {
                for merge in merges {
                    nodes += merge_into(&mut entries, &mut seen, &merge)?;
                }
                Value::Mapping(entries)
            }
        };
        let node = Node {
            at: open.at,
            width: 1,
            value,
            nodes,
        };
        self.finish(node, open.anchor)
    }

    /// A node is complete: remember its anchor and put it where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let at = node.at;
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(too_many_nodes(at));
        }
        self.place(node, at)
    }

    fn place(&mut self, node: Rc<Node>, at: Position) -> Result<(), YamlError> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.nodes = parent.nodes.saturating_add(node.nodes);
        if parent.nodes > MAX_NODES {
            return Err(too_many_nodes(at));
        }
        match &mut parent.content {
            OpenContent::Sequence(items) => items.push(node),
            OpenContent::Mapping {
                entries,
                seen,
                merges,
                key,
            } => match key.take() {
                None => {
                    let text = key_text(&node, at)?;
                    let is_merge =
                        matches!(&node.value, Value::Scalar(s) if s.plain && &*text == "<<");
                    if let Some(first) = seen.insert(Rc::clone(&text), at) {
                        return Err(YamlError {
                            at,
                            width: node.width,
                            key: String::new(),
                            message: format!(
                                "the key `{}` stands twice in this map; first on line {}",
                                shown_key(&text),
                                first.line
                            ),
                            is_syntax: false,
                        });
                    }
                    let new = if is_merge {
                        MapKey::Merge
                    } else {
                        MapKey::Text(text)
                    };
                    *key = Some((new, at));
                }
                Some((MapKey::Merge, _)) => merges.push(node),
                Some((MapKey::Text(key), key_at)) => entries.push(Entry {
                    key,
                    key_at,
                    value: node,
                }),
            },
        }
        Ok(())
    }
}

/// Adds what `<<` brings and the map does not have itself. In a list of maps the earlier one
/// wins. Returns how many nodes were added.
fn merge_into(
    entries: &mut Vec<Entry>,
    seen: &mut HashMap<Rc<str>, Position>,
    merge: &Node,
) -> Result<usize, YamlError> {
    let wrong = || {
        error(
            merge.at,
            "`<<` takes a map, an alias of a map, or a list of these",
        )
    };
    match &merge.value {
        Value::Mapping(inherited) => {
            let mut added = 0;
            for entry in inherited {
                if !seen.contains_key(&entry.key) {
                    seen.insert(Rc::clone(&entry.key), entry.key_at);
                    added += entry.value.nodes;
                    entries.push(Entry {
                        key: Rc::clone(&entry.key),
                        key_at: entry.key_at,
                        value: Rc::clone(&entry.value),
                    });
                }
            }
            Ok(added)
        }
        Value::Sequence(maps) => {
            let mut added = 0;
            for map in maps {
                if !matches!(map.value, Value::Mapping(_)) {
                    return Err(wrong());
                }
                added += merge_into(entries, seen, map)?;
            }
            Ok(added)
        }
        Value::Scalar(_) => Err(wrong()),
    }
}

fn key_text(node: &Node, at: Position) -> Result<Rc<str>, YamlError> {
    match &node.value {
        Value::Scalar(_) if node.is_null() => Err(error(at, "a key is missing here")),
        Value::Scalar(scalar) => Ok(scalar.text.as_str().into()),
        _ => Err(error(
            at,
            format!("a key must be a text, not {}", node.kind()),
        )),
    }
}

/// Tags of the core schema that a scalar may bear. Only `!!str` changes what it means.
const SCALAR_TAGS: [&str; 5] = ["str", "int", "float", "bool", "null"];

/// Is the value still as plain as it looks? Unknown tags are refused: they would ask for a type
/// that nothing here has.
fn check_tag(tag: Option<&Tag>, at: Position, allowed: &[&str]) -> Result<bool, YamlError> {
    let Some(tag) = tag else { return Ok(true) };
    match tag.core_suffix() {
        Some(suffix) if allowed.contains(&suffix) => Ok(suffix != "str"),
        _ if tag.original() == "!" => Ok(false),
        // Not quoted: a password that starts with `!` and lacks its quotes looks like a tag.
        _ => Err(error(
            at,
            "a tag (`!…`) has no meaning here; put the value in quotes if it starts with `!`",
        )),
    }
}

fn syntax_error(scan: &ScanError) -> YamlError {
    let at = Position {
        line: scan.marker().line().max(1),
        column: scan.marker().col() + 1,
    };
    let message = match scan.kind() {
        ErrorKind::UnknownAnchor => {
            "this alias names an anchor that was not defined before".to_owned()
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation => {
            "a tab is used for indentation; YAML allows only spaces".to_owned()
        }
        ErrorKind::RecursionLimitExceeded => format!("nested more than {MAX_DEPTH} levels deep"),
        kind => format!("not YAML: {kind}"),
    };
    YamlError {
        at,
        width: 1,
        key: String::new(),
        message,
        is_syntax: true,
    }
}

fn too_many_nodes(at: Position) -> YamlError {
    error(
        at,
        format!("more than {MAX_NODES} values, aliases included"),
    )
}

fn error(at: Position, message: impl Into<String>) -> YamlError {
    YamlError {
        at,
        width: 1,
        key: String::new(),
        message: message.into(),
        is_syntax: false,
    }
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
    }
}

/// Length of a token that stays on its line; a longer one is marked by its first character.
fn width(span: &Span) -> usize {
    if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col()).max(1)
    } else {
        1
    }
}
