//! The walk over LUNs against small controllers.

use hex_literal::hex;
use proptest::prelude::*;

use super::*;

fn record(id: u8, lun: u8) -> Vec<u8> {
    vec![id, 0, 0x51, 0x02, 4, 0x20, lun, id, 0]
}

/// A controller with records on each LUN.
struct Controller {
    luns: [Vec<Vec<u8>>; 4],
    info: Vec<u8>,
    /// Read requests until the stamp moves once.
    moves_after: u32,
    /// Reads that go on inside a record until one is answered 80h.
    changes_after: u32,
    most: usize,
    /// Too much is answered with silence instead of a code.
    is_silent: bool,
}

impl Controller {
    fn new(luns: [Vec<Vec<u8>>; 4]) -> Self {
        Self {
            luns,
            info: hex!("04 0f").to_vec(),
            moves_after: u32::MAX,
            changes_after: u32::MAX,
            most: 255,
            is_silent: false,
        }
    }

    fn answer(&mut self, lun: Lun, step: Step) -> Result<Vec<u8>, u8> {
        let request = match step {
            Step::GetInfo => return Ok(self.info.clone()),
            Step::Reserve => return Ok(vec![7, 0]),
            Step::GetSdr(request) => request,
            Step::Wait(_) | Step::Done => panic!("{step:?}"),
        };
        self.moves_after = self.moves_after.saturating_sub(1);
        if self.moves_after == 0
            && let Some(stamp) = self.info.get_mut(2)
        {
            *stamp += 1;
            self.moves_after = u32::MAX;
        }
        if request.offset > 0 {
            self.changes_after = self.changes_after.saturating_sub(1);
            if self.changes_after == 0 {
                self.changes_after = u32::MAX;
                return Err(0x80);
            }
        }
        let records = &self.luns[usize::from(lun.value())];
        let index = match request.record_id.0 {
            0 => 0,
            id => records
                .iter()
                .position(|record| u16::from(record[0]) == id)
                .ok_or(0xcb)?,
        };
        let record = records.get(index).ok_or(0xcb)?;
        let next = records.get(index + 1).map_or(0xff, |next| next[0]);
        let mut data = vec![next, if next == 0xff { 0xff } else { 0 }];
        let count = usize::from(request.count).min(record.len());
        if count > self.most {
            return Err(0xca);
        }
        data.extend(record.iter().skip(usize::from(request.offset)).take(count));
        Ok(data)
    }

    fn read(&mut self) -> Result<DeviceRecords, WalkError> {
        let mut walk = DeviceWalk::new(ReadSize::BRIDGED);
        for _ in 0..1000 {
            if walk.step() == Step::Done {
                return walk.finish();
            }
            match self.answer(walk.lun(), walk.step()) {
                Ok(data) => walk.feed(Outcome::Data(&data)),
                Err(0xca) if self.is_silent => walk.feed(Outcome::Silence),
                Err(code) => walk.feed(Outcome::Refused(code)),
            }
        }
        panic!("no end");
    }
}

#[test]
fn every_lun_with_sensors_is_read() {
    let luns = [
        vec![record(1, 0), record(2, 0)],
        vec![record(1, 1)],
        Vec::new(),
        vec![record(9, 3)],
    ];
    let found = Controller::new(luns.clone()).read().unwrap();
    let bytes: Vec<Vec<u8>> = found.records.iter().map(|raw| raw.bytes.to_vec()).collect();
    assert_eq!(bytes, luns.concat());
    let mut first_only = Controller::new(luns);
    first_only.info = hex!("02 00").to_vec();
    assert_eq!(first_only.read().unwrap().records.len(), 2);
}

#[test]
fn records_that_every_lun_gives_out_count_once() {
    let all = vec![record(1, 0), record(2, 1), record(3, 3)];
    let luns = [all.clone(), all.clone(), all.clone(), all];
    assert_eq!(Controller::new(luns).read().unwrap().records.len(), 3);
}

#[test]
fn a_population_that_changes_meanwhile_is_read_again() {
    let luns = || [vec![record(1, 0), record(2, 0)], vec![], vec![], vec![]];
    let mut once = Controller::new(luns());
    once.info = hex!("02 81 05000000").to_vec();
    once.moves_after = 2;
    let found = once.read().unwrap();
    assert_eq!(found.info.unwrap().population_stamp, Some(6));
    assert!(!found.changed && found.records.len() == 2);
}

#[test]
fn a_record_that_changes_meanwhile_is_started_over() {
    let luns = || [vec![record(1, 0), record(2, 0)], vec![], vec![], vec![]];
    for changes_after in 1..5 {
        let mut controller = Controller::new(luns());
        controller.most = 5;
        controller.changes_after = changes_after;
        assert_eq!(controller.read().unwrap().records.len(), 2);
    }
}

/// Satellites do not answer at all when the answer would not fit the bus.
#[test]
fn silence_to_a_large_read_is_met_with_smaller_ones() {
    let long = |id: u8| {
        let mut record = vec![id, 0, 0x51, 0xc0, 50];
        record.extend([id; 50]);
        record
    };
    for most in [5, 8, 13, 20] {
        let luns = [vec![long(1), long(2), long(3)], vec![], vec![], vec![]];
        let mut controller = Controller::new(luns);
        controller.most = most;
        controller.is_silent = true;
        let found = controller.read().unwrap();
        assert_eq!(found.records.len(), 3);
        assert!(found.records.iter().all(|raw| raw.bytes.len() == 55));
        let learned =
            matches!(found.read_size, ReadSize::Pieces(size) if usize::from(size) <= most);
        assert!(learned, "{:?}", found.read_size);
    }
}

#[test]
fn a_first_lun_without_records_hides_no_other() {
    let luns = [vec![], vec![record(1, 1)], vec![], vec![]];
    assert_eq!(Controller::new(luns).read().unwrap().records.len(), 1);
}

#[test]
fn a_controller_without_records_is_told() {
    let none = [vec![], vec![], vec![], vec![]];
    assert!(matches!(
        Controller::new(none).read(),
        Err(WalkError::Unreadable { .. })
    ));
}

#[test]
fn info_survives_encoding() {
    for data in [&hex!("04 0f")[..], &hex!("10 83 01020304")] {
        assert_eq!(DeviceSdrInfo::decode(data).unwrap().encode(), data);
    }
    let info = DeviceSdrInfo::decode(&hex!("10 8a 01020304")).unwrap();
    let luns: Vec<u8> = info.luns().map(Lun::value).collect();
    assert_eq!((luns, info.is_dynamic()), (vec![0, 1, 3], true));
    assert!(DeviceSdrInfo::decode(&[1]).is_err());
}

proptest! {
    /// Any answers: the walk ends and never panics.
    #[test]
    fn any_answers_come_to_an_end(
        answers in proptest::collection::vec(
            (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)), 1..40),
    ) {
        let mut walk = DeviceWalk::new(ReadSize::Whole);
        let mut steps = 0_u32;
        for (code, data) in answers.iter().cycle() {
            if walk.step() == Step::Done {
                break;
            }
            steps += 1;
            prop_assert!(steps < 8 * super::super::MAX_REQUESTS);
            match code {
                0..0xa0 => walk.feed(Outcome::Data(data)),
                0xa0 => walk.feed(Outcome::Silence),
                code => walk.feed(Outcome::Refused(*code)),
            }
        }
        let _ = walk.finish();
    }
}
