//! Discovery and log-in.

use bmc_sim::{BmcConfig, Privilege, User};

use crate::lab::{PASSWORD, USER, config};
use crate::looks::{one_log_in_was_tried, suite_3_is_a_downgrade};
use crate::machine::both_generations;
use crate::row::Expect::{Refused, Values};
use crate::row::{Row, row};

const WRONG_PASSWORD: &str =
    "what looks like a wrong password is tried again after minutes, lest the account be locked";
const NAMED_LEVEL: &str = "a level that is named and refused is tried again after minutes";

/// The module asks for IPMI 1.5.
const V15: &str = "    driver: LAN";

fn only_suite_3() -> BmcConfig {
    config().suites(&[3])
}

fn operator() -> BmcConfig {
    BmcConfig::new().user(User::new(USER, PASSWORD, Privilege::Operator))
}

fn suite_0() -> BmcConfig {
    config().suites(&[0])
}

/// Refused after waiting for answers that are not taken.
const fn unheard(fault: &'static str) -> Row {
    row(fault, Refused)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8)
}

/// Over IPMI 1.5, with this flag if any.
const fn v15(row: Row, module: &'static str) -> Row {
    row.config(both_generations).module(module)
}

pub(crate) const ROWS: &[Row] = &[
    // Nobody pings.
    row("no_ping", Values),
    // The socket is connected: the kernel drops what comes from elsewhere.
    row("other_source_addr", Refused)
        .scrapes(1)
        .recovers_within(8),
    row("authcap_rejects_8e", Values),
    row("no_v15", Values).config(both_generations),
    v15(row("no_v15", Refused).scrapes(1).recovers_within(8), V15),
    row("v15_only", Refused)
        .config(both_generations)
        .scrapes(1)
        .recovers_within(8),
    v15(row("v15_only", Values), V15),
    row("authcap_lies", Values),
    row("cipher_pages_bad", Values),
    row("cipher_list_refused", Values),
    row("cipher_listed_but_refused=17", Values).look(suite_3_is_a_downgrade),
    row("cipher_refused_as_01", Values).config(only_suite_3),
    row("short_open_error", Values).config(only_suite_3),
    row("rakp_tag_zero", Values),
    unheard("bad_checksum"),
    row("bad_checksum", Values).module("    workaround_flags: [nochecksumcheck]"),
    row("intel20", Refused)
        .scrapes(2)
        .look(one_log_in_was_tried)
        .needs_restart(WRONG_PASSWORD),
    // With the fault taken back, the flag does not fit the BMC any more.
    row("intel20", Values)
        .module("    workaround_flags: [intel20]")
        .keeps_the_fault("the flag is for BMCs that have it for good"),
    row("opensess_priv_in_keys", Values),
    row("opensess_priv_in_keys", Values).config(operator),
    row("opensess_priv_in_keys", Values)
        .config(operator)
        .module("    workaround_flags: [opensesspriv]"),
    row("code_len_plus1", Refused)
        .scrapes(2)
        .look(one_log_in_was_tried)
        .needs_restart(WRONG_PASSWORD),
    row("code_len_plus1", Values).module("    workaround_flags: [supermicro20]"),
    row("code_len_plus1", Values).module("    workaround_flags: [sun20]"),
    row("late_handshake=1500", Values),
    unheard("reply_unauthenticated"),
    row("reply_unauthenticated", Values).module("    workaround_flags: [unauthenticatedreplies]"),
    row("no_highest_priv", Values),
    row("no_highest_priv", Values).config(operator),
    row("exact_priv_only", Values),
    row("exact_priv_only", Values).config(operator),
    row("exact_priv_only", Refused)
        .module("    privilege: user")
        .scrapes(1)
        .needs_restart(NAMED_LEVEL),
    row("lookup_form=name", Values),
    row("lookup_form=level", Values),
    row("suite0_code", Values)
        .module("    cipher_suites: [0]")
        .config(suite_0),
    row("disabled_suite_works", Values).config(only_suite_3),
    // Who names no level is content with that of every session.
    row("setpriv_fails_late", Values),
    row("setpriv_fails_late=81", Values).module("    privilege: admin"),
    row("setpriv_fails_late", Refused)
        .module("    privilege: admin")
        .timeout("12")
        .scrapes(1)
        .recovers_within(8),
    row("rakp2_08_or_badmac", Refused)
        .scrapes(2)
        .look(one_log_in_was_tried)
        .needs_restart(WRONG_PASSWORD),
    // The suite that worked is remembered, and is the one that stops working.
    row("fw_update_changes_suites=3", Values)
        .config(only_suite_3)
        .while_running(),
    row("fw_update_changes_suites=17", Refused)
        .while_running()
        .scrapes(2)
        .needs_restart(WRONG_PASSWORD),
    row("locked_account=0", Refused)
        .scrapes(2)
        .needs_restart("a user that is not known is tried again after minutes"),
    v15(unheard("v15_auth_odd=empty"), V15),
    v15(
        row("v15_auth_odd=empty", Values),
        "    driver: LAN\n    workaround_flags: [noauthcodecheck]",
    ),
    v15(unheard("v15_auth_odd=wrong"), V15),
    v15(
        row("v15_auth_odd=wrong", Values),
        "    driver: LAN\n    workaround_flags: [noauthcodecheck]",
    ),
    v15(row("v15_auth_odd=signs_all", Values), V15),
    v15(
        row("v15_auth_odd=signs_all", Values),
        "    driver: LAN\n    workaround_flags: [forcepermsg]",
    ),
    v15(unheard("v15_auth_odd=signs_none"), V15),
    v15(unheard("v15_auth_odd=surplus"), V15),
    v15(
        row("v15_auth_odd=surplus", Values),
        "    driver: LAN\n    workaround_flags: [unexpectedauth]",
    ),
    v15(unheard("v15_auth_odd=type"), V15),
    v15(row("v15_auth_odd=challenge", Values), V15),
    v15(row("v15_auth_odd=sequence", Values), V15),
    row("algorithm_downgrade", Refused)
        .scrapes(1)
        .recovers_within(8),
    row("open_tag_wrong", Values),
    row("rakp_tag_wrong", Values),
    row("rakp_session_wrong", Refused)
        .scrapes(1)
        .recovers_within(8),
    row("rakp2_badmac", Refused)
        .scrapes(2)
        .look(one_log_in_was_tried)
        .needs_restart(WRONG_PASSWORD),
    row("rakp4_badmac", Refused)
        .scrapes(1)
        .needs_restart(WRONG_PASSWORD),
    row("late_rakp2=1500", Values),
    row("rakp1_ignored", Refused).scrapes(1).recovers_within(8),
];
