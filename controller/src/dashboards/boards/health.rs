//! Whether the exporters and the controller do their work.

use super::super::HEALTH;
use super::super::model::{
    Colour, Column, Dashboard, Mapping, Panel, Row, Step, Target, Unit, query, text,
};
use super::super::promql::count;
use super::{ANY_IS_CRITICAL, ANY_IS_WARNING};

const EXPORTER: &str = r#"job="ipmi-exporter""#;
const SERVERS: &str = r#"job="ipmi-servers""#;

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: HEALTH,
        title: text("IPMI exporters and controller", "IPMI 采集器与控制器"),
        description: text(
            "Whether the exporters read the BMCs and the controller publishes. Needs scrape jobs ipmi-exporter and ipmi-controller for their own metrics.",
            "采集器能否正常读取 BMC，控制器能否正常发布。需要名为 ipmi-exporter 与 ipmi-controller 的采集任务。",
        ),
        variables: Vec::new(),
        rows: vec![now(), reading(), controller(), processes()],
        since: "now-6h",
    }
}

fn rate(metric: &str, by: &str) -> String {
    format!("sum by ({by}) (rate({metric}{{{EXPORTER}}}[$__rate_interval]))")
}

fn now() -> Row {
    Row {
        title: text("Now", "当前"),
        panels: vec![
            Panel::stat(
                text("Exporters down", "故障采集器"),
                text(
                    "Exporters that do not answer Prometheus. Nobody watches their servers.",
                    "Prometheus 无法访问的采集器，其负责的服务器无人监控。",
                ),
                Unit::Count,
            )
            .ask(query(count(&format!("up{{{EXPORTER}}} == 0")), ""))
            .steps(ANY_IS_CRITICAL),
            Panel::stat(
                text("Controller", "控制器"),
                text(
                    "Whether exactly one controller leads: it publishes and makes backups.",
                    "是否恰有一个控制器处于主导状态（负责发布与备份）。",
                ),
                Unit::State,
            )
            .ask(query(
                "(sum(ipmi_controller_leader) or vector(0)) == bool 1",
                "",
            ))
            .words(Mapping::Up),
            Panel::stat(
                text("Failed artefacts", "发布失败"),
                text(
                    "What the controller could not publish; its page says why.",
                    "控制器未能发布的内容，原因见控制器页面。",
                ),
                Unit::Count,
            )
            .ask(query(
                count(r#"ipmi_controller_sync_state{state="failed"} == 1"#),
                "",
            ))
            .steps(ANY_IS_CRITICAL),
            Panel::stat(
                text("Blind spots", "监控盲区"),
                text(
                    "Monitored servers that are no target of any Prometheus.",
                    "应监控但未成为任何 Prometheus 目标的服务器数量。",
                ),
                Unit::Count,
            )
            .ask(query("max(ipmi_controller_sync_blind_spots)", ""))
            .steps(ANY_IS_WARNING),
            Panel::stat(
                text("Sessions", "BMC 会话"),
                text(
                    "BMC sessions that exporters hold.",
                    "采集器保持的 BMC 会话数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("sum(ipmi_exporter_sessions_open{{{EXPORTER}}})"),
                "",
            )),
            Panel::stat(
                text("Last backup", "最近备份"),
                text(
                    "When the last good backup of the controller was complete.",
                    "控制器最近一次成功备份的时间。",
                ),
                Unit::Ago,
            )
            .ask(query(
                r#"max(ipmi_controller_run_last_success_timestamp_seconds{kind="backup"}) * 1000"#,
                "",
            )),
        ],
    }
}

fn reading() -> Row {
    Row {
        title: text("Reading BMCs", "读取 BMC"),
        panels: vec![
            Panel::stack(
                text("Scrapes", "采集"),
                text(
                    "Answered scrapes: complete had all collectors up, partial some, failed none.",
                    "已应答的采集：complete 全部采集项成功，partial 部分成功，failed 全部失败。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                rate("ipmi_exporter_scrapes_total", "result"),
                "{{result}}",
            )),
            Panel::graph(
                text("Time to read a BMC", "采集耗时"),
                text(
                    "Half of the scrapes, nine in ten, and all take no longer than this. Compare with the scrape's time-out.",
                    "采集耗时的中位数、90 分位与最大值，请与采集超时对照。",
                ),
                Unit::Seconds,
            )
            .ask(query(
                format!("quantile(0.5, ipmi_scrape_duration_seconds{{{SERVERS}}})"),
                "50 %",
            ))
            .ask(query(
                format!("quantile(0.9, ipmi_scrape_duration_seconds{{{SERVERS}}})"),
                "90 %",
            ))
            .ask(query(
                format!("max(ipmi_scrape_duration_seconds{{{SERVERS}}})"),
                "100 %",
            ))
            .range(Some(0.0), None),
            Panel::graph(
                text("Log-ins", "登录"),
                text(
                    "Log-ins at BMCs by result. A session is held, so there are few; wrong_password and unknown_user lock accounts.",
                    "按结果统计的 BMC 登录次数。会话会被保持，因此次数应很少；wrong_password 与 unknown_user 可能锁定账号。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                rate("ipmi_exporter_logins_total", "result"),
                "{{result}}",
            )),
            Panel::graph(
                text("Failed requests", "失败的请求"),
                text(
                    "Requests of collectors without a usable answer, by reason.",
                    "未得到可用应答的请求，按原因统计。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                rate("ipmi_exporter_request_failures_total", "reason"),
                "{{reason}}",
            )),
            Panel::graph(
                text("Requests sent again", "重传比例"),
                text(
                    "Share of the datagrams that had to be sent again: a network that loses packets, or BMCs that are overloaded.",
                    "需要重传的报文比例：网络丢包或 BMC 过载。",
                ),
                Unit::Ratio,
            )
            .ask(query(
                format!(
                    "{} / {}",
                    rate("ipmi_exporter_retransmissions_total", "instance"),
                    rate("ipmi_exporter_datagrams_sent_total", "instance")
                ),
                "{{instance}}",
            ))
            .range(Some(0.0), None),
            Panel::graph(
                text("BMCs and sessions", "BMC 与会话"),
                text(
                    "BMCs that each exporter knows, and the sessions that it holds.",
                    "每个采集器已知的 BMC 数量及其保持的会话数。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("ipmi_exporter_targets{{{EXPORTER}}}"),
                "{{instance}}: BMC",
            ))
            .ask(query(
                format!("ipmi_exporter_sessions_open{{{EXPORTER}}}"),
                "{{instance}}: session",
            )),
            Panel::graph(
                text("Collectors that fail", "失败的采集项"),
                text(
                    "BMCs at which a collector failed, by collector.",
                    "各采集项失败的 BMC 数量。",
                ),
                Unit::Count,
            )
            .ask(query(
                format!("count by (collector) (ipmi_up{{{SERVERS}}} == 0)"),
                "{{collector}}",
            )),
            Panel::bars(
                text("Slowest BMCs", "最慢的 BMC"),
                text(
                    "The ten BMCs that take longest to be read.",
                    "读取耗时最长的十个 BMC。",
                ),
                Unit::Seconds,
            )
            .ask(query(
                format!(
                    "topk(10, max by (server_name) (ipmi_scrape_duration_seconds{{{SERVERS}}}))"
                ),
                "{{server_name}}",
            ))
            .leads_to(Target::Server),
        ],
    }
}

fn controller() -> Row {
    Row {
        title: text("Controller", "控制器"),
        panels: vec![
            Panel::table(
                text("What is published", "发布状态"),
                text(
                    "Each artefact at each server: its state, how many entries it has, and how often somebody else's change was undone.",
                    "每台服务器上每类内容的状态、条目数，以及外部改动被修复的次数。",
                ),
                vec![
                    Column::label("artefact", text("Artefact", "内容")),
                    Column::label("server", text("Server", "服务端")),
                    Column::label("state", text("State", "状态")),
                    Column::value(1, text("Entries", "条目"), Unit::Count),
                    Column::value(2, text("Repairs", "修复次数"), Unit::Count),
                ],
            )
            .ask(query(
                "max by (artefact, server, state) (ipmi_controller_sync_state == 1)",
                "",
            ))
            .ask(query(
                "max by (artefact, server) (ipmi_controller_sync_entries)",
                "",
            ))
            .ask(query(
                "max by (artefact, server) (ipmi_controller_sync_repairs)",
                "",
            ))
            .size(24, 7),
            Panel::stack(
                text("Requests", "请求"),
                text(
                    "Answered requests by class of status.",
                    "按状态码类别统计的已应答请求。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                "sum by (status) (rate(ipmi_controller_http_requests_total[$__rate_interval]))",
                "{{status}}",
            )),
            Panel::graph(
                text("Time to answer", "应答耗时"),
                text(
                    "Nine of ten requests, and 99 of 100, are answered within this time.",
                    "请求应答时间的 90 与 99 分位。",
                ),
                Unit::Seconds,
            )
            .ask(query(quantile("0.9", "http_request_duration"), "90 %"))
            .ask(query(quantile("0.99", "http_request_duration"), "99 %"))
            .range(Some(0.0), None),
            Panel::graph(
                text("Deliveries of alerts", "告警投递"),
                text(
                    "Deliveries by sender and outcome. Failed ones come again by themselves.",
                    "按来源与结果统计的告警投递。失败的投递会自动重试。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                "sum by (inlet, outcome) (rate(ipmi_controller_journal_deliveries_total[$__rate_interval]))",
                "{{inlet}} {{outcome}}",
            )),
            Panel::graph(
                text("Transactions", "事务耗时"),
                text(
                    "Nine of ten, and 99 of 100, transactions of the store end within this time.",
                    "存储事务耗时的 90 与 99 分位。",
                ),
                Unit::Seconds,
            )
            .ask(query(
                quantile("0.9", "store_transaction_duration"),
                "90 %",
            ))
            .ask(query(
                quantile("0.99", "store_transaction_duration"),
                "99 %",
            ))
            .range(Some(0.0), None),
            Panel::graph(
                text("Sign-ins", "登录控制器"),
                text(
                    "Attempts to sign in at the controller, by outcome. Many refused ones are an attack or a forgotten script.",
                    "登录控制器的次数，按结果统计。大量被拒可能是攻击或遗留脚本。",
                ),
                Unit::PerSecond,
            )
            .ask(query(
                "sum by (outcome) (rate(ipmi_controller_logins_total[$__rate_interval]))",
                "{{outcome}}",
            )),
            Panel::graph(
                text("Size of the database", "数据库大小"),
                text("Size of the controller's database.", "控制器数据库的大小。"),
                Unit::Bytes,
            )
            .ask(query("max(ipmi_controller_store_bytes)", "database"))
            .range(Some(0.0), None),
        ],
    }
}

fn quantile(share: &str, what: &str) -> String {
    format!(
        "histogram_quantile({share}, sum by (le) (rate(ipmi_controller_{what}_seconds_bucket[$__rate_interval])))"
    )
}

fn processes() -> Row {
    let both = r#"job=~"ipmi-exporter|ipmi-controller""#;
    Row {
        title: text("Processes", "进程"),
        panels: vec![
            Panel::graph(
                text("Memory", "内存"),
                text(
                    "Resident memory of exporters and controllers.",
                    "采集器与控制器的常驻内存。",
                ),
                Unit::Bytes,
            )
            .ask(query(
                format!("process_resident_memory_bytes{{{both}}}"),
                "{{job}} {{instance}}",
            ))
            .range(Some(0.0), None)
            .size(8, 7),
            Panel::graph(
                text("Processor", "处理器"),
                text(
                    "Processor time: 100 % is one core.",
                    "处理器占用：100 % 为一个核心。",
                ),
                Unit::Ratio,
            )
            .ask(query(
                format!("rate(process_cpu_seconds_total{{{both}}}[$__rate_interval])"),
                "{{job}} {{instance}}",
            ))
            .range(Some(0.0), None)
            .size(8, 7),
            Panel::bars(
                text("File descriptors", "文件描述符"),
                text(
                    "Share of the file descriptors that a process may have and has open.",
                    "已打开文件描述符占上限的比例。",
                ),
                Unit::Ratio,
            )
            .ask(query(
                format!("process_open_fds{{{both}}} / process_max_fds{{{both}}}"),
                "{{job}} {{instance}}",
            ))
            .steps(&[Step(0.7, Colour::Warning), Step(0.9, Colour::Critical)])
            .range(Some(0.0), Some(1.0))
            .size(8, 7),
        ],
    }
}
