//! What FreeIPMI's arguments in `custom_args` mean here.
//!
//! A few of them are about sensors or the session and have a meaning without FreeIPMI; the rest
//! (paths for `sudo`, output formats) have none.

use super::collector::Collector;
use super::report::Located;
use super::secret::Secret;

/// The arguments of one module, sorted out.
#[derive(Debug, Default)]
pub(crate) struct CustomArgs {
    pub(crate) bridge_sensors: bool,
    pub(crate) shared_sensors: bool,
    pub(crate) entity_sensor_names: bool,
    /// Cipher suites asked for, as written.
    pub(crate) cipher_suites: Vec<Located<String>>,
    /// K_g, as written; the last one counts, as in FreeIPMI.
    pub(crate) k_g: Option<Located<Secret>>,
    /// Names of arguments without a meaning. Values are left out: one may be a secret that stands
    /// behind a mistyped name.
    pub(crate) ignored: Vec<String>,
}

/// An argument with a value: its long and its short spelling.
struct Valued {
    long: &'static str,
    short: &'static str,
}

const CIPHER: Valued = Valued {
    long: "--cipher-suite-id",
    short: "-I",
};
const K_G: Valued = Valued {
    long: "--k-g",
    short: "-k",
};
/// Has no meaning here, but its value is a secret, wherever it stands.
const PASSWORD: Valued = Valued {
    long: "--password",
    short: "-p",
};

impl Valued {
    /// The value, in this word or in the next one; `None` when this is another argument, and
    /// `Some(None)` when the value is missing.
    fn value<'a>(
        &self,
        word: &'a Located<String>,
        next: &mut impl Iterator<Item = &'a Located<String>>,
    ) -> Option<Option<Located<&'a str>>> {
        let text = word.value.trim();
        if text == self.long || text == self.short {
            return Some(next.next().map(|value| Located {
                value: value.value.as_str(),
                mark: value.mark,
            }));
        }
        let value = match text.strip_prefix(self.long) {
            Some(rest) => rest.strip_prefix('=')?,
            None if text.starts_with("--") => return None,
            None => text.strip_prefix(self.short)?,
        };
        Some(Some(Located {
            value: value.trim(),
            mark: word.mark,
        }))
    }
}

impl CustomArgs {
    /// Adds the arguments of one collector.
    pub(crate) fn add(&mut self, collector: Collector, words: &[Located<String>]) {
        let is_sensors = collector == Collector::Ipmi;
        // In the stock exporter, where another program runs this one: its name.
        let words = match words {
            [program, rest @ ..] if !program.value.starts_with('-') => {
                self.ignored.push(program.value.clone());
                rest
            }
            words => words,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.value.trim() {
                "--bridge-sensors" if is_sensors => self.bridge_sensors = true,
                "--shared-sensors" if is_sensors => self.shared_sensors = true,
                "--entity-sensor-names" if is_sensors => self.entity_sensor_names = true,
                _ => self.add_valued(word, &mut words),
            }
        }
    }

    fn ignore(&mut self, word: &str) {
        if word.starts_with("--") {
            let name = word.split(['=', ' ']).next().unwrap_or(word);
            self.ignored.push(name.to_owned());
        } else if word.starts_with('-') {
            // A short name, with its value perhaps.
            self.ignored.push(word.chars().take(2).collect());
        }
    }

    fn add_valued<'a>(
        &mut self,
        word: &'a Located<String>,
        words: &mut impl Iterator<Item = &'a Located<String>>,
    ) {
        if let Some(value) = CIPHER.value(word, words) {
            match value {
                Some(value) => self.cipher_suites.push(Located {
                    value: value.value.to_owned(),
                    mark: value.mark,
                }),
                None => self.ignore(word.value.trim()),
            }
        } else if let Some(value) = K_G.value(word, words) {
            match value {
                Some(value) => {
                    self.k_g = Some(Located {
                        value: Secret::new(value.value.as_bytes().to_vec()),
                        mark: value.mark,
                    });
                }
                None => self.ignore(word.value.trim()),
            }
        } else if PASSWORD.value(word, words).is_some() {
            self.ignore(PASSWORD.long);
        } else {
            self.ignore(word.value.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Position;
    use crate::config::report::Mark;

    fn sort_out(collector: Collector, words: &[&str]) -> CustomArgs {
        let mark = Mark {
            at: Position { line: 1, column: 1 },
            width: 1,
        };
        let words: Vec<_> = words
            .iter()
            .map(|word| Located {
                value: (*word).to_owned(),
                mark,
            })
            .collect();
        let mut args = CustomArgs::default();
        args.add(collector, &words);
        args
    }

    #[test]
    fn sensor_options_count_for_the_sensor_collector_only() {
        let words = [
            "--bridge-sensors",
            "--shared-sensors",
            "--entity-sensor-names",
            "-Q",
        ];
        let args = sort_out(Collector::Ipmi, &words);
        assert!(args.bridge_sensors && args.shared_sensors && args.entity_sensor_names);
        assert_eq!(args.ignored, ["-Q"]);
        let args = sort_out(Collector::Sel, &words);
        assert!(!args.shared_sensors);
        assert_eq!(args.ignored, words);
    }

    #[test]
    fn every_spelling_of_the_cipher_suite_is_found() {
        for words in [
            &["-I", "17"][..],
            &["-I17"],
            &["-I 17"],
            &["--cipher-suite-id=17"],
            &["--cipher-suite-id", "17"],
        ] {
            let args = sort_out(Collector::Bmc, words);
            let values: Vec<_> = args
                .cipher_suites
                .iter()
                .map(|v| v.value.as_str())
                .collect();
            assert_eq!((values, args.ignored.len()), (vec!["17"], 0), "{words:?}");
        }
        assert_eq!(sort_out(Collector::Bmc, &["-I"]).ignored, ["-I"]);
    }

    #[test]
    fn secrets_are_taken_out_before_anything_is_shown() {
        for words in [
            &["-k", "0x0102"][..],
            &["-k0x0102"],
            &["--k-g=0x0102"],
            &["--k-g", "0x0102"],
        ] {
            let args = sort_out(Collector::Bmc, words);
            let key = args.k_g.as_ref().unwrap().value.expose();
            assert_eq!(key, b"0x0102", "{words:?}");
            assert!(args.ignored.is_empty(), "{words:?}");
        }
        for words in [
            &["-p", "canary"][..],
            &["-pcanary"],
            &["--password=canary"],
            &["--password", "canary"],
        ] {
            let args = sort_out(Collector::Bmc, words);
            assert_eq!(args.ignored, ["--password"], "{words:?}");
            assert!(!format!("{args:?}").contains("canary"), "{words:?}");
        }
        let args = sort_out(Collector::Bmc, &["--privilege-level=user", "-p"]);
        assert_eq!(args.ignored, ["--privilege-level", "--password"]);
    }

    #[test]
    fn of_what_has_no_meaning_only_names_are_shown() {
        let ignored = |words: &[&str]| sort_out(Collector::Bmc, words).ignored;
        assert_eq!(
            ignored(&["-Q", "--x=canary", "-zcanary"]),
            ["-Q", "--x", "-z"]
        );
        assert_eq!(ignored(&["--k-G", "canary", "canary"]), ["--k-G"]);
        assert_eq!(ignored(&["ipmi-sel", "canary", "-"]), ["ipmi-sel", "-"]);
    }
}
