//! What a dashboard is made of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The language of titles and descriptions.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The word in the configuration and in names of folders.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

/// The same in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    en: &'static str,
    zh: &'static str,
}

impl Text {
    /// The text in a language.
    #[must_use]
    pub fn get(self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Zh => self.zh,
        }
    }
}

/// A text in English and Chinese.
#[must_use]
pub const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

/// What a number counts, as Grafana calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pieces of something: 1.2 K.
    Count,
    /// A number that is a word: a state.
    State,
    /// °C.
    Celsius,
    /// Rotations per minute.
    Rpm,
    /// 0 to 1, shown in percent.
    Ratio,
    /// V.
    Volts,
    /// A.
    Amperes,
    /// W.
    Watts,
    /// kWh.
    KilowattHours,
    /// s.
    Seconds,
    /// Bytes, in powers of two.
    Bytes,
    /// A moment in milliseconds since 1970, shown as the time since then.
    Ago,
    /// Something each second.
    PerSecond,
    /// No number at all: a table whose columns have units of their own.
    Mixed,
}

impl Unit {
    /// Grafana's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::State | Self::Mixed => "none",
            Self::Celsius => "celsius",
            Self::Rpm => "rotrpm",
            Self::Ratio => "percentunit",
            Self::Volts => "volt",
            Self::Amperes => "amp",
            Self::Watts => "watt",
            Self::KilowattHours => "kwatth",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Ago => "dateTimeFromNow",
            Self::PerSecond => "cps",
        }
    }
}

/// A colour that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Bad.
    Critical,
    /// Neither good nor bad.
    Neutral,
    /// Not known, or switched off.
    Idle,
}

impl Colour {
    /// Grafana's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "green",
            Self::Warning => "orange",
            Self::Critical => "red",
            Self::Neutral => "blue",
            Self::Idle => "text",
        }
    }
}

/// From this value on, a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step(pub f64, pub Colour);

/// Values that are words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// State of a sensor: 0 nominal, 1 warning, 2 critical, NaN unknown.
    SensorState,
    /// 1 up, 0 down.
    Up,
    /// 1 on, 0 off.
    Power,
}

impl Mapping {
    /// Values with their words and colours; NaN has no number.
    #[must_use]
    pub fn words(self) -> &'static [Word] {
        match self {
            Self::SensorState => SENSOR_STATES,
            Self::Up => UP,
            Self::Power => POWER,
        }
    }
}

/// A value, how it is called, and its colour.
pub type Word = (Option<i64>, Text, Colour);

const SENSOR_STATES: &[Word] = &[
    (Some(0), text("nominal", "正常"), Colour::Good),
    (Some(1), text("warning", "警告"), Colour::Warning),
    (Some(2), text("critical", "严重"), Colour::Critical),
    (None, text("unknown", "未知"), Colour::Idle),
];
const UP: &[Word] = &[
    (Some(1), text("up", "正常"), Colour::Good),
    (Some(0), text("down", "故障"), Colour::Critical),
];
const POWER: &[Word] = &[
    (Some(1), text("on", "开机"), Colour::Good),
    (Some(0), text("off", "关机"), Colour::Idle),
];

/// One question to Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The expression, with Grafana's variables in it.
    pub expr: String,
    /// What a series is called; Grafana puts labels in.
    pub legend: String,
    /// How it is drawn in a graph.
    pub role: Role,
}

/// How the series of a query are drawn in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What it is about.
    Value,
    /// A limit: a dashed line without a place in the legend.
    Limit(Colour),
}

/// Values with the name that each series has.
#[must_use]
pub fn query(expr: impl Into<String>, legend: impl Into<String>) -> Query {
    Query {
        expr: expr.into(),
        legend: legend.into(),
        role: Role::Value,
    }
}

/// A threshold that is drawn beside the values.
#[must_use]
pub fn limit(expr: impl Into<String>, legend: impl Into<String>, colour: Colour) -> Query {
    Query {
        role: Role::Limit(colour),
        ..query(expr, legend)
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The field: a label, or [`Self::value`].
    pub field: String,
    /// Its head.
    pub title: Text,
    /// What its values are.
    pub unit: Unit,
    /// Words for them.
    pub mapping: Option<Mapping>,
    /// Where a cell leads.
    pub link: Option<Target>,
}

impl Column {
    /// A label of the series.
    #[must_use]
    pub fn label(name: &str, title: Text) -> Self {
        Self {
            field: name.to_owned(),
            title,
            unit: Unit::State,
            mapping: None,
            link: None,
        }
    }

    /// The value of the query at this place, from 0.
    #[must_use]
    pub fn value(query: usize, title: Text, unit: Unit) -> Self {
        Self {
            unit,
            ..Self::label(&format!("Value #{}", ref_id(query)), title)
        }
    }

    /// With words instead of numbers.
    #[must_use]
    pub fn words(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// With a link on each cell.
    #[must_use]
    pub fn leads_to(mut self, target: Target) -> Self {
        self.link = Some(target);
        self
    }
}

/// The letter of a query within its panel. There are never as many as letters.
#[must_use]
pub fn ref_id(place: usize) -> char {
    u8::try_from(place)
        .ok()
        .and_then(|place| b'A'.checked_add(place))
        .map_or('Z', char::from)
}

/// Where something leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The dashboard of the server whose name the cell or the series has.
    Server,
    /// The alerts of the controller's page; nothing where no page is known.
    ControllerAlerts,
}

/// How a panel looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Visual {
    /// Lines over time.
    Graph {
        /// Whether the series add up to something.
        is_stacked: bool,
    },
    /// The last value, large.
    Stat,
    /// One bar for each series, the greatest first.
    Bars,
    /// The last values, a row for what has the same labels.
    Table(Vec<Column>),
    /// Words over time.
    States,
    /// How many series are at which value, over time.
    Heatmap,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Its title.
    pub title: Text,
    /// What is seen, and what to make of it.
    pub description: Text,
    /// What is shown.
    pub unit: Unit,
    /// How.
    pub visual: Visual,
    /// What Prometheus is asked.
    pub queries: Vec<Query>,
    /// Colours by value, in ascending order; below the first it is good.
    pub steps: Vec<Step>,
    /// Words for values.
    pub mapping: Option<Mapping>,
    /// Where the series lead.
    pub link: Option<Target>,
    /// Least and greatest value of the axis.
    pub range: (Option<f64>, Option<f64>),
    /// 24 are the whole width.
    pub width: u8,
    /// In units of about 30 pixels.
    pub height: u8,
}

impl Panel {
    fn new(title: Text, description: Text, unit: Unit, visual: Visual) -> Self {
        let (width, height) = match visual {
            Visual::Stat => (4, 4),
            Visual::Graph { .. } | Visual::Bars | Visual::Heatmap => (12, 8),
            Visual::Table(_) | Visual::States => (24, 9),
        };
        Self {
            title,
            description,
            unit,
            visual,
            queries: Vec::new(),
            steps: Vec::new(),
            mapping: None,
            link: None,
            range: (None, None),
            width,
            height,
        }
    }

    /// Lines over time.
    #[must_use]
    pub fn graph(title: Text, description: Text, unit: Unit) -> Self {
        Self::new(
            title,
            description,
            unit,
            Visual::Graph { is_stacked: false },
        )
    }

    /// Areas over time that add up.
    #[must_use]
    pub fn stack(title: Text, description: Text, unit: Unit) -> Self {
        Self::new(title, description, unit, Visual::Graph { is_stacked: true })
    }

    /// One number.
    #[must_use]
    pub fn stat(title: Text, description: Text, unit: Unit) -> Self {
        Self::new(title, description, unit, Visual::Stat)
    }

    /// Bars.
    #[must_use]
    pub fn bars(title: Text, description: Text, unit: Unit) -> Self {
        Self::new(title, description, unit, Visual::Bars)
    }

    /// A table.
    #[must_use]
    pub fn table(title: Text, description: Text, columns: Vec<Column>) -> Self {
        Self::new(title, description, Unit::Mixed, Visual::Table(columns))
    }

    /// Words over time.
    #[must_use]
    pub fn states(title: Text, description: Text, mapping: Mapping) -> Self {
        Self {
            mapping: Some(mapping),
            ..Self::new(title, description, Unit::State, Visual::States)
        }
    }

    /// How values are distributed.
    #[must_use]
    pub fn heatmap(title: Text, description: Text, unit: Unit) -> Self {
        Self::new(title, description, unit, Visual::Heatmap)
    }

    /// One more question.
    #[must_use]
    pub fn ask(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// Colours by value.
    #[must_use]
    pub fn steps(mut self, steps: &[Step]) -> Self {
        self.steps = steps.to_vec();
        self
    }

    /// Words for values.
    #[must_use]
    pub fn words(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// Where series lead.
    #[must_use]
    pub fn leads_to(mut self, target: Target) -> Self {
        self.link = Some(target);
        self
    }

    /// The axis.
    #[must_use]
    pub fn range(mut self, least: Option<f64>, greatest: Option<f64>) -> Self {
        self.range = (least, greatest);
        self
    }

    /// Its place's size.
    #[must_use]
    pub fn size(mut self, width: u8, height: u8) -> Self {
        (self.width, self.height) = (width, height);
        self
    }
}

/// Panels below one heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The heading.
    pub title: Text,
    /// What is below, from left to right.
    pub panels: Vec<Panel>,
}

/// What a person may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in expressions.
    pub name: &'static str,
    /// Its name on the page.
    pub label: Text,
    /// Where its values come from.
    pub values: Values,
}

/// Where the values of a variable come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// The data sources that are a Prometheus.
    DataSource,
    /// Labels of series.
    Labels {
        /// Grafana's `label_values(…)`.
        query: String,
        /// Whether several can be chosen, and all are at first.
        is_many: bool,
    },
    /// One of these words.
    Words(&'static [(&'static str, Text)]),
}

/// One dashboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// Its unique name, which never changes.
    pub uid: &'static str,
    /// Its title.
    pub title: Text,
    /// What it is for.
    pub description: Text,
    /// What can be chosen; the data source comes by itself.
    pub variables: Vec<Variable>,
    /// What is shown.
    pub rows: Vec<Row>,
    /// How far it looks back, such as `now-6h`.
    pub since: &'static str,
}

impl Dashboard {
    /// All panels.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }
}
