//! Discovery and log-in.

use bmc_sim::{BmcConfig, Privilege, User};

use crate::lab::{PASSWORD, USER, config};
use crate::row::Expect::{Refused, Values};
use crate::row::{Row, row};

const WRONG_PASSWORD: &str =
    "what looks like a wrong password is tried again after minutes, lest the account be locked";

fn only_suite_3() -> BmcConfig {
    config().suites(&[3])
}

fn operator() -> BmcConfig {
    BmcConfig::new().user(User::new(USER, PASSWORD, Privilege::Operator))
}

fn suite_0() -> BmcConfig {
    config().suites(&[0])
}

pub(crate) const ROWS: &[Row] = &[
    // Nobody pings.
    row("no_ping", Values),
    // The socket is connected: the kernel drops what comes from elsewhere.
    row("other_source_addr", Refused)
        .scrapes(1)
        .recovers_within(8),
    row("authcap_rejects_8e", Values),
    row("no_v15", Values),
    row("v15_only", Refused).scrapes(1).recovers_within(8),
    row("authcap_lies", Values),
    row("cipher_pages_bad", Values),
    row("cipher_list_refused", Values),
    row("cipher_listed_but_refused=17", Values),
    row("cipher_refused_as_01", Values).config(only_suite_3),
    row("short_open_error", Values).config(only_suite_3),
    row("rakp_tag_zero", Values),
    row("bad_checksum", Refused)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8),
    row("intel20", Refused)
        .scrapes(1)
        .needs_restart(WRONG_PASSWORD),
    row("opensess_priv_in_keys", Values),
    row("opensess_priv_in_keys", Values).config(operator),
    row("code_len_plus1", Refused)
        .scrapes(1)
        .needs_restart(WRONG_PASSWORD),
    row("late_handshake=1500", Values),
    row("reply_unauthenticated", Refused)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8),
    row("no_highest_priv", Values),
    row("no_highest_priv", Values).config(operator),
    row("exact_priv_only", Values),
    row("exact_priv_only", Values).config(operator),
    row("exact_priv_only", Refused)
        .module("    privilege: user")
        .scrapes(1)
        .needs_restart("a level that is named and refused is tried again after minutes"),
    row("lookup_form=name", Values),
    row("lookup_form=level", Values),
    row("suite0_code", Values)
        .module("    cipher_suites: [0]")
        .config(suite_0),
    row("disabled_suite_works", Values).config(only_suite_3),
    row("setpriv_fails_late", Values).module("    privilege: admin"),
    row("setpriv_fails_late=81", Values).module("    privilege: admin"),
    row("rakp2_08_or_badmac", Refused)
        .scrapes(1)
        .needs_restart(WRONG_PASSWORD),
    row("fw_update_changes_suites=17", Values).while_running(),
    row("locked_account=0", Refused)
        .scrapes(2)
        .needs_restart("a user that is not known is tried again after minutes"),
    row("v15_auth_odd=empty", Values),
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
        .needs_restart(WRONG_PASSWORD),
    row("rakp4_badmac", Refused)
        .scrapes(1)
        .needs_restart(WRONG_PASSWORD),
    row("late_rakp2=1500", Values),
    row("rakp1_ignored", Refused).scrapes(1).recovers_within(8),
];
