use hex_literal::hex;
use proptest::prelude::*;

use super::*;

fn capabilities(data: &[u8]) -> AuthenticationCapabilities {
    GetChannelAuthenticationCapabilities {
        with_v20: true,
        level: PrivilegeLevel::Administrator,
    }
    .decode(data)
    .unwrap()
}

#[test]
fn the_question_is_encoded_as_captured() {
    for (with_v20, expected) in [(true, [0x8e, 0x04]), (false, [0x0e, 0x04])] {
        let mut data = Vec::new();
        GetChannelAuthenticationCapabilities {
            with_v20,
            level: PrivilegeLevel::Administrator,
        }
        .encode(&mut data);
        assert_eq!(data, expected);
    }
}

/// A Supermicro X10 (public text of ipmitool issue 154), a Dell iDRAC6 (project
/// zipmi, MIT licence), an OpenBMC (phosphor-net-ipmid issue 25), OpenIPMI's
/// `ipmi_sim`.
#[test]
fn what_real_bmcs_say_of_themselves_is_read() {
    let supermicro = capabilities(&hex!("0196040345530000"));
    assert!(supermicro.speaks_v20() && supermicro.speaks_v15());
    assert!(supermicro.offers(AuthType::Md2) && supermicro.offers(AuthType::Md5));
    assert!(supermicro.offers(AuthType::Password) && !supermicro.offers(AuthType::None));
    assert!(!supermicro.offers_oem_type() && supermicro.has_named_users());
    assert_eq!(supermicro.oem, Some((0x5345, 0)));

    let idrac = capabilities(&hex!("0186140300000000"));
    assert!(!idrac.authenticates_messages() && idrac.authenticates_users());
    assert!(!idrac.needs_k_g() && !idrac.has_null_users() && !idrac.allows_anonymous());
    assert_eq!(idrac.oem, None);

    let openbmc = capabilities(&hex!("09041c0300000000"));
    // It has not said that the last byte counts.
    assert!(!openbmc.speaks_v20() && openbmc.speaks_v15());
    assert!(!openbmc.authenticates_users());

    let sim = capabilities(&hex!("0117060000000000"));
    assert!(sim.offers(AuthType::None) && sim.has_null_users());
    assert!(sim.speaks_v15() && !sim.speaks_v20());

    let all = capabilities(&hex!("01 ff 3f 02"));
    assert!(all.offers_oem_type() && all.needs_k_g() && all.allows_anonymous());
    assert!(all.speaks_v20() && !all.speaks_v15());
    assert!(
        GetChannelAuthenticationCapabilities {
            with_v20: true,
            level: PrivilegeLevel::User
        }
        .decode(&hex!("01 ff"))
        .is_err()
    );
}

fn collect(pages: &[&[u8]]) -> (CipherSuiteList, usize) {
    let mut list = CipherSuiteList::default();
    for (asked, page) in pages.iter().enumerate() {
        match list.push(page) {
            Some(next) => assert_eq!(usize::from(next.page), asked + 1),
            None => return (list, asked + 1),
        }
    }
    panic!("the list never ends");
}

fn numbers(list: &CipherSuiteList) -> Vec<(u8, Option<u8>)> {
    list.suites()
        .iter()
        .map(|suite| (suite.id, suite.standard().map(|standard| standard.id.0)))
        .collect()
}

#[test]
fn pages_are_put_together_before_records_are_read() {
    // Suites 1, 2, 3 and 17: the fourth record straddles the pages.
    let pages: [&[u8]; 2] = [
        &hex!("c001014080 c002014180 c003014181 c0"),
        &hex!("11034481"),
    ];
    let (list, asked) = collect(&pages);
    assert_eq!(asked, 2);
    let expected = [1, 2, 3, 17].map(|id| (id, Some(id)));
    assert_eq!(numbers(&list), expected);

    // Exactly one full page: the empty second one ends the list.
    let (list, asked) = collect(&[&hex!("c001014080 c002014180 c003014181 81"), &[]]);
    assert_eq!((numbers(&list).len(), asked), (3, 2));
    assert_eq!(collect(&[&[]]).0.suites(), []);
}

#[test]
fn several_algorithms_of_a_kind_stand_for_their_combinations() {
    let (list, _) = collect(&[&hex!("c0 22 01 41 44 80 81")]);
    let triples: Vec<(u8, u8, u8)> = list
        .suites()
        .iter()
        .map(|suite| {
            let AlgorithmTriple {
                authentication,
                integrity,
                confidentiality,
            } = suite.algorithms;
            (authentication, integrity, confidentiality)
        })
        .collect();
    assert_eq!(triples, [(1, 1, 0), (1, 1, 1), (1, 4, 0), (1, 4, 1)]);
}

#[test]
fn suites_are_known_by_their_algorithms_not_their_numbers() {
    // A board that counts from 1: what it calls 4 is suite 3.
    let (list, _) = collect(&[&hex!("c004014181")]);
    assert_eq!(numbers(&list), [(4, Some(3))]);
}

#[test]
fn records_of_vendors_are_told_and_never_taken_for_standard_ones() {
    // A vendor's number may look like the start of a record.
    let (list, _) = collect(&[&hex!("c1 80 c0c100 01 41 81 c003014181")]);
    let suites = list.suites();
    assert_eq!(suites.len(), 2);
    assert_eq!(suites[0].oem, Some(0x00_c1c0));
    assert_eq!(suites[0].standard(), None);
    assert_eq!(suites[1].standard().unwrap().id.0, 3);
}

#[test]
fn nonsense_is_skipped_to_the_next_record() {
    for (list, expected) in [
        (&hex!("ffeec003014181")[..], &[3][..]),
        // The confidentiality algorithm is missing: nothing is made of it.
        (&hex!("c0110344 c003014181"), &[3]),
        // Wrong tags: no integrity algorithm at all.
        (&hex!("c003010181"), &[]),
        (&hex!("c0"), &[]),
        (&hex!("c180"), &[]),
    ] {
        let (found, _) = collect(&[list]);
        let found: Vec<u8> = found.suites().iter().map(|suite| suite.id).collect();
        assert_eq!(found, expected, "{list:02x?}");
    }
}

#[test]
fn a_list_without_end_ends() {
    // The same page for ever.
    let page = hex!("c003014181c003014181c003014181c0");
    let (list, asked) = collect(&[&page[..]; 100]);
    assert_eq!((numbers(&list), asked), (vec![(3, Some(3))], 2));

    // Two pages in turn.
    let other = hex!("c011034481c011034481c011034481c0");
    let (_, asked) = collect(&[&page[..], &other].repeat(50));
    assert_eq!(asked, 3);

    // Always another one.
    let pages: Vec<[u8; 16]> = (0..200).map(|number| [number; 16]).collect();
    let pages: Vec<&[u8]> = pages.iter().map(|page| &page[..]).collect();
    let (list, asked) = collect(&pages);
    assert_eq!(asked, 64);
    assert!(list.suites().len() <= CipherSuiteList::MAX_SUITES);

    // A record with as many combinations as fit.
    let mut many = vec![0xc0, 0x30, 0x01];
    many.extend((0..60).map(|number| 0x40 | number));
    many.extend((0..60).map(|number| 0x80 | number));
    let mut list = CipherSuiteList::default();
    for page in many.chunks(16) {
        list.push(page);
    }
    assert_eq!(list.suites().len(), CipherSuiteList::MAX_SUITES);
}

proptest! {
    #[test]
    fn arbitrary_pages_end_and_never_panic(
        pages in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..20), 0..80),
    ) {
        let mut list = CipherSuiteList::default();
        let mut asked = 0;
        for page in &pages {
            let data = [&[1], page.as_slice()].concat();
            let page = GetChannelCipherSuites { page: 0 }.decode(&data).unwrap();
            prop_assert!(page.len() <= 16);
            asked += 1;
            if list.push(&page).is_none() {
                break;
            }
        }
        prop_assert!(asked <= 64);
        prop_assert!(list.suites().len() <= CipherSuiteList::MAX_SUITES);
        let _ = GetChannelAuthenticationCapabilities {
            with_v20: false,
            level: PrivilegeLevel::User,
        }
        .decode(pages.first().map_or(&[][..], Vec::as_slice));
    }
}
