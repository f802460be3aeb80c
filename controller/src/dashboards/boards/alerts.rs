//! Alerts as Prometheus has them.

use super::super::ALERTS;
use super::super::model::{Column, Dashboard, Panel, Row, Step, Target, Unit, query, text};
use super::super::promql::{count, firing};
use super::{ANY_IS_CRITICAL, ANY_IS_WARNING, Colour, places};

/// Alerts at the chosen places, also those that are about no single server.
const SCOPE: &str = r#"site=~"$site",group=~"$group",rack=~"$rack""#;

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: ALERTS,
        title: text("IPMI alerts", "IPMI 告警"),
        description: text(
            "Alerts as Prometheus evaluates them, before they are silenced or inhibited. Who was told, acknowledged and commented is in the controller.",
            "Prometheus 评估得到的告警（静默与抑制之前）。通知、确认与评论记录见控制器页面。",
        ),
        variables: places(),
        rows: vec![now(), over_time()],
        since: "now-24h",
    }
}

fn now() -> Row {
    let of = |severity: &str| count(&firing(&format!("severity=\"{severity}\",{SCOPE}")));
    Row {
        title: text("Now", "当前"),
        panels: vec![
            Panel::stat(
                text("Critical", "严重"),
                text("Critical alerts that fire.", "正在触发的严重告警数量。"),
                Unit::Count,
            )
            .ask(query(of("critical"), ""))
            .steps(ANY_IS_CRITICAL)
            .leads_to(Target::ControllerAlerts),
            Panel::stat(
                text("Warnings", "警告"),
                text("Warnings that fire.", "正在触发的警告数量。"),
                Unit::Count,
            )
            .ask(query(of("warning"), ""))
            .steps(ANY_IS_WARNING)
            .leads_to(Target::ControllerAlerts),
            Panel::stat(
                text("Pending", "待触发"),
                text(
                    "Alerts whose condition holds, but not for long enough yet.",
                    "条件已满足但持续时间尚未达到的告警数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!("ALERTS{{alertstate=\"pending\",{SCOPE}}}")),
                "",
            ))
            .steps(&[Step(1.0, Colour::Neutral)]),
            Panel::stat(
                text("Servers concerned", "涉及的服务器"),
                text(
                    "Servers about which at least one alert fires.",
                    "至少有一条告警正在触发的服务器数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(&format!(
                    "count by (server_id) ({})",
                    firing(&format!("server_id!=\"\",{SCOPE}"))
                )),
                "",
            ))
            .steps(ANY_IS_WARNING),
            Panel::table(
                text("Firing", "正在触发"),
                text(
                    "Alerts that fire, the latest first. A server leads to its dashboard.",
                    "正在触发的告警，按开始时间排序。点击服务器打开其仪表盘。",
                ),
                vec![
                    Column::label("severity", text("Severity", "级别")),
                    Column::label("alertname", text("Alert", "告警"))
                        .leads_to(Target::ControllerAlerts),
                    Column::label("server_name", text("Server", "服务器")).leads_to(Target::Server),
                    Column::label("name", text("Sensor", "传感器")),
                    Column::label("site", text("Site", "站点")),
                    Column::label("group", text("Group", "分组")),
                    Column::value(0, text("Since", "开始于"), Unit::Ago),
                ],
            )
            .ask(query(
                format!(
                    "max by (severity, alertname, server_name, name, site, group) (ALERTS_FOR_STATE{{{SCOPE}}} * 1000 and ignoring (alertstate) {})",
                    firing(SCOPE)
                ),
                "",
            ))
            .size(24, 10),
        ],
    }
}

fn over_time() -> Row {
    let over_range = |labels: &str| {
        format!(
            "topk(10, sum by ({labels}) (count_over_time({}[$__range])))",
            firing(SCOPE)
        )
    };
    Row {
        title: text("Over time", "趋势"),
        panels: vec![
            Panel::stack(
                text("By severity", "按级别"),
                text(
                    "Alerts that fire, by severity.",
                    "正在触发的告警，按级别统计。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("count by (severity) ({})", firing(SCOPE)),
                "{{severity}}",
            )),
            Panel::stack(
                text("By alert", "按告警名称"),
                text("Alerts that fire, by name.", "正在触发的告警，按名称统计。"),
                Unit::Count,
            )
            .ask(query(
                format!("count by (alertname) ({})", firing(SCOPE)),
                "{{alertname}}",
            )),
            Panel::stack(
                text("By site", "按站点"),
                text("Alerts that fire, by site.", "正在触发的告警，按站点统计。"),
                Unit::Count,
            )
            .ask(query(
                format!("count by (site) ({})", firing(SCOPE)),
                "{{site}}",
            )),
            Panel::stack(
                text("By group", "按分组"),
                text(
                    "Alerts that fire, by group.",
                    "正在触发的告警，按分组统计。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("count by (group) ({})", firing(SCOPE)),
                "{{group}}",
            )),
            Panel::bars(
                text("Noisiest alerts", "最频繁的告警"),
                text(
                    "The ten alerts that fired at most evaluations of the range.",
                    "所选时间内触发评估次数最多的十种告警。",
                ),
                Unit::Count,
            )
            .ask(query(over_range("alertname"), "{{alertname}}")),
            Panel::bars(
                text("Noisiest servers", "告警最频繁的服务器"),
                text(
                    "The ten servers about which alerts fired at most evaluations of the range.",
                    "所选时间内触发评估次数最多的十台服务器。",
                ),
                Unit::Count,
            )
            .ask(query(over_range("server_name"), "{{server_name}}"))
            .leads_to(Target::Server),
        ],
    }
}
