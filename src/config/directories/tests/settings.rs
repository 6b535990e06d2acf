use super::{DIRECTORY, SHOP, SSO, accepted, changed, expect, expect_warning, with};
use crate::domain::{
    ActionUrls, AddressConfirmation, LockoutPolicy, PasswordPolicy, SelfServiceSettings, SsoSettings, TokenSettings,
};

fn passwords(lines: &str) -> String {
    changed(SHOP, &format!("[directories.market.passwords]\n{lines}\n{SHOP}"))
}

fn policy(lines: &str) -> PasswordPolicy {
    accepted(&passwords(lines)).directories[0].settings.passwords.clone()
}

#[test]
fn single_sign_on_and_tokens_have_their_defaults_and_limits() {
    let settings = accepted(&changed(SSO, "")).directories[0].settings.clone();
    assert_eq!((settings.sso, settings.tokens), (SsoSettings::default(), TokenSettings::default()));
    let written = changed(
        SSO,
        "sso = { inactivity_timeout_seconds = 604800 }\ntokens = { access_seconds = 86400, refresh_enabled = false, refresh_seconds = 7776000 }\n",
    );
    let settings = accepted(&written).directories[0].settings.clone();
    assert_eq!(settings.sso.inactivity_timeout_seconds, 604_800);
    let tokens = settings.tokens;
    assert_eq!((tokens.access_seconds, tokens.refresh_enabled, tokens.refresh_seconds), (86_400, false, 7_776_000));
    for (line, place, what) in [
        ("sso = { inactivity_timeout_seconds = 0 }", "sso.inactivity_timeout_seconds", "from 1 to 604800"),
        ("sso = { inactivity_timeout_seconds = 604801 }", "sso.inactivity_timeout_seconds", "from 1 to 604800"),
        ("tokens = { access_seconds = 299 }", "tokens.access_seconds", "from 300 to 86400"),
        ("tokens = { refresh_seconds = 7776001 }", "tokens.refresh_seconds", "from 86400 to 7776000"),
        ("sso = { active = true }", "sso.active", "unknown key"),
    ] {
        expect(&changed(SSO, &format!("{line}\n")), &format!("directories.market.{place}"), what);
    }
}

#[test]
fn an_address_for_browsers_is_whole_and_without_a_pattern() {
    for (uri, what) in [
        ("https://a.example/*", "has a *, and addresses are compared exactly"),
        ("https://*.a.example/", "has a *, and addresses are compared exactly"),
        ("https://a.example/#x", "has a fragment"),
        ("https://me:hunter2@a.example/", "holds a user name or password"),
        ("javascript:alert(1)", "is not an http(s) address"),
        ("com.example.app:/callback", "is not an http(s) address"),
        ("//a.example/", "write \"https://a.example/\""),
        ("a.example/callback", "write \"https://a.example/callback\""),
        ("https://a.example/a b", "has stray characters"),
        ("https:///a.example/", "write \"https://a.example/\""),
        ("HTTPS://a.example/", "write \"https://a.example/\""),
        ("https://\u{e4}.example/", "write \"https://xn--4ca.example/\""),
        ("https://a.example\\@b.example/", "write \"https://a.example/@b.example/\""),
    ] {
        let list = format!("[{uri:?}]");
        for (text, place) in [
            (with(DIRECTORY, &format!("redirect_uris = {list}")), "redirect_uris[0]"),
            (changed(SSO, &format!("sso = {{ logout_redirect_uris = {list} }}\n")), "sso.logout_redirect_uris[0]"),
        ] {
            expect(&text, &format!("directories.market.{place}"), what);
            assert!(!super::read(&text).unwrap_err().to_string().contains("hunter2"));
        }
    }
}

#[test]
fn plain_http_is_warned_of_where_it_would_carry_a_code() {
    let redirect = |uri: &str| with(DIRECTORY, &format!("redirect_uris = [{uri:?}]"));
    for fine in ["http://localhost:3000/callback", "http://127.0.0.1/", "https://a.example"] {
        assert_eq!(accepted(&redirect(fine)).directories[0].settings.redirect_uris, [fine]);
    }
    let place = "directories.market.redirect_uris[0]";
    expect_warning(&redirect("http://a.example/callback"), place, "the network can read the codes");
    let logout = changed(SSO, "sso = { logout_redirect_uris = [\"http://a.example/\"] }\n");
    assert_eq!(accepted(&logout).directories[0].settings.sso.logout_redirect_uris, ["http://a.example/"]);
}

#[test]
fn an_address_is_kept_once_and_a_list_has_at_most_200() {
    let twice = with(DIRECTORY, "redirect_uris = [\"https://a.example/\", \"https://a.example/\"]");
    expect_warning(&twice, "directories.market.redirect_uris", "lists \"https://a.example/\" twice");
    assert_eq!(super::read(&twice).unwrap().directories[0].settings.redirect_uris.len(), 1);
    let many = |count: usize| {
        let uris: Vec<String> = (0..count).map(|index| format!("\"https://a.example/{index}\"")).collect();
        with(DIRECTORY, &format!("redirect_uris = [{}]", uris.join(", ")))
    };
    assert_eq!(accepted(&many(200)).directories[0].settings.redirect_uris.len(), 200);
    expect(&many(201), "directories.market.redirect_uris", "has 201 addresses: write at most 200");
}

#[test]
fn a_rule_for_passwords_that_is_written_holds() {
    assert_eq!(policy(""), PasswordPolicy::default());
    let written = policy(
        "pattern = \"(?i)[a-z0-9]{8,}|x\"\nreuse = 8\nprevents_user_name = true\nexpires_after_days = 90\n\
         lockout = { attempts = 10, seconds = 86400 }\nmin_hours_between_changes = 720",
    );
    assert_eq!(written.pattern.unwrap().regex, "(?i)[a-z0-9]{8,}|x");
    assert!(written.advanced && written.prevents_user_name);
    assert_eq!((written.reuse, written.min_hours_between_changes), (Some(8), Some(720)));
    assert_eq!(written.expiration.map(|expiration| expiration.days), Some(90));
    assert_eq!(written.lockout, Some(LockoutPolicy { attempts: 10, seconds: 86_400 }));
    let off = passwords("advanced = false\nreuse = 3");
    expect_warning(&off, "directories.market.passwords.advanced", "switches off the rules beside it");
}

#[test]
fn a_rule_for_passwords_outside_its_limits_is_a_problem() {
    for (lines, key, what) in [
        ("reuse = 9", "reuse", "from 1 to 8"),
        ("expires_after_days = 91", "expires_after_days", "from 1 to 90"),
        ("min_hours_between_changes = 0", "min_hours_between_changes", "from 1 to 720"),
        ("lockout = { attempts = 11, seconds = 60 }", "lockout.attempts", "from 1 to 10"),
        ("lockout = { attempts = 3, seconds = 59 }", "lockout.seconds", "from 60 to 86400"),
        ("lockout = { attempts = 3 }", "lockout.seconds", "is missing: write how long"),
        ("lockout = { seconds = 60 }", "lockout.attempts", "is missing: write how many"),
        ("lockout = { attempts = 3, seconds = \"30 minutes\" }", "lockout.seconds", "write 1800"),
        ("pattern_message = \"Longer.\"", "pattern_message", "has no effect without pattern"),
        ("pattern = \"x\"\npattern_message = \" \"", "pattern_message", "is empty or longer"),
        ("pattern = \"\"", "pattern", "is empty or longer"),
        ("pattern = \"(\"", "pattern", "is no regular expression (unclosed group)"),
        ("pattern = \"x)|(y\"", "pattern", "is no regular expression (unopened group)"),
        ("pattern = \"(?=.*[0-9]).{8,}\"", "pattern", "look-around"),
    ] {
        expect(&passwords(lines), &format!("directories.market.passwords.{key}"), what);
    }
}

#[test]
fn users_do_nothing_by_themselves_unless_it_is_written() {
    let of = |line: &str| accepted(&with(DIRECTORY, line)).directories[0].settings.self_service.clone();
    assert_eq!(of(""), SelfServiceSettings::default());
    let written = of(
        "self_service = { enabled = true, sign_up = true, actions = { user_verified = \"https://shop.example.com/hello\" } }",
    );
    let actions = ActionUrls { user_verified: Some("https://shop.example.com/hello".to_owned()), reset_password: None };
    let expected = SelfServiceSettings { enabled: true, sign_up: true, actions, ..SelfServiceSettings::default() };
    assert_eq!(written, expected);
    assert_eq!(of("self_service = { confirmation = \"off\" }").confirmation, AddressConfirmation::Off);
    for (line, place, what) in [
        ("confirmation = \"always\"", "confirmation", "unknown word"),
        ("signup = true", "signup", "unknown key"),
        ("actions = { verified = \"https://shop.example.com/\" }", "actions.verified", "unknown key"),
        ("actions = { reset_password = \"shop.example.com/reset\" }", "actions.reset_password", "write \"https://"),
        ("actions = { user_verified = \"https://shop.example.com/#x\" }", "actions.user_verified", "has a fragment"),
    ] {
        let text = with(DIRECTORY, &format!("self_service = {{ {line} }}"));
        expect(&text, &format!("directories.market.self_service.{place}"), what);
    }
}
