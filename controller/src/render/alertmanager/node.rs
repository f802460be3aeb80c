//! What a configuration consists of, with secrets known by their places only.

use std::collections::BTreeMap;

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

/// Secrets by the ids of their places.
pub type Vault = BTreeMap<String, Zeroizing<String>>;

/// Characters of an id that tell secrets apart for people.
const SHOWN_ID: usize = 8;

/// A value of the configuration. Keys stay in the order in which they were put.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// The secret at this place.
    Secret(String),
    Number(Number),
    Flag(bool),
    Null,
    List(Vec<Self>),
    Map(Fields),
}

/// The entries of a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, Node)>);

impl Fields {
    pub(super) fn put(mut self, key: &str, node: Node) -> Self {
        self.0.push((key.to_owned(), node));
        self
    }

    /// A text that is always there.
    pub(super) fn text(self, key: &str, text: &str) -> Self {
        self.put(key, Node::text(text))
    }

    /// A text, unless it is empty.
    pub(super) fn some(self, key: &str, text: &str) -> Self {
        match text {
            "" => self,
            text => self.text(key, text),
        }
    }

    /// A text, if there is one.
    pub(super) fn optional(self, key: &str, text: Option<&str>) -> Self {
        match text {
            None => self,
            Some(text) => self.text(key, text),
        }
    }

    pub(super) fn flag(self, key: &str, flag: bool) -> Self {
        self.put(key, Node::Flag(flag))
    }

    /// A list of texts, unless it is empty.
    pub(super) fn texts<'a>(self, key: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let texts: Vec<Node> = texts.into_iter().map(Node::text).collect();
        match texts.is_empty() {
            true => self,
            false => self.put(key, Node::List(texts)),
        }
    }

    /// A map, unless it is empty.
    pub(super) fn map(self, key: &str, fields: Self) -> Self {
        match fields.0.is_empty() {
            true => self,
            false => self.put(key, Node::Map(fields)),
        }
    }

    /// A map of texts, unless it is empty.
    pub(super) fn pairs(self, key: &str, pairs: &BTreeMap<String, String>) -> Self {
        let pairs = pairs.iter().fold(Self::default(), |fields, (name, value)| {
            fields.text(name, value)
        });
        self.map(key, pairs)
    }

    /// The secret at a place, if there is one.
    pub(super) fn secret(self, key: &str, id: Option<&str>) -> Self {
        match id {
            None => self,
            Some(id) => self.put(key, Node::Secret(id.to_owned())),
        }
    }

    /// Puts a secret to a dotted place, making the maps on the way.
    pub(super) fn place(&mut self, path: &str, id: &str) {
        let Some((key, rest)) = path.split_once('.') else {
            self.0.retain(|(found, _)| found != path);
            self.0.push((path.to_owned(), Node::Secret(id.to_owned())));
            return;
        };
        let at = match self.0.iter().position(|(found, _)| found == key) {
            Some(at) => at,
            None => {
                self.0.push((key.to_owned(), Node::Null));
                self.0.len() - 1
            }
        };
        if let Some((_, node)) = self.0.get_mut(at) {
            if !matches!(node, Node::Map(_)) {
                *node = Node::Map(Self::default());
            }
            if let Node::Map(fields) = node {
                fields.place(rest, id);
            }
        }
    }

    pub(super) fn into_node(self) -> Node {
        Node::Map(self)
    }
}

impl From<&Map<String, Value>> for Fields {
    fn from(map: &Map<String, Value>) -> Self {
        let entries = map.iter().map(|(key, value)| (key.clone(), value.into()));
        Self(entries.collect())
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::text(text),
            Value::Array(values) => Self::List(values.iter().map(Into::into).collect()),
            Value::Object(map) => Self::Map(map.into()),
        }
    }
}

impl Node {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The first secret that a vault has not got.
    pub(super) fn missing<'a>(&'a self, vault: &Vault) -> Option<&'a str> {
        match self {
            Self::Secret(id) => (!vault.contains_key(id)).then_some(id),
            Self::List(nodes) => nodes.iter().find_map(|node| node.missing(vault)),
            Self::Map(fields) => fields.0.iter().find_map(|(_, node)| node.missing(vault)),
            Self::Text(_) | Self::Number(_) | Self::Flag(_) | Self::Null => None,
        }
    }

    /// As anybody may see it.
    pub(super) fn shown(&self) -> Writing<'_> {
        Writing {
            node: self,
            vault: None,
        }
    }

    /// As Alertmanager reads it.
    pub(super) fn revealed<'a>(&'a self, vault: &'a Vault) -> Writing<'a> {
        Writing {
            node: self,
            vault: Some(vault),
        }
    }
}

/// What stands in the place of a secret that is shown.
pub(super) fn marker(id: &str) -> String {
    let length = id.chars().count();
    let end: String = id.chars().skip(length.saturating_sub(SHOWN_ID)).collect();
    format!("<secret {end}>")
}

/// A node with or without its secrets, to be written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    node: &'a Node,
    vault: Option<&'a Vault>,
}

impl<'a> Writing<'a> {
    fn of(self, node: &'a Node) -> Self {
        Self {
            node,
            vault: self.vault,
        }
    }
}

impl Serialize for Writing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.node, self.vault) {
            (Node::Text(text), _) => serializer.serialize_str(text),
            (Node::Secret(id), None) => serializer.serialize_str(&marker(id)),
            (Node::Secret(id), Some(vault)) => match vault.get(id) {
                Some(secret) => serializer.serialize_str(secret),
                None => Err(Error::custom("a secret is missing")),
            },
            (Node::Number(number), _) => number.serialize(serializer),
            (Node::Flag(flag), _) => serializer.serialize_bool(*flag),
            (Node::Null, _) => serializer.serialize_unit(),
            (Node::List(nodes), _) => {
                let mut list = serializer.serialize_seq(Some(nodes.len()))?;
                for node in nodes {
                    list.serialize_element(&self.of(node))?;
                }
                list.end()
            }
            (Node::Map(fields), _) => {
                let mut map = serializer.serialize_map(Some(fields.0.len()))?;
                for (key, node) in &fields.0 {
                    map.serialize_entry(key, &self.of(node))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_its_place_and_is_not_shown() {
        let map = serde_json::json!({"http_config": {"follow_redirects": false}});
        let mut fields = Fields::from(map.as_object().unwrap());
        fields.place("token", "id-of-the-token-1");
        fields.place("http_config.authorization.credentials", "id-2");
        let node = fields.into_node();
        let vault = Vault::from([
            ("id-of-the-token-1".to_owned(), "t0ken".to_owned().into()),
            ("id-2".to_owned(), "s3cret".to_owned().into()),
        ]);
        assert_eq!(
            serde_json::to_value(node.revealed(&vault)).unwrap(),
            serde_json::json!({
                "http_config": {
                    "follow_redirects": false,
                    "authorization": {"credentials": "s3cret"},
                },
                "token": "t0ken",
            })
        );
        let shown = serde_json::to_string(&node.shown()).unwrap();
        assert!(shown.contains("<secret -token-1>"), "{shown}");
        assert!(!shown.contains("t0ken") && !shown.contains("s3cret"));
        assert_eq!(node.missing(&vault), None);
        assert_eq!(node.missing(&Vault::new()), Some("id-2"));
    }
}
