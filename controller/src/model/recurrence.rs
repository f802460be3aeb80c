//! When something happens again and again: at a time of day in a time zone. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::words;
use super::{Invalid, Problems, PromDuration};
use crate::clock::Timestamp;

/// Most occurrences that are worked out at a time.
pub const MAX_OCCURRENCES: usize = 100;
/// Longest look ahead, in days: enough for that many weeks, and one.
const MAX_DAYS: usize = 7 * (MAX_OCCURRENCES + 1);
const DAY: Duration = Duration::from_secs(86_400);
/// Shortest occurrence.
const SHORTEST: Duration = Duration::from_secs(60);
/// How a date is written.
const DATE: &str = "%Y-%m-%d";
/// How a time of day is written.
const TIME: &str = "%H:%M";

words! {
    /// How often something happens.
    Repeat {
        /// On one day.
        Once = "once",
        /// Each day.
        Daily = "daily",
        /// On some days of each week.
        Weekly = "weekly",
    }
}

words! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Repeat {
    /// Longest occurrence: it may touch the next one, and not reach beyond.
    fn longest(self) -> Duration {
        match self {
            Self::Once => 31 * DAY,
            Self::Daily => DAY,
            Self::Weekly => 7 * DAY,
        }
    }
}

impl Weekday {
    /// The day of a date.
    fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// When something happens, as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurrenceBody {
    /// How often.
    pub repeat: Repeat,
    /// The day, as 2026-12-31; for `once`, and only there.
    #[serde(default)]
    pub date: Option<String>,
    /// The days; for `weekly`, and only there.
    #[serde(default)]
    pub weekdays: BTreeSet<Weekday>,
    /// Time of day in the time zone, as 22:30. Where clocks are put forward over
    /// it, it is later by as much; where they are put back, the first one counts.
    pub start: String,
    /// How long, such as `4h`: real time, also when clocks are changed meanwhile.
    /// Up to a day if daily, a week if weekly, 31 days if once.
    pub duration: PromDuration,
    /// Name of the time zone in IANA's list, such as `Europe/Berlin`.
    pub time_zone: String,
    /// First day on which it may begin; without it there is none.
    #[serde(default)]
    pub first_date: Option<String>,
    /// Last day on which it may begin; without it there is none.
    #[serde(default)]
    pub last_date: Option<String>,
}

/// When something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// As it was written.
    body: RecurrenceBody,
    days: Days,
    start: Time,
    zone: TimeZone,
    first: Option<Date>,
    last: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    One(Date),
    All,
    Some(BTreeSet<Weekday>),
}

/// One time that it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Occurrence {
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
}

impl Recurrence {
    /// Checks what somebody wrote.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &RecurrenceBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let date = |field: &str, text: Option<&String>, problems: &mut Problems| {
            let date = text.map(|text| parse_date(text)).transpose();
            problems.check(field, date).flatten()
        };
        let day = date("date", body.date.as_ref(), &mut problems);
        let first = date("first_date", body.first_date.as_ref(), &mut problems);
        let last = date("last_date", body.last_date.as_ref(), &mut problems);
        if first.zip(last).is_some_and(|(first, last)| last < first) {
            problems.add("last_date", "is before first_date");
        }
        let days = match body.repeat {
            Repeat::Once => day.map(Days::One),
            Repeat::Daily => Some(Days::All),
            Repeat::Weekly => Some(Days::Some(body.weekdays.clone())),
        };
        let is_once = body.repeat == Repeat::Once;
        if is_once != body.date.is_some() {
            let message = if is_once {
                "is missing; `once` needs a day, such as 2026-12-31"
            } else {
                "is only for `once`; use first_date and last_date"
            };
            problems.add("date", message);
        }
        if (body.repeat == Repeat::Weekly) == body.weekdays.is_empty() {
            let message = if body.weekdays.is_empty() {
                "is empty; `weekly` needs one day at least"
            } else {
                "is only for `weekly`"
            };
            problems.add("weekdays", message);
        }
        if is_once && (body.first_date.is_some() || body.last_date.is_some()) {
            problems.add("first_date", "and last_date are not for `once`");
        }
        let longest = body.repeat.longest();
        if !(SHORTEST..=longest).contains(&body.duration.duration()) {
            problems.add(
                "duration",
                format!(
                    "\"{}\" is not between {} minute and {} days, the longest for `{}`",
                    body.duration.as_str(),
                    SHORTEST.as_secs() / 60,
                    longest.as_secs() / DAY.as_secs(),
                    body.repeat.as_str()
                ),
            );
        }
        let start = problems.check("start", parse_time(&body.start));
        let zone = problems.check("time_zone", parse_zone(&body.time_zone));
        let checked = days.zip(start).zip(zone).map(|((days, start), zone)| Self {
            body: body.clone(),
            days,
            start,
            zone,
            first,
            last,
        });
        problems.finish(checked)
    }

    /// As it was written.
    #[must_use]
    pub fn body(&self) -> &RecurrenceBody {
        &self.body
    }

    /// The times that it happens which end after `after` and begin before
    /// `before`, in their order, up to `limit` and [`MAX_OCCURRENCES`] of them.
    #[must_use]
    pub fn between(&self, after: Timestamp, before: Timestamp, limit: usize) -> Vec<Occurrence> {
        let mut found: Vec<Occurrence> = Vec::new();
        let limit = limit.min(MAX_OCCURRENCES);
        for date in self.dates_from(after) {
            let Some(occurrence) = self.on(date).filter(|found| found.starts_at < before) else {
                break;
            };
            // A day that a time zone has left out happens with the next one.
            let is_new = found
                .last()
                .is_none_or(|last| last.starts_at < occurrence.starts_at);
            if is_new && occurrence.ends_at > after {
                found.push(occurrence);
            }
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        found
    }

    /// The next times that it happens, the one that goes on included.
    #[must_use]
    pub fn next(&self, now: Timestamp, limit: usize) -> Vec<Occurrence> {
        self.between(now, Timestamp(i64::MAX), limit)
    }

    /// The dates on which it may happen, from before what may still go on at a
    /// moment.
    fn dates_from(&self, moment: Timestamp) -> impl Iterator<Item = Date> {
        // Clocks are never more than a day apart.
        let begin = moment.before(self.body.duration.duration() + DAY);
        let begin = local_date(&self.zone, begin);
        let begin = match (&self.days, self.first) {
            (Days::One(date), _) => Some(*date),
            (_, Some(first)) => Some(begin.map_or(first, |begin| begin.max(first))),
            (_, None) => begin,
        };
        let count = match self.days {
            Days::One(_) => 1,
            Days::All | Days::Some(_) => MAX_DAYS,
        };
        std::iter::successors(begin, |date| date.tomorrow().ok())
            .take(count)
            .take_while(|date| self.last.is_none_or(|last| *date <= last))
            .filter(|date| match &self.days {
                Days::One(_) | Days::All => true,
                Days::Some(weekdays) => weekdays.contains(&Weekday::of(*date)),
            })
    }

    fn on(&self, date: Date) -> Option<Occurrence> {
        let begin = date.to_datetime(self.start);
        let begin = self.zone.to_ambiguous_zoned(begin).compatible().ok()?;
        let starts_at = Timestamp(begin.timestamp().as_millisecond());
        Some(Occurrence {
            starts_at,
            ends_at: starts_at.after(self.body.duration.duration()),
        })
    }
}

fn local_date(zone: &TimeZone, moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
    Some(zone.to_datetime(moment).date())
}

fn parse_date(text: &str) -> Result<Date, String> {
    let date = Date::strptime(DATE, text);
    // strptime takes fewer digits as well.
    date.ok()
        .filter(|_| text.len() == "2026-12-31".len())
        .ok_or_else(|| format!("\"{}\" is no date such as 2026-12-31", text.escape_debug()))
}

fn parse_time(text: &str) -> Result<Time, String> {
    let time = Time::strptime(TIME, text);
    time.ok()
        .filter(|_| text.len() == "22:30".len())
        .ok_or_else(|| {
            format!(
                "\"{}\" is no time of day such as 22:30",
                text.escape_debug()
            )
        })
}

fn parse_zone(text: &str) -> Result<TimeZone, String> {
    let zone = TimeZone::get(text).ok();
    zone.filter(|zone| !zone.is_unknown()).ok_or_else(|| {
        format!(
            "\"{}\" is no time zone in IANA's list; write a name such as Europe/Berlin or UTC",
            text.escape_debug()
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(repeat: Repeat, start: &str, duration: &str, zone: &str) -> RecurrenceBody {
        RecurrenceBody {
            repeat,
            date: (repeat == Repeat::Once).then(|| "2026-03-29".to_owned()),
            weekdays: if repeat == Repeat::Weekly {
                BTreeSet::from([Weekday::Sunday])
            } else {
                BTreeSet::new()
            },
            start: start.to_owned(),
            duration: PromDuration::parse(duration).unwrap(),
            time_zone: zone.to_owned(),
            first_date: None,
            last_date: None,
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn next(body: &RecurrenceBody, now: &str, limit: usize) -> Vec<String> {
        let found = Recurrence::parse(body).unwrap().next(at(now), limit);
        found
            .iter()
            .map(|found| format!("{}/{}", found.starts_at, found.ends_at))
            .collect()
    }

    #[test]
    fn a_time_of_day_stays_when_clocks_change() {
        let daily = body(Repeat::Daily, "22:00", "4h", "Europe/Berlin");
        assert_eq!(
            next(&daily, "2026-03-28T12:00:00Z", 2),
            [
                "2026-03-28T21:00:00Z/2026-03-29T01:00:00Z",
                "2026-03-29T20:00:00Z/2026-03-30T00:00:00Z"
            ]
        );
        let weekly = body(Repeat::Weekly, "03:30", "1h", "America/New_York");
        assert_eq!(
            next(&weekly, "2026-10-26T00:00:00Z", 2),
            [
                "2026-11-01T08:30:00Z/2026-11-01T09:30:00Z",
                "2026-11-08T08:30:00Z/2026-11-08T09:30:00Z"
            ]
        );
        assert_eq!(
            next(&weekly, "2026-10-24T00:00:00Z", 1),
            ["2026-10-25T07:30:00Z/2026-10-25T08:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_is_left_out_or_twice_happens_once() {
        // Clocks go from 02:00 to 03:00.
        let forward = body(Repeat::Once, "02:30", "1h", "Europe/Berlin");
        assert_eq!(
            next(&forward, "2026-03-01T00:00:00Z", 5),
            ["2026-03-29T01:30:00Z/2026-03-29T02:30:00Z"]
        );
        // 02:30 comes twice.
        let back = RecurrenceBody {
            date: Some("2026-10-25".to_owned()),
            ..forward
        };
        assert_eq!(
            next(&back, "2026-03-01T00:00:00Z", 5),
            ["2026-10-25T00:30:00Z/2026-10-25T01:30:00Z"]
        );
        // Samoa had no 30 December 2011.
        let mut samoa = body(Repeat::Daily, "12:00", "1h", "Pacific/Apia");
        samoa.first_date = Some("2011-12-29".to_owned());
        samoa.last_date = Some("2011-12-31".to_owned());
        assert_eq!(
            next(&samoa, "2011-12-01T00:00:00Z", 5),
            [
                "2011-12-29T22:00:00Z/2011-12-29T23:00:00Z",
                "2011-12-30T22:00:00Z/2011-12-30T23:00:00Z"
            ]
        );
    }

    #[test]
    fn what_goes_on_is_there_and_what_is_over_is_not() {
        let daily = body(Repeat::Daily, "22:00", "1d", "UTC");
        assert_eq!(
            next(&daily, "2026-05-02T21:59:59Z", 1),
            ["2026-05-01T22:00:00Z/2026-05-02T22:00:00Z"]
        );
        assert_eq!(
            next(&daily, "2026-05-02T22:00:00Z", 1),
            ["2026-05-02T22:00:00Z/2026-05-03T22:00:00Z"]
        );
        let once = body(Repeat::Once, "10:00", "31d", "UTC");
        assert_eq!(next(&once, "2026-04-29T09:59:59Z", 9).len(), 1);
        assert_eq!(next(&once, "2026-04-29T10:00:00Z", 9).len(), 0);
        let mut bounded = body(Repeat::Daily, "10:00", "1h", "Asia/Shanghai");
        bounded.first_date = Some("2026-05-03".to_owned());
        bounded.last_date = Some("2026-05-04".to_owned());
        assert_eq!(next(&bounded, "2026-01-01T00:00:00Z", 9).len(), 2);
        assert_eq!(next(&bounded, "2026-05-05T00:00:00Z", 9).len(), 0);
        let all = body(Repeat::Weekly, "10:00", "1h", "UTC");
        assert_eq!(
            next(&all, "2026-01-01T00:00:00Z", 999).len(),
            MAX_OCCURRENCES
        );
    }

    #[test]
    fn mistakes_are_named_with_their_fields() {
        let good = body(Repeat::Weekly, "10:00", "1h", "UTC");
        type Spoil = fn(&mut RecurrenceBody);
        let cases: &[(&str, Spoil)] = &[
            ("start", |body| body.start = "24:00".to_owned()),
            ("start", |body| body.start = "9:00".to_owned()),
            ("start", |body| body.start = "10:00:00".to_owned()),
            ("time_zone", |body| {
                body.time_zone = "Europe/Atlantis".to_owned();
            }),
            ("time_zone", |body| body.time_zone = "CET-1CEST".to_owned()),
            ("time_zone", |body| {
                body.time_zone = "Etc/Unknown".to_owned();
            }),
            ("time_zone", |body| {
                body.time_zone = "../../etc/passwd".to_owned();
            }),
            ("time_zone", |body| body.time_zone.clear()),
            ("weekdays", |body| body.weekdays.clear()),
            ("weekdays", |body| body.repeat = Repeat::Daily),
            ("date", |body| body.date = Some("2026-01-01".to_owned())),
            ("date", |body| {
                body.repeat = Repeat::Once;
                body.weekdays.clear();
            }),
            ("date", |body| {
                body.repeat = Repeat::Once;
                body.weekdays.clear();
                body.date = Some("2026-02-30".to_owned());
            }),
            ("first_date", |body| {
                body.first_date = Some("1.1.2026".to_owned());
            }),
            ("last_date", |body| {
                body.first_date = Some("2026-02-02".to_owned());
                body.last_date = Some("2026-02-01".to_owned());
            }),
            ("duration", |body| {
                body.duration = PromDuration::parse("59s").unwrap();
            }),
            ("duration", |body| {
                body.duration = PromDuration::parse("7d1s").unwrap();
            }),
        ];
        for (index, (field, spoil)) in cases.iter().enumerate() {
            let mut body = good.clone();
            spoil(&mut body);
            let found = Recurrence::parse(&body).unwrap_err();
            assert_eq!(found[0].field, *field, "case {index}: {found:?}");
        }
        assert!(Recurrence::parse(&good).is_ok());
    }

    /// Zones with all that happens to clocks: both halves of the world, half an
    /// hour, odd offsets, a skipped day, clocks that never change.
    const ZONES: &[&str] = &[
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Asia/Shanghai",
    ];

    prop_compose! {
        fn any_recurrence()(
            zone in prop::sample::select(ZONES),
            minute in 0..1440_u32,
            length in 1..=1440_u32,
            weekdays in prop::option::of(prop::collection::btree_set(
                prop::sample::select(&[
                    Weekday::Monday, Weekday::Wednesday, Weekday::Saturday, Weekday::Sunday,
                ][..]), 1..4)),
        ) -> Recurrence {
            let repeat = if weekdays.is_some() { Repeat::Weekly } else { Repeat::Daily };
            let body = RecurrenceBody {
                weekdays: weekdays.unwrap_or_default(),
                ..body(repeat, &format!("{:02}:{:02}", minute / 60, minute % 60),
                    &format!("{length}m"), zone)
            };
            Recurrence::parse(&body).unwrap()
        }
    }

    proptest! {
        #[test]
        fn it_happens_in_order_at_its_time_of_day_on_its_days(
            recurrence in any_recurrence(),
            now in 1_000_000_000_000..2_000_000_000_000_i64,
        ) {
            let now = Timestamp(now);
            let found = recurrence.next(now, 30);
            prop_assert_eq!(found.len(), 30);
            for pair in found.windows(2) {
                prop_assert!(pair[0].starts_at < pair[1].starts_at);
            }
            for occurrence in &found {
                prop_assert!(occurrence.ends_at > now);
                let length = occurrence.ends_at.since(occurrence.starts_at);
                prop_assert_eq!(length, recurrence.body.duration.duration());
                let start = jiff::Timestamp::from_millisecond(occurrence.starts_at.0).unwrap();
                let local = recurrence.zone.to_datetime(start);
                // The nearest jump of the clocks says whether the time was left out.
                let day_before = start - jiff::SignedDuration::from_hours(24);
                let jumped = recurrence.zone.to_offset(day_before)
                    != recurrence.zone.to_offset(start);
                if !jumped {
                    prop_assert_eq!(local.time(), recurrence.start);
                    if let Days::Some(weekdays) = &recurrence.days {
                        prop_assert!(weekdays.contains(&Weekday::of(local.date())));
                    }
                }
            }
        }

        #[test]
        fn looking_piece_by_piece_finds_the_same(
            recurrence in any_recurrence(),
            start in 1_000_000_000_000..2_000_000_000_000_i64,
            cuts in prop::collection::vec(1..200_000_000_i64, 1..12),
        ) {
            let end = start + cuts.iter().sum::<i64>();
            let whole = recurrence.between(Timestamp(start), Timestamp(end), 100);
            let mut pieces = BTreeSet::new();
            let mut from = start;
            for cut in cuts {
                let until = from + cut;
                pieces.extend(recurrence.between(Timestamp(from), Timestamp(until), 100));
                from = until;
            }
            prop_assert_eq!(whole, pieces.into_iter().collect::<Vec<_>>());
        }
    }
}
