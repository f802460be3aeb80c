//! Is an expression PromQL, and if not, where does it go wrong?
//!
//! The parser says what is wrong but not where. The place is found by asking it
//! again: the mistake is at the first token up to which nothing that could be
//! added makes an expression of it.

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector, token};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::parser::guarded;

/// Longest expression, in bytes. Parsing is recursive, and this bounds its depth.
pub const MAX_EXPRESSION: usize = 8 * 1024;
/// Longest expression in which the place of a mistake is looked for, in bytes:
/// that costs a few hundred parses.
const MAX_PLACED: usize = 2 * 1024;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// There is none.
    #[error("is empty")]
    Empty,
    /// It is too long.
    #[error("has {0} bytes; at most {MAX_EXPRESSION} are allowed")]
    TooLong(usize),
    /// It is no PromQL.
    #[error("is no PromQL{}: {message}", at(.place))]
    Syntax {
        /// Line and column of the mistake, from 1, counted in characters; absent
        /// for very long expressions.
        place: Option<(usize, usize)>,
        /// What the parser says.
        message: String,
    },
}

fn at(place: &Option<(usize, usize)>) -> String {
    place.map_or_else(String::new, |(line, column)| {
        format!(", line {line}, column {column}")
    })
}

fn parse(text: &str) -> Result<Expr, String> {
    guarded(|message| message, || parser::parse(text))
}

/// Parses an expression.
///
/// # Errors
/// See [`ExpressionError`].
pub fn expression(text: &str) -> Result<Expr, ExpressionError> {
    if text.trim().is_empty() {
        return Err(ExpressionError::Empty);
    }
    if text.len() > MAX_EXPRESSION {
        return Err(ExpressionError::TooLong(text.len()));
    }
    parse(text).map_err(|message| ExpressionError::Syntax {
        place: place(text),
        message,
    })
}

/// The names of the metrics that an expression reads, in order of appearance.
/// Selectors that name none by equality are left out.
#[must_use]
pub fn metric_names(expression: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    for_each_selector(expression, &mut |selector| {
        let by_matcher = selector.matchers.matchers.iter().find(|matcher| {
            matcher.name == "__name__" && matcher.op == promql_parser::label::MatchOp::Equal
        });
        names.extend(
            selector
                .name
                .clone()
                .or_else(|| by_matcher.map(|matcher| matcher.value.clone())),
        );
    });
    names
}

/// Whether somewhere in an expression something is compared, or something is
/// asked whether it is absent: what an alert that does not fire all the time needs.
#[must_use]
pub fn has_condition(expression: &Expr) -> bool {
    struct Visitor(bool);
    impl ExprVisitor for Visitor {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
            self.0 |= match expression {
                Expr::Binary(binary) => {
                    binary.op.is_comparison_operator() || binary.op.id() == token::T_LUNLESS
                }
                Expr::Call(call) => matches!(call.func.name, "absent" | "absent_over_time"),
                _ => false,
            };
            Ok(!self.0)
        }
    }
    let mut visitor = Visitor(false);
    let _ = walk_expr(&mut visitor, expression);
    visitor.0
}

/// What an expression gives, when that is nothing that a rule could record or
/// alert on.
#[must_use]
pub fn no_samples(expression: &Expr) -> Option<&'static str> {
    match expression.value_type() {
        ValueType::Vector | ValueType::Scalar => None,
        ValueType::Matrix => Some("a range"),
        ValueType::String => Some("a text"),
    }
}

/// Calls `f` with each selector, those of ranges and subqueries too.
fn for_each_selector(expression: &Expr, f: &mut dyn FnMut(&VectorSelector)) {
    struct Visitor<'a>(&'a mut dyn FnMut(&VectorSelector));
    impl ExprVisitor for Visitor<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
            match expression {
                Expr::VectorSelector(selector) => (self.0)(selector),
                Expr::MatrixSelector(matrix) => (self.0)(&matrix.vs),
                _ => {}
            }
            Ok(true)
        }
    }
    let _ = walk_expr(&mut Visitor(f), expression);
}

/// What may stand between the end of a beginning and the brackets that close it.
const COMPLETIONS: &[&str] = &[
    "",
    " x",
    "x[5m]",
    " 1",
    " \"a\"",
    "=\"a\"",
    "a=\"b\"",
    " 5m",
    "a",
    "()",
    "(x)",
    "(x[5m])",
    "(l)",
    "(l) x",
    "(l) (x)",
    "0.9, x[5m]",
    "0.9, x",
    "\"a\", x",
    ", x",
    ", x[5m]",
    ", 1",
    ", 1, 1",
    " 1, 1",
    "x, 1",
    "x, 1, 1",
    "x[5m], 1",
    "x[5m], 1, 1",
    ", \"a\"",
    ", \"a\", \"a\"",
    ", \"a\", \"a\", \"a\"",
    ", \"a\", \"a\", \"a\", \"a\"",
    "x, \"a\", \"a\", \"a\", \"a\"",
    " \"a\", \"a\"",
    " \"a\", \"a\", \"a\"",
    " \"a\", \"a\", \"a\", \"a\"",
    "x, \"a\", \"a\", \"a\"",
    ":5m",
    "offset 5m",
];
/// What may stand after them.
const ENDS: &[&str] = &["", " x", " (x)"];

/// Line and column of the first token that nothing can make right.
fn place(text: &str) -> Option<(usize, usize)> {
    if text.len() > MAX_PLACED {
        return None;
    }
    let tokens = tokens(text);
    let could_be_right = |count: usize| {
        let Some(end) = count.checked_sub(1).and_then(|last| tokens.get(last)) else {
            return true;
        };
        let (beginning, _) = text.split_at(end.end);
        let closing: String = end.open.iter().rev().collect();
        ENDS.iter().any(|last| {
            COMPLETIONS
                .iter()
                .any(|middle| parse(&format!("{beginning}{middle}{closing}{last}")).is_ok())
        })
    };
    let (mut good, mut bad) = (0, tokens.len() + 1);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if could_be_right(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    let start = tokens.get(good).map_or(text.len(), |token| token.start);
    let (before, _) = text.split_at(start);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (_, line) = before.split_at(line_start);
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}

/// A piece of an expression, with the brackets that are open after it.
struct Token {
    start: usize,
    end: usize,
    open: Vec<char>,
}

/// Cuts an expression into words, texts and single characters, roughly as
/// Prometheus does: it only has to be cut where a mistake may begin.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut open = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, first)) = characters.next() {
        let mut end = start + first.len_utf8();
        match first {
            _ if first.is_whitespace() => continue,
            '#' => {
                while characters.next_if(|(_, c)| *c != '\n').is_some() {}
                continue;
            }
            '"' | '\'' | '`' => {
                while let Some((at, character)) = characters.next() {
                    end = at + character.len_utf8();
                    if character == '\\' && first != '`' {
                        if let Some((at, escaped)) = characters.next() {
                            end = at + escaped.len_utf8();
                        }
                    } else if character == first {
                        break;
                    }
                }
            }
            '=' | '!' | '<' | '>' => {
                if let Some((at, next)) = characters.next_if(|(_, c)| matches!(c, '=' | '~')) {
                    end = at + next.len_utf8();
                }
            }
            '(' => open.push(')'),
            '{' => open.push('}'),
            '[' => open.push(']'),
            ')' | '}' | ']' if open.last() == Some(&first) => {
                open.pop();
            }
            _ if is_of_word(first) => {
                while let Some((at, next)) = characters.next_if(|(_, c)| is_of_word(*c)) {
                    end = at + next.len_utf8();
                }
            }
            _ => {}
        }
        tokens.push(Token {
            start,
            end,
            open: open.clone(),
        });
    }
    tokens
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | ':' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(text: &str) -> Option<(usize, usize)> {
        match expression(text).unwrap_err() {
            ExpressionError::Syntax { place, .. } => place,
            other => panic!("{text}: {other}"),
        }
    }

    #[test]
    fn what_makes_the_parser_panic_is_refused() {
        assert!(expression("up[1e30]").is_err());
    }

    #[test]
    fn a_mistake_is_found_where_it_is() {
        // Places are those that `promtool check rules` of Prometheus 2.42 gives,
        // but that it counts a bracket that closes nothing as the one after it, and
        // names the begin of an argument of the wrong type where this names its end.
        for (text, place) in [
            ("ipmi_up = 0", (1, 9)),
            ("ipmi_up ==", (1, 11)),
            ("sum(ipmi_up", (1, 12)),
            ("sum by (instance ipmi_up)", (1, 18)),
            ("ipmi_up{collector=ipmi}", (1, 19)),
            ("ipmi_up and\n  or up", (2, 6)),
            ("rate(ipmi_up) > 1", (1, 13)),
            ("a + + b)", (1, 8)),
            ("ipmi_up offset up", (1, 16)),
            ("max by (instance) (ipmi_up)) == 0", (1, 28)),
            (")", (1, 1)),
            ("label_replace(up, \"a\", \"b\" \"c\")", (1, 28)),
        ] {
            assert_eq!(place_of(text), Some(place), "{text}");
        }
    }

    #[test]
    fn what_is_right_is_let_through() {
        for text in [
            "max by (instance) (ipmi_up) == 0",
            "a and on (instance) (b unless c)",
            "{__name__=~\"ipmi_.*_state\"} == 2",
            "increase(x[1h]) > 0 # why",
            "max_over_time((a > 1)[1h:5m] offset 5m)",
        ] {
            assert!(expression(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_longest_and_deepest_expressions_end_well() {
        // As deep as the length allows, on a stack as small as a worker's.
        let deep =
            |unit: &str, end: &str| unit.repeat((MAX_EXPRESSION - end.len()) / unit.len()) + end;
        let texts = [
            deep("-", "1"),
            deep("1+", "1"),
            deep("(", ")"),
            deep("a or ", "a"),
            deep("abs(", "1"),
            deep("{", ""),
            "(((".to_owned(),
        ];
        std::thread::spawn(move || {
            for text in texts {
                if let Ok(expression) = expression(&text) {
                    let _ = (metric_names(&expression), has_condition(&expression));
                }
            }
        })
        .join()
        .unwrap();
        assert_eq!(expression(" \n"), Err(ExpressionError::Empty));
        let long = "a".repeat(MAX_EXPRESSION + 1);
        assert_eq!(
            expression(&long),
            Err(ExpressionError::TooLong(MAX_EXPRESSION + 1))
        );
    }

    #[test]
    fn names_and_conditions_are_seen() {
        let parsed = expression("max(a{x=\"1\"}) > on () rate(b[5m]) + {__name__=\"c\"}").unwrap();
        assert_eq!(metric_names(&parsed), ["a", "b", "c"]);
        for (text, expected) in [
            ("a", false),
            ("a and b", false),
            ("a == 1", true),
            ("sum(a > bool 1)", true),
            ("a unless b", true),
            ("absent(a)", true),
        ] {
            assert_eq!(
                has_condition(&expression(text).unwrap()),
                expected,
                "{text}"
            );
        }
    }
}
