//! Every query mistake gets its exact answer, and every endpoint does what
//! operators and scripts know of it.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::lab::{LIMIT, Lab, PASSWORD, USER, machine, module, modules, own_metric, scrape};
use crate::support::exporter::Exporter;
use crate::support::exposition::Exposition;
use crate::support::http::{self, Response};
use crate::support::wait_for;

fn request(exporter: &Exporter, method: &str, path: &str) -> Response {
    http::request(exporter.address, method, path, &[]).expect("an answer")
}

fn accepting(exporter: &Exporter, path: &str, headers: &[(&str, &str)]) -> Response {
    http::request(exporter.address, "GET", path, headers).expect("an answer")
}

#[test]
fn every_mistake_in_a_query_is_named() {
    const NO_TARGET: &str = "'target' parameter must be specified";
    const NOT_ONE: &str = "target must be one host, not a list or a range";
    const URL: &str = "target must be a host or host:port, not a URL";
    const BLANK: &str = "target contains a blank or a control character";
    const PORT: &str = "target has a bad port; it must be a number from 1 to 65535";
    const IPV4: &str =
        "target looks like an IPv4 address but is not one; write four numbers from 0 to 255";
    const NAME: &str = "target is not a valid host name";
    const UNICAST: &str =
        "target is an unspecified, multicast or broadcast address, which no BMC can have";
    const BRACKETS: &str =
        "target has unbalanced brackets; write an IPv6 address with port as [2001:db8::1]:623";
    let long = format!("target={}&module=bmc", "a".repeat(256));
    let cases: &[(&str, &str)] = &[
        ("", NO_TARGET),
        ("module=bmc", NO_TARGET),
        ("target=", NO_TARGET),
        ("target=&target=10.0.0.1&module=bmc", NO_TARGET),
        ("Target=10.0.0.1&module=bmc", NO_TARGET),
        ("target=10.0.0.1", "Unknown module \"default\""),
        ("target=10.0.0.1&module=", "Unknown module \"default\""),
        ("target=10.0.0.1&module=BMC", "Unknown module \"BMC\""),
        (
            "target=10.0.0.1&module=no&module=bmc",
            "Unknown module \"no\"",
        ),
        (
            "target=10.0.0.1&module=%22%0A%3Cb%3E",
            "Unknown module \"\\\"\\n<b>\"",
        ),
        ("target=a,b&module=bmc", NOT_ONE),
        ("target=10.0.0.%5B1-200%5D&module=bmc", NOT_ONE),
        ("target=node%5B1-9%5D:623&module=bmc", NOT_ONE),
        ("target=http://10.0.0.1/&module=bmc", URL),
        ("target=admin%4010.0.0.1&module=bmc", URL),
        ("target=10.0.0.0/24&module=bmc", URL),
        ("target=10.0.0.1%20-c&module=bmc", BLANK),
        ("target=10.0.0.1+x&module=bmc", BLANK),
        ("target=10.0.0.1%0d%0aHost:x&module=bmc", BLANK),
        ("target=a%00b&module=bmc", BLANK),
        ("target=10.0.0.1:0&module=bmc", PORT),
        ("target=10.0.0.1:65536&module=bmc", PORT),
        ("target=10.0.0.1:&module=bmc", PORT),
        ("target=10.0.0.1:ipmi&module=bmc", PORT),
        ("target=10.0.0.1:%2B623&module=bmc", PORT),
        ("target=bmc.example:-1&module=bmc", PORT),
        ("target=:623&module=bmc", "target is empty"),
        ("target=10.0.0.300&module=bmc", IPV4),
        ("target=127.1&module=bmc", IPV4),
        ("target=0x7f000001&module=bmc", IPV4),
        ("target=2130706433&module=bmc", IPV4),
        ("target=-x&module=bmc", NAME),
        ("target=a..b&module=bmc", NAME),
        ("target=b%C3%BCro&module=bmc", NAME),
        ("target=0.0.0.0&module=bmc", UNICAST),
        ("target=255.255.255.255&module=bmc", UNICAST),
        ("target=224.0.0.1&module=bmc", UNICAST),
        ("target=%5Bff02::1%5D&module=bmc", UNICAST),
        ("target=%5B::1&module=bmc", BRACKETS),
        ("target=%5B::1%5D623&module=bmc", BRACKETS),
        (
            "target=%5B10.0.0.1%5D&module=bmc",
            "target has brackets around something that is not an IPv6 address",
        ),
        (
            "target=1:2:3&module=bmc",
            "target has several colons but is not an IPv6 address",
        ),
        (
            "target=bmc%25eth0&module=bmc",
            "target has a zone (%) that is only legal behind an IPv6 address",
        ),
        (&long, "target is longer than 255 bytes"),
    ];
    let exporter = Exporter::ours(&module(""));
    for (query, message) in cases {
        let answer = request(&exporter, "GET", &format!("/ipmi?{query}"));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, format!("{message}\n").as_str()),
            "{query}"
        );
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    let sent = own_metric(&exporter, "ipmi_exporter_datagrams_sent_total", &[]);
    assert_eq!(sent, 0.0);
    let reasons = ["no_target", "unknown_module", "bad_target"];
    let refused: f64 = reasons
        .iter()
        .map(|reason| {
            let labels = [("reason", *reason)];
            own_metric(&exporter, "ipmi_exporter_refused_scrapes_total", &labels)
        })
        .sum();
    assert_eq!(refused, f64::from(u32::try_from(cases.len()).unwrap()));
}

#[test]
fn an_unknown_name_is_a_bmc_that_is_down() {
    let exporter = Exporter::ours(&module(""));
    let answer = exporter
        .ipmi("no-such-host.invalid", "bmc")
        .expect("an answer");
    assert_eq!(answer.status, 200);
    let exposition = Exposition::parse(&answer.body);
    for collector in ["bmc", "chassis", "dcmi", "ipmi"] {
        let up = exposition.value("ipmi_up", &[("collector", collector)]);
        assert_eq!(up, Some(0.0), "{}", answer.body);
    }
    let log = exporter.process.log();
    assert!(log.contains("no-such-host.invalid"), "{log}");
}

#[test]
fn the_first_target_and_module_count() {
    let lab = Lab::new();
    let sim = lab.start(machine(1));
    let exporter = Exporter::ours(&module(""));
    let query = format!(
        "target={}&target=10.0.0.1&module=bmc&module=no&x=%zz",
        sim.addr()
    );
    let answer = request(&exporter, "GET", &format!("/ipmi?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(sim.counters().logins, 1);
}

#[test]
fn paths_and_methods_are_those_of_the_stock_exporter() {
    let exporter = Exporter::ours(&module(""));
    for (method, path, status, body) in [
        ("GET", "/-/healthy", 200, "OK\n"),
        ("GET", "/-/ready", 200, "Ready\n"),
        ("GET", "/nothing", 404, "404 page not found\n"),
        ("GET", "/ipmi/", 404, "404 page not found\n"),
        ("GET", "/metrics/x", 404, "404 page not found\n"),
        ("GET", "/-/quit", 404, "404 page not found\n"),
        ("GET", "/debug/pprof/", 404, "404 page not found\n"),
        ("GET", "/config", 404, "404 page not found\n"),
        ("GET", "/-/reload", 405, "Only POST requests allowed\n"),
        ("PUT", "/-/reload", 405, "Only POST requests allowed\n"),
        ("POST", "/-/reload", 200, ""),
        (
            "POST",
            "/ipmi",
            400,
            "'target' parameter must be specified\n",
        ),
    ] {
        let answer = request(&exporter, method, path);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, body),
            "{method} {path}"
        );
        if status == 405 {
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
    for method in ["GET", "POST", "OPTIONS"] {
        assert_eq!(
            request(&exporter, method, "/metrics").status,
            200,
            "{method}"
        );
    }
}

#[test]
fn a_head_request_gets_the_head_alone() {
    let exporter = Exporter::ours(&module(""));
    for (path, status) in [("/metrics", 200), ("/", 200), ("/ipmi", 400), ("/x", 404)] {
        let mut stream = std::net::TcpStream::connect(exporter.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[test]
fn answers_are_text_unless_open_metrics_is_asked_for() {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let lab = Lab::new();
    let sim = lab.start(machine(2));
    let exporter = Exporter::ours(&module(""));
    let scrape = format!("/ipmi?target={}&module=bmc", sim.addr());
    for path in [scrape.as_str(), "/metrics"] {
        for (accept, content_type) in [
            ("", TEXT),
            ("*/*", TEXT),
            ("text/plain", TEXT),
            ("application/json", TEXT),
            ("application/openmetrics-text", OPEN_METRICS),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2",
                OPEN_METRICS,
            ),
            (
                "application/openmetrics-text;q=0.1,text/plain;version=0.0.4;q=0.9",
                TEXT,
            ),
            ("application/openmetrics-text;version=9.9.9", TEXT),
        ] {
            let answer = accepting(&exporter, path, &[("Accept", accept)]);
            assert_eq!(
                answer.headers["content-type"], content_type,
                "{path} {accept}"
            );
            let is_open = content_type == OPEN_METRICS;
            assert_eq!(answer.body.ends_with("# EOF\n"), is_open, "{path} {accept}");
            assert_eq!(answer.body.matches("# EOF").count(), usize::from(is_open));
            Exposition::parse(&answer.body);
        }
    }
}

#[test]
fn answers_are_compressed_for_those_who_take_it() {
    let lab = Lab::new();
    let sim = lab.start(machine(30));
    let exporter = Exporter::ours(&module(""));
    let scrape = format!("/ipmi?target={}&module=bmc", sim.addr());
    for path in [scrape.as_str(), "/metrics"] {
        let plain = accepting(&exporter, path, &[("Accept-Encoding", "gzip;q=0, br")]);
        assert_eq!(plain.headers.get("content-encoding"), None);
        let packed = accepting(&exporter, path, &[("Accept-Encoding", "zstd, gzip")]);
        assert_eq!(packed.headers["content-encoding"], "gzip");
        assert!(packed.bytes.len() * 2 < plain.bytes.len());
        let mut text = String::new();
        GzDecoder::new(&packed.bytes[..])
            .read_to_string(&mut text)
            .unwrap();
        let names = |text: &str| Vec::from_iter(Exposition::parse(text).series.into_keys());
        assert_eq!(names(&text), names(&plain.body));
    }
    let error = accepting(&exporter, "/ipmi", &[("Accept-Encoding", "gzip")]);
    assert_eq!(error.headers.get("content-encoding"), None);
    assert_eq!(error.body, "'target' parameter must be specified\n");
}

#[test]
fn the_landing_page_names_modules_and_nothing_in_them() {
    let exporter = Exporter::ours(&modules(&[
        ("default", "    targets: [10.9.8.7]"),
        ("\"<b>&\"", ""),
        ("plain", ""),
    ]));
    let page = request(&exporter, "GET", "/");
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    for expected in [
        "<option selected>default</option>",
        "<option>plain</option>",
        "<option>&lt;b&gt;&amp;</option>",
        "href=\"metrics\"",
    ] {
        assert!(
            page.body.contains(expected),
            "{expected} is not in\n{}",
            page.body
        );
    }
    for secret in [USER, PASSWORD, "10.9.8.7"] {
        assert!(!page.body.contains(secret), "{}", page.body);
    }
}

#[test]
fn more_targets_than_allowed_are_refused_and_not_forgotten() {
    let lab = Lab::new();
    let sims: Vec<_> = (0..3).map(|_| lab.start(machine(1))).collect();
    let exporter = Exporter::ours_with(&module(""), |_| {
        vec![
            "--targets.max=2".to_owned(),
            "--target.idle-timeout=1s".to_owned(),
        ]
    });
    for sim in &sims[..2] {
        assert!(scrape(&exporter, sim).is_complete());
    }
    let refused = exporter.ipmi(&sims[2].addr().to_string(), "bmc").unwrap();
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, "too many targets: 2 are in use; raise --targets.max\n")
    );
    assert_eq!(sims[2].counters().datagrams_received, 0);
    // Room is made by targets that nobody asks for.
    wait_for("room", LIMIT, || {
        (own_metric(&exporter, "ipmi_exporter_targets", &[]) == 0.0).then_some(())
    });
    assert!(scrape(&exporter, &sims[2]).is_complete());
}
