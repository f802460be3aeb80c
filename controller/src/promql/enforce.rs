//! Limits an expression to the series of some servers.
//!
//! Every selector of the expression gets one more matcher: `server_id` is one of
//! the servers that the asker sees. Selectors are found by parsing, and what is
//! sent on is not the asker's text but the tree printed anew, so that nothing
//! which the parser has not understood reaches Prometheus.
//!
//! Why `server_id` and not `group`: the label `group` is a name. It can be given
//! to another group, and a server that has moved keeps it on its old series, so
//! a limit by name would show what belongs to others, and in an aggregation
//! nobody could take it out again. The number of a server is never given to
//! another one, and its group is looked up when the question is asked. What bears
//! no `server_id` belongs to no server and is not shown.

use std::panic::resume_unwind;

use promql_parser::label::{Labels, MatchOp, Matcher, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, ParenExpr, SubqueryExpr,
    UnaryExpr, VectorMatchCardinality, VectorSelector, parse,
};
use regex::Regex;

use super::parser::guarded;
use crate::model::Id;

/// The label that says whose series it is.
pub const SERVER_ID: &str = "server_id";
/// What no server has for a number. An empty value would let series without the
/// label through.
const NO_SERVER: &str = "none";
/// Longest expression that is limited, in bytes.
const MAX_QUERY: usize = 16 * 1024;
/// Longest expression with its matchers, in bytes. Prometheus reads forms of up
/// to 10 MB.
const MAX_LIMITED: usize = 8 * 1024 * 1024;
/// The parser recurses, and its printer does: so much suffices for the deepest
/// tree that [`MAX_QUERY`] bytes can be. Only what is used costs memory.
const STACK_BYTES: usize = 128 * 1024 * 1024;

/// Functions whose value depends on their arguments and the time only. `info` is
/// not among them: it looks for series of its own.
const FUNCTIONS: &[&str] = &[
    "abs",
    "absent",
    "absent_over_time",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "delta",
    "deriv",
    "double_exponential_smoothing",
    "exp",
    "first_over_time",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "hour",
    "idelta",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "mad_over_time",
    "max_over_time",
    "min_over_time",
    "minute",
    "month",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rad",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_by_label",
    "sort_by_label_desc",
    "sort_desc",
    "sqrt",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "tan",
    "tanh",
    "time",
    "timestamp",
    "vector",
    "year",
];

/// Why an expression was not limited, and so not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not parse.
    #[error("the expression cannot be understood: {0}")]
    Syntax(String),
    /// It is too long, as it is or with what is added to it.
    #[error("the expression has {bytes} bytes; at most {max} are allowed to users of groups")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// It has something that no limit can be put on.
    #[error("{0} cannot be limited to groups of servers")]
    Unlimitable(String),
}

/// The servers that somebody may know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Numbers with `|` between them: a regular expression in which nothing needs
    /// to be escaped.
    servers: String,
}

impl Limit {
    /// A limit to these servers; without any, nothing matches.
    pub fn servers(ids: impl IntoIterator<Item = Id>) -> Self {
        use std::fmt::Write;
        let mut servers = String::new();
        for id in ids {
            if !servers.is_empty() {
                servers.push('|');
            }
            // Writing into memory cannot fail.
            let _ = write!(servers, "{id}");
        }
        if servers.is_empty() {
            servers.push_str(NO_SERVER);
        }
        Self { servers }
    }

    /// The matcher as text, to stand in braces.
    #[must_use]
    pub fn matcher(&self) -> String {
        format!("{SERVER_ID}=~\"{}\"", self.servers)
    }

    /// The expression with the limit on every selector.
    ///
    /// # Errors
    /// See [`Refusal`]. What is refused must not be asked.
    pub fn enforce(&self, query: &str) -> Result<String, Refusal> {
        if query.len() > MAX_QUERY {
            return Err(Refusal::TooLong {
                bytes: query.len(),
                max: MAX_QUERY,
            });
        }
        // A thread of its own, for its stack.
        let work = || guarded(Refusal::Syntax, || self.print(query));
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("promql".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)
                .map_err(|error| Refusal::Unlimitable(format!("the expression ({error})")))?
                .join()
                .unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn print(&self, query: &str) -> Result<String, Refusal> {
        let original = parse(query).map_err(Refusal::Syntax)?;
        let probe = Matcher::new(MatchOp::Equal, SERVER_ID, NO_SERVER);
        let mut probed = original.clone();
        let selectors = limit(&mut probed, &probe)?;
        // The printer of the crate is wrong about a few things; what it prints
        // must mean what was read.
        if parse(&probed.to_string()).as_ref() != Ok(&probed) {
            return Err(Refusal::Unlimitable(
                "`ignoring()` with nothing in it, a negative `@`, or what else cannot be printed again"
                    .to_owned(),
            ));
        }
        let bytes = query.len() + selectors * self.servers.len();
        if bytes > MAX_LIMITED {
            return Err(Refusal::TooLong {
                bytes,
                max: MAX_LIMITED,
            });
        }
        // The regular expression is for Prometheus; here it only says which
        // operator is printed.
        let any = Regex::new("").map_err(|error| Refusal::Unlimitable(error.to_string()))?;
        let real = Matcher::new(MatchOp::Re(any), SERVER_ID, &self.servers);
        let mut limited = original;
        limit(&mut limited, &real)?;
        Ok(limited.to_string())
    }
}

/// Puts a matcher on every selector below, and counts them. Every kind of node
/// is named: one that is new in the parser must not pass unseen.
fn limit(expr: &mut Expr, matcher: &Matcher) -> Result<usize, Refusal> {
    match expr {
        Expr::Aggregate(AggregateExpr {
            op: _,
            expr,
            param,
            modifier,
        }) => {
            if let Some(modifier) = modifier {
                check_labels(modifier.labels())?;
            }
            // The crate's own walk leaves the parameter out.
            let in_param = match param {
                Some(param) => limit(param, matcher)?,
                None => 0,
            };
            Ok(in_param + limit(expr, matcher)?)
        }
        Expr::Binary(BinaryExpr {
            op: _,
            lhs,
            rhs,
            modifier,
        }) => {
            if let Some(modifier) = modifier {
                check_matching(modifier)?;
            }
            Ok(limit(lhs, matcher)? + limit(rhs, matcher)?)
        }
        Expr::Call(Call { func, args }) => {
            if !FUNCTIONS.contains(&func.name) {
                return Err(Refusal::Unlimitable(format!(
                    "the function `{}`",
                    func.name
                )));
            }
            let mut count = 0;
            for argument in &mut args.args {
                count += limit(argument, matcher)?;
            }
            Ok(count)
        }
        Expr::Unary(UnaryExpr { expr })
        | Expr::Paren(ParenExpr { expr })
        | Expr::Subquery(SubqueryExpr {
            expr,
            offset: _,
            at: _,
            range: _,
            step: _,
        }) => limit(expr, matcher),
        Expr::VectorSelector(selector) => limit_selector(selector, matcher),
        Expr::MatrixSelector(matrix) => limit_selector(&mut matrix.vs, matcher),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(0),
        Expr::Extension(_) => Err(Refusal::Unlimitable("an extension".to_owned())),
    }
}

fn limit_selector(selector: &mut VectorSelector, matcher: &Matcher) -> Result<usize, Refusal> {
    let VectorSelector {
        name,
        matchers: Matchers {
            matchers,
            or_matchers,
        },
        offset: _,
        at: _,
    } = selector;
    // Not of PromQL, but of a relative of it.
    if !or_matchers.is_empty() {
        return Err(Refusal::Unlimitable("`or` between matchers".to_owned()));
    }
    if let Some(name) = name
        && !is_name(name, true)
    {
        return Err(Refusal::Unlimitable(format!("the metric name \"{name}\"")));
    }
    for matcher in matchers.iter() {
        // Some storage reads names with underscores as commands.
        let is_plain = is_name(&matcher.name, false) && !matcher.name.starts_with("__");
        if !is_plain && matcher.name != "__name__" {
            return Err(Refusal::Unlimitable(format!(
                "the label name \"{}\"",
                matcher.name
            )));
        }
    }
    matchers.push(matcher.clone());
    // The printer sorts them, and what it prints is compared with this.
    matchers.sort_by_cached_key(ToString::to_string);
    Ok(1)
}

fn check_matching(modifier: &BinModifier) -> Result<(), Refusal> {
    match &modifier.matching {
        Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) => {
            check_labels(labels)?;
        }
        None => {}
    }
    match &modifier.card {
        VectorMatchCardinality::ManyToOne(labels) | VectorMatchCardinality::OneToMany(labels) => {
            check_labels(labels)
        }
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Ok(()),
    }
}

fn check_labels(labels: &Labels) -> Result<(), Refusal> {
    match labels.labels.iter().find(|label| !is_name(label, false)) {
        None => Ok(()),
        Some(label) => Err(Refusal::Unlimitable(format!("the label name \"{label}\""))),
    }
}

/// A name as every version of Prometheus writes it, without quotes.
fn is_name(text: &str, with_colons: bool) -> bool {
    let is_good = |c: char| c.is_ascii_alphabetic() || c == '_' || (with_colons && c == ':');
    text.starts_with(is_good) && text.chars().all(|c| is_good(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn enforce(query: &str) -> Result<String, Refusal> {
        Limit::servers([1, 20]).enforce(query)
    }

    #[test]
    fn every_selector_is_limited_wherever_it_stands() {
        const L: &str = "server_id=~\"1|20\"";
        for (query, expected) in [
            ("up", "up{L}"),
            ("up{}", "up{L}"),
            ("{__name__=~\".+\"}", "{__name__=~\".+\",L}"),
            ("{server_id=\"3\"}", "{server_id=\"3\",L}"),
            ("up{server_id=\"3\",}", "up{server_id=\"3\",L}"),
            ("rate(up[5m] offset 1h)", "rate(up{L}[5m] offset 1h)"),
            ("up @ 12.5 offset -5m", "up{L} @ 12.500 offset -5m"),
            ("up @ end()", "up{L} @ end()"),
            (
                "max_over_time(sum(up)[1h:5m] @ start())",
                "max_over_time(sum(up{L})[1h:5m] @ start())",
            ),
            ("quantile(scalar(up), up)", "quantile(scalar(up{L}), up{L})"),
            (
                "topk(scalar(count({a=\"b\"})), up) by (job)",
                "topk by (job) (scalar(count({a=\"b\",L})), up{L})",
            ),
            (
                "a * on (x) group_left (y) b or -c",
                "a{L} * on (x) group_left (y) b{L} or -c{L}",
            ),
            ("(a unless b) ^ (c)", "(a{L} unless b{L}) ^ (c{L})"),
            ("1 + time()", "1 + time()"),
            ("up{a=\"}#\"} # {", "up{a=\"}#\",L}"),
            ("up{a='\"} or up{'}", "up{a=\"\\\"} or up{\",L}"),
        ] {
            let expected = expected.replace('L', L);
            let limited = enforce(query).map(|limited| limited.replace("  ", " "));
            assert_eq!(limited.as_deref(), Ok(expected.as_str()), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_limited_is_refused() {
        for query in [
            "",
            "up{",
            "info(up)",
            "up{a=\"b\" or c=\"d\"}",
            "up{\"weird label\"=\"x\"}",
            "sum by (\"weird label\") (up)",
            "up{__graphite__=\"*\"}",
            "up @ -5",
            "a * ignoring () group_left () b",
            "up[1e30]",
            "unknown_function(up)",
            &"x".repeat(MAX_QUERY + 1),
        ] {
            assert!(enforce(query).is_err(), "{query}: {:?}", enforce(query));
        }
    }

    #[test]
    fn no_servers_match_nothing() {
        let limit = Limit::servers([]);
        assert_eq!(
            limit.enforce("up").as_deref(),
            Ok("up{server_id=~\"none\"}")
        );
    }

    #[test]
    fn many_servers_have_a_bound() {
        let limit = Limit::servers(0..100_000);
        assert!(limit.enforce("up").is_ok());
        let query = vec!["up"; 100].join("+");
        assert!(matches!(
            limit.enforce(&query),
            Err(Refusal::TooLong { .. })
        ));
    }

    #[test]
    fn the_deepest_trees_end_well() {
        for deep in ["(", "-", "1+", "abs(", "up or "] {
            let count = (MAX_QUERY - 2) / deep.len() / 2;
            let end = if deep.ends_with('(') { ")" } else { "" };
            let query = format!("{}up{}", deep.repeat(count), end.repeat(count));
            assert!(query.len() <= MAX_QUERY);
            // It is enough that it comes back.
            let _ = enforce(&query);
            let _ = enforce(&deep.repeat(MAX_QUERY / deep.len()));
        }
    }

    proptest! {
        /// Whatever is let through has the matcher on each of its selectors.
        #[test]
        fn nothing_passes_without_the_matcher(
            parts in proptest::collection::vec(prop_oneof![
                Just("up"), Just("{"), Just("}"), Just("a=\"b\""), Just("("), Just(")"),
                Just("[5m]"), Just("[5m:1m]"), Just(" or "), Just(" @ 5"), Just(" offset 5m"),
                Just("sum"), Just(" by (x) "), Just("rate"), Just("absent"), Just(","),
                Just("+"), Just("-"), Just("1"), Just("'"), Just("\""), Just("#"), Just("`"),
                Just("topk"), Just("\\"), Just("server_id=~\".*\""), Just("\n"), Just("scalar"),
            ], 0..14)
        ) {
            let query = parts.concat();
            if let Ok(limited) = enforce(&query) {
                let mut tree = parse(&limited).expect("what is printed parses");
                let with = selectors(&tree);
                let all = limit(&mut tree, &Matcher::new(MatchOp::Equal, "x", "y")).unwrap();
                prop_assert_eq!(with, all, "{} became {}", query, limited);
            }
        }

        #[test]
        fn no_text_panics(query in ".{0,60}") {
            let _ = enforce(&query);
        }
    }

    /// Selectors with the limit, counted in the text of the tree: another way
    /// than the one under test.
    fn selectors(tree: &Expr) -> usize {
        tree.to_string().matches("server_id=~\"1|20\"").count()
    }
}
