//! Grafana's JSON of a dashboard.
//!
//! It is the classic model, which all versions from 10.2 on take; newer ones bring
//! it to their own form when they show it. Only what Grafana's published schema
//! knows is written, and nothing that it adds by itself.

use serde_json::{Map, Value, json};

use super::model::{
    Column, Dashboard, Language, Mapping, Panel, Query, Role, Step, Target, Text, Unit, Values,
    Variable, Visual, ref_id,
};
use super::{SERVER, TAG, text};

/// Version of the classic model: that of Grafana 10.2.
const SCHEMA_VERSION: u32 = 38;
/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;
/// Data source of every query: the variable.
const DATA_SOURCE: &str = "${datasource}";

/// For whom a dashboard is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The language of titles and descriptions.
    pub language: Language,
    /// Unique name of the data source that is chosen at first; Grafana's default
    /// one when absent.
    pub data_source: Option<String>,
    /// Where browsers reach the controller's page; without it nothing leads there.
    pub page: Option<String>,
}

struct Writer<'a> {
    options: &'a Options,
}

impl Dashboard {
    /// The dashboard as Grafana reads it, without number and version.
    #[must_use]
    pub fn write(&self, options: &Options) -> Value {
        Writer { options }.dashboard(self)
    }
}

impl Writer<'_> {
    fn text(&self, text: Text) -> &'static str {
        text.get(self.options.language)
    }

    fn dashboard(&self, dashboard: &Dashboard) -> Value {
        json!({
            "uid": dashboard.uid,
            "title": self.text(dashboard.title),
            "description": self.text(dashboard.description),
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "editable": true,
            "timezone": "browser",
            "time": {"from": dashboard.since, "to": "now"},
            "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m", "1h"]},
            "refresh": "1m",
            // Pointing at a moment shows it in all graphs.
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "liveNow": false,
            "annotations": {"list": []},
            "links": self.links(),
            "templating": {"list": self.variables(&dashboard.variables)},
            "panels": self.panels(dashboard),
        })
    }

    fn links(&self) -> Vec<Value> {
        let mut links = vec![link(
            self.text(text("IPMI dashboards", "IPMI 仪表盘")),
            self.text(text("The other dashboards", "其他仪表盘")),
            json!({"type": "dashboards", "tags": [TAG], "icon": "external link",
                "asDropdown": true, "includeVars": true, "keepTime": true}),
        )];
        if let Some(page) = &self.options.page {
            links.push(link(
                self.text(text("Controller", "控制器")),
                self.text(text(
                    "Servers, rules and the journal of alerts",
                    "服务器、规则与告警记录",
                )),
                json!({"type": "link", "url": page, "icon": "cloud", "targetBlank": true}),
            ));
        }
        links
    }

    fn variables(&self, variables: &[Variable]) -> Vec<Value> {
        let source = Variable {
            name: "datasource",
            label: text("Data source", "数据源"),
            values: Values::DataSource,
        };
        std::iter::once(&source)
            .chain(variables)
            .map(|variable| self.variable(variable))
            .collect()
    }

    fn variable(&self, variable: &Variable) -> Value {
        let mut written = json!({
            "name": variable.name,
            "label": self.text(variable.label),
            "hide": 0,
            "skipUrlSync": false,
        });
        let more = match &variable.values {
            Values::DataSource => {
                let uid = self.options.data_source.as_deref();
                let current = uid.map_or_else(
                    || json!({}),
                    |uid| json!({"current": {"selected": true, "text": uid, "value": uid}}),
                );
                let kind = json!({"type": "datasource", "query": "prometheus", "regex": "",
                    "refresh": 1, "multi": false, "includeAll": false, "options": []});
                merged(kind, current)
            }
            Values::Labels { query, is_many } => {
                let kind = json!({"type": "query", "datasource": data_source(),
                    "query": {"query": query, "refId": variable.name},
                    // Anew with each range; by the alphabet.
                    "refresh": 2, "sort": 1, "regex": "", "options": [],
                    "multi": is_many, "includeAll": is_many});
                // Servers without the label are meant, too.
                let all = json!({"allValue": ".*",
                    "current": {"selected": true, "text": ["All"], "value": ["$__all"]}});
                merged(kind, if *is_many { all } else { json!({}) })
            }
            Values::Words(words) => {
                let options: Vec<Value> = words
                    .iter()
                    .enumerate()
                    .map(|(place, (value, name))| {
                        json!({"selected": place == 0, "text": self.text(*name), "value": value})
                    })
                    .collect();
                let query: Vec<String> = words
                    .iter()
                    .map(|(value, name)| format!("{} : {value}", self.text(*name)))
                    .collect();
                json!({"type": "custom", "query": query.join(","), "multi": false,
                    "includeAll": false, "current": options.first(), "options": options})
            }
        };
        written = merged(written, more);
        written
    }

    /// Rows with their panels, from left to right and from top to bottom.
    fn panels(&self, dashboard: &Dashboard) -> Vec<Value> {
        let mut written: Vec<Value> = Vec::new();
        let mut y = 0;
        for row in &dashboard.rows {
            let id = written.len() + 1;
            written.push(
                json!({"id": id, "type": "row", "title": self.text(row.title),
                "collapsed": false, "panels": [], "gridPos": place(0, y, COLUMNS, 1)}),
            );
            y += 1;
            let (mut x, mut tallest) = (0, 0);
            for panel in &row.panels {
                let (width, height) = (u32::from(panel.width), u32::from(panel.height));
                if x + width > COLUMNS {
                    y += tallest;
                    (x, tallest) = (0, 0);
                }
                let id = written.len() + 1;
                let place = json!({"id": id, "gridPos": place(x, y, width, height)});
                written.push(merged(self.panel(panel), place));
                x += width;
                tallest = tallest.max(height);
            }
            y += tallest;
        }
        written
    }

    fn panel(&self, panel: &Panel) -> Value {
        let targets: Vec<Value> = panel
            .queries
            .iter()
            .enumerate()
            .map(|(at, query)| target(at, query, &panel.visual))
            .collect();
        let mut written = json!({
            "type": kind(&panel.visual),
            "title": self.text(panel.title),
            "description": self.text(panel.description),
            "datasource": data_source(),
            "targets": targets,
            "options": self.options(panel),
            "fieldConfig": {
                "defaults": self.defaults(panel),
                "overrides": self.overrides(panel),
            },
        });
        if let Visual::Table(columns) = &panel.visual {
            written["transformations"] = self.transformations(columns);
        }
        written
    }

    fn options(&self, panel: &Panel) -> Value {
        let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
        let legend = json!({"displayMode": "list", "placement": "bottom", "showLegend": true,
            "calcs": []});
        match &panel.visual {
            Visual::Graph { .. } => json!({
                "legend": legend,
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Visual::Stat => json!({
                "colorMode": if panel.steps.is_empty() && panel.mapping.is_none() { "none" } else { "background" },
                "graphMode": if panel.mapping.is_some() { "none" } else { "area" },
                "justifyMode": "auto", "orientation": "auto", "textMode": "value",
                "wideLayout": true, "showPercentChange": false,
                "percentChangeColorMode": "standard", "reduceOptions": reduce,
            }),
            Visual::Bars => json!({
                "displayMode": "basic", "orientation": "horizontal", "valueMode": "color",
                "namePlacement": "left", "showUnfilled": true, "sizing": "auto",
                "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 40,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": false,
                    "calcs": []},
                "reduceOptions": reduce,
            }),
            Visual::Table(_) => json!({
                "showHeader": true, "cellHeight": "sm", "frameIndex": 0,
            }),
            Visual::States => json!({
                "mergeValues": true, "showValue": "never", "alignValue": "left",
                "rowHeight": 0.8, "legend": legend,
                "tooltip": {"mode": "single", "sort": "none"},
            }),
            Visual::Heatmap => json!({
                "calculate": true,
                "calculation": {"xBuckets": {"mode": "size"}, "yBuckets": {"mode": "count", "value": "20"}},
                "cellGap": 1,
                "cellValues": {"unit": Unit::Count.as_str()},
                "color": {"mode": "scheme", "scheme": "Oranges", "steps": 32, "exponent": 0.5,
                    "fill": "dark-orange", "reverse": false},
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "filterValues": {"le": 1e-9},
                "legend": {"show": true},
                "rowsFrame": {"layout": "auto"},
                "showValue": "never",
                "tooltip": {"mode": "single", "showColorScale": false, "yHistogram": true},
                "yAxis": {"axisPlacement": "left", "unit": panel.unit.as_str(), "reverse": false},
            }),
        }
    }

    fn defaults(&self, panel: &Panel) -> Value {
        let mut defaults = json!({
            "unit": panel.unit.as_str(),
            "mappings": panel.mapping.map_or_else(Vec::new, |mapping| self.mapping(mapping)),
            "thresholds": thresholds(&panel.steps),
            "color": {"mode": match &panel.visual {
                Visual::Graph { .. } | Visual::Heatmap => "palette-classic",
                _ => "thresholds",
            }},
        });
        let (least, greatest) = panel.range;
        for (key, value) in [("min", least), ("max", greatest)] {
            if let Some(value) = value {
                defaults[key] = value.into();
            }
        }
        if let Some(link) = panel
            .link
            .and_then(|target| self.leads_to(target, "${__field.labels.server_name:percentencode}"))
        {
            defaults["links"] = json!([link]);
        }
        defaults["custom"] = match &panel.visual {
            Visual::Graph { is_stacked } => {
                let stacking = if *is_stacked { "normal" } else { "none" };
                let fill = if *is_stacked { 30 } else { 0 };
                let thresholds = if panel.steps.is_empty() {
                    "off"
                } else {
                    "line"
                };
                json!({"drawStyle": "line", "lineWidth": 1, "fillOpacity": fill,
                    "showPoints": "never", "spanNulls": false,
                    "stacking": {"mode": stacking, "group": "A"},
                    "thresholdsStyle": {"mode": thresholds}})
            }
            Visual::States => json!({"fillOpacity": 80, "lineWidth": 0}),
            Visual::Table(_) => json!({"align": "auto", "cellOptions": {"type": "auto"},
                "inspect": false, "filterable": true}),
            Visual::Heatmap => {
                json!({"hideFrom": {"legend": false, "tooltip": false, "viz": false}})
            }
            Visual::Stat | Visual::Bars => return defaults,
        };
        defaults
    }

    fn overrides(&self, panel: &Panel) -> Vec<Value> {
        if let Visual::Table(columns) = &panel.visual {
            return columns.iter().map(|column| self.column(column)).collect();
        }
        let limits = panel.queries.iter().enumerate().filter_map(|(at, query)| {
            let Role::Limit(colour) = query.role else {
                return None;
            };
            Some(json!({
                "matcher": {"id": "byFrameRefID", "options": ref_id(at).to_string()},
                "properties": [
                    {"id": "color", "value": {"mode": "fixed", "fixedColor": colour.as_str()}},
                    {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}},
                    {"id": "custom.hideFrom",
                        "value": {"legend": true, "tooltip": false, "viz": false}},
                ],
            }))
        });
        limits.collect()
    }

    fn column(&self, column: &Column) -> Value {
        let mut properties = vec![json!({"id": "unit", "value": column.unit.as_str()})];
        if let Some(mapping) = column.mapping {
            properties.push(json!({"id": "mappings", "value": self.mapping(mapping)}));
            properties.push(json!({"id": "custom.cellOptions", "value": {"type": "color-text"}}));
        }
        let cell = "${__value.raw:percentencode}";
        if let Some(link) = column.link.and_then(|target| self.leads_to(target, cell)) {
            properties.push(json!({"id": "links", "value": [link]}));
        }
        json!({
            "matcher": {"id": "byName", "options": self.text(column.title)},
            "properties": properties,
        })
    }

    /// One row for what has the same labels, and columns with their heads.
    fn transformations(&self, columns: &[Column]) -> Value {
        let names: Map<String, Value> = columns
            .iter()
            .map(|column| (column.field.clone(), self.text(column.title).into()))
            .collect();
        let order: Map<String, Value> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| (column.field.clone(), place.into()))
            .collect();
        // A single frame has its value as `Value`.
        let mut names = names;
        if let Some(title) = names.get("Value #A").cloned() {
            names.insert("Value".to_owned(), title);
        }
        let is_shown = |field: &str| columns.iter().any(|column| column.field == field);
        let mut hidden = Map::from_iter([("Time".to_owned(), Value::from(true))]);
        if !is_shown("Value #A") {
            hidden.insert("Value #A".to_owned(), true.into());
            hidden.insert("Value".to_owned(), true.into());
        }
        json!([
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names,
                "indexByName": order}},
        ])
    }

    fn mapping(&self, mapping: Mapping) -> Vec<Value> {
        let mut options = Map::new();
        let mut special = Vec::new();
        for (place, (value, word, colour)) in mapping.words().iter().enumerate() {
            let result = json!({"text": self.text(*word), "color": colour.as_str(),
                "index": place});
            match value {
                Some(value) => {
                    options.insert(value.to_string(), result);
                }
                None => special.push(json!({"type": "special",
                    "options": {"match": "nan", "result": result}})),
            }
        }
        let mut mappings = vec![json!({"type": "value", "options": options})];
        mappings.extend(special);
        mappings
    }

    /// A link on data, if there is anything to lead to. `name` is how Grafana puts
    /// the server's name in.
    fn leads_to(&self, target: Target, name: &str) -> Option<Value> {
        let (title, url, is_outside) = match target {
            Target::Server => (
                text("Open the server's dashboard", "打开服务器仪表盘"),
                format!(
                    "/d/{SERVER}?${{datasource:queryparam}}&var-server={name}&${{__url_time_range}}"
                ),
                false,
            ),
            Target::ControllerAlerts => (
                text("Open the controller's alerts", "打开控制器告警页面"),
                format!(
                    "{}/alerts",
                    self.options.page.as_deref()?.trim_end_matches('/')
                ),
                true,
            ),
        };
        Some(json!({"title": self.text(title), "url": url, "targetBlank": is_outside}))
    }
}

fn target(at: usize, query: &Query, visual: &Visual) -> Value {
    let is_now = matches!(visual, Visual::Table(_) | Visual::Bars);
    let format = if matches!(visual, Visual::Table(_)) {
        "table"
    } else {
        "time_series"
    };
    json!({
        "refId": ref_id(at).to_string(),
        "datasource": data_source(),
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend,
        "format": format,
        "instant": is_now,
        "range": !is_now,
    })
}

fn kind(visual: &Visual) -> &'static str {
    match visual {
        Visual::Graph { .. } => "timeseries",
        Visual::Stat => "stat",
        Visual::Bars => "bargauge",
        Visual::Table(_) => "table",
        Visual::States => "state-timeline",
        Visual::Heatmap => "heatmap",
    }
}

/// The first step has no lower end, which Grafana writes as null.
fn thresholds(steps: &[Step]) -> Value {
    let first = json!({"value": null, "color": super::model::Colour::Good.as_str()});
    let mut written: Vec<Value> = steps
        .iter()
        .map(|Step(from, colour)| {
            let from = from.is_finite().then_some(from);
            json!({"value": from, "color": colour.as_str()})
        })
        .collect();
    if written.first().is_none_or(|step| !step["value"].is_null()) {
        written.insert(0, first);
    }
    json!({"mode": "absolute", "steps": written})
}

fn data_source() -> Value {
    json!({"type": "prometheus", "uid": DATA_SOURCE})
}

fn place(x: u32, y: u32, width: u32, height: u32) -> Value {
    json!({"x": x, "y": y, "w": width, "h": height})
}

fn link(title: &str, tooltip: &str, more: Value) -> Value {
    let all = json!({"title": title, "tooltip": tooltip, "type": "link", "icon": "external link",
        "tags": [], "asDropdown": false, "includeVars": false, "keepTime": false,
        "targetBlank": false, "url": ""});
    merged(all, more)
}

/// The keys of both objects; those of the second win.
fn merged(mut first: Value, second: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (&mut first, second) {
        first.extend(second);
    }
    first
}
