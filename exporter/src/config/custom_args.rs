//! What FreeIPMI's arguments in `custom_args` mean here.
//!
//! A few of them are about sensors or the session and have a meaning without FreeIPMI; the rest
//! (paths for `sudo`, output formats) have none.

use super::collector::Collector;
use super::report::Located;

/// The arguments of one module, sorted out.
#[derive(Debug, Default)]
pub(crate) struct CustomArgs {
    pub(crate) bridge_sensors: bool,
    pub(crate) shared_sensors: bool,
    pub(crate) entity_sensor_names: bool,
    /// Cipher suites asked for, as written.
    pub(crate) cipher_suites: Vec<Located<String>>,
    /// Arguments without a meaning.
    pub(crate) ignored: Vec<String>,
}

/// Spellings of the argument that names the cipher suite.
const CIPHER_LONG: &str = "--cipher-suite-id";
const CIPHER_SHORT: &str = "-I";

impl CustomArgs {
    /// Adds the arguments of one collector.
    pub(crate) fn add(&mut self, collector: Collector, words: &[Located<String>]) {
        let is_sensors = collector == Collector::Ipmi;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let text = word.value.trim();
            match text {
                "--bridge-sensors" if is_sensors => self.bridge_sensors = true,
                "--shared-sensors" if is_sensors => self.shared_sensors = true,
                "--entity-sensor-names" if is_sensors => self.entity_sensor_names = true,
                CIPHER_SHORT | CIPHER_LONG => match words.next() {
                    Some(value) => self.cipher_suites.push(value.clone()),
                    None => self.ignored.push(word.value.clone()),
                },
                _ => match cipher_value(text) {
                    Some(value) => self.cipher_suites.push(Located {
                        value: value.to_owned(),
                        mark: word.mark,
                    }),
                    None => self.ignored.push(word.value.clone()),
                },
            }
        }
    }
}

/// The value in `-I17` or `--cipher-suite-id=17`.
fn cipher_value(text: &str) -> Option<&str> {
    let value = match text.strip_prefix(CIPHER_LONG) {
        Some(rest) => rest.strip_prefix('=')?,
        None => text.strip_prefix(CIPHER_SHORT)?,
    };
    Some(value.trim())
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
}
