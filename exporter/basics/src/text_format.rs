//! OpenMetrics text to text format 0.0.4, line by line.
//!
//! `prometheus-client` writes only OpenMetrics, where a counter's `TYPE` and
//! `HELP` lack the suffix that its samples have. Old parsers want it there, and
//! know neither `UNIT` nor `EOF`.

/// Appends the translation of `open_metrics` to `out`.
pub fn from_open_metrics(open_metrics: &str, out: &mut String) {
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // Held back until the type is known.
            help = rest.split_once(' ');
            continue;
        }
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let kind = match kind {
                "unknown" => "untyped",
                "info" | "stateset" => "gauge",
                other => other,
            };
            if let Some((_, text)) = help.take() {
                out.push_str(&format!("# HELP {name}{suffix} {text}\n"));
            }
            out.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_get_their_suffix_and_the_rest_stays() {
        let open_metrics = "# HELP a_logins Log-ins.\n# TYPE a_logins counter\na_logins_total{result=\"success\"} 3\n# HELP b Bytes.\n# TYPE b gauge\n# UNIT b bytes\nb 1.5\n# EOF\n";
        let mut out = String::new();
        from_open_metrics(open_metrics, &mut out);
        assert_eq!(
            out,
            "# HELP a_logins_total Log-ins.\n# TYPE a_logins_total counter\na_logins_total{result=\"success\"} 3\n# HELP b Bytes.\n# TYPE b gauge\nb 1.5\n"
        );
    }
}
