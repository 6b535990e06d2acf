use super::{DIRECTORY, SAMPLE, SSO, accepted, changed, expect, expect_warning, line_of, read, read_with, with};
use crate::domain::{IdentityField, ManagedBy};

/// A second directory.
fn with_other(lines: &str) -> String {
    format!("{SAMPLE}\n[directories.other]\n{}\n{lines}\n", line_of("administrators").replace("3f1d", "4f1d"))
}

#[test]
fn a_directory_alone_is_a_configuration_and_has_the_defaults() {
    let configuration = accepted(SAMPLE);
    let [section] = configuration.directories.as_slice() else { panic!("one directory") };
    let (directory, settings) = (&section.directory, &section.settings);
    assert_eq!((directory.name.as_str(), directory.tenant.as_str()), ("market", "market"));
    assert_eq!(directory.issuer, "https://sso.example.com/oauth/v4/market");
    assert_eq!(directory.managed_by, ManagedBy::Api);
    assert_eq!((directory.absolute_lifetime_seconds, directory.sdk_all_sessions), (None, false));
    assert_eq!(directory.signing_key_lifetime_seconds, 90 * 86_400);
    assert_eq!(settings.identity_field, IdentityField::Email);
    assert!(settings.redirect_uris.is_empty() && configuration.bots.is_empty());
    assert_eq!((configuration.password_hashes.memory_kib, configuration.password_hashes.passes), (19_456, 2));
}

#[test]
fn the_written_values_are_taken() {
    let lines = "tenant_id = \"Market-EU\"\nmanaged = \"file\"\nidentity_field = \"userName\"\nsigning_key_days = 1\n\
                 absolute_lifetime_seconds = 60\nsdk_all_sessions = true\nredirect_uris = [\"https://a.example/x?y=1\"]";
    let text = with(DIRECTORY, lines);
    let configuration = accepted(&format!("{text}\n[password_hashes]\nmemory_kib = 8192\npasses = 1\n"));
    let section = &configuration.directories[0];
    assert_eq!(section.directory.issuer, "https://sso.example.com/oauth/v4/Market-EU");
    assert_eq!(section.directory.managed_by, ManagedBy::File);
    assert_eq!((section.directory.absolute_lifetime_seconds, section.directory.sdk_all_sessions), (Some(60), true));
    assert_eq!(section.directory.signing_key_lifetime_seconds, 86_400);
    assert_eq!(section.settings.identity_field, IdentityField::UserName);
    assert_eq!(section.settings.redirect_uris, ["https://a.example/x?y=1"]);
    assert_eq!((configuration.password_hashes.memory_kib, configuration.password_hashes.passes), (8192, 1));
}

#[test]
fn a_value_that_cannot_be_used_says_what_to_write() {
    for (lines, key, what) in [
        ("tenant_id = \"a/b\"", "tenant_id", "\"a/b\" is no id of a tenant: write 1 to 64 letters"),
        ("tenant_id = \"\"", "tenant_id", "is no id of a tenant"),
        ("signing_key_days = 0", "signing_key_days", "write a number from 1 to 730"),
        ("signing_key_days = 731", "signing_key_days", "write a number from 1 to 730"),
        ("signing_key_days = \"30 days\"", "signing_key_days", "write 30"),
        ("absolute_lifetime_seconds = 59", "absolute_lifetime_seconds", "write a number from 60 to 31536000"),
        ("absolute_lifetime_seconds = \"7d\"", "absolute_lifetime_seconds", "write 604800"),
        ("managed = \"files\"", "managed", "did you mean file?"),
        ("identity_field = \"username\"", "identity_field", "did you mean userName?"),
        ("identity = \"email\"", "identity", "unknown key"),
    ] {
        expect(&with(DIRECTORY, lines), &format!("directories.market.{key}"), what);
    }
    for (line, what) in [("memory_kib = 8191", "from 8192 to 1048576"), ("passes = 11", "from 1 to 10")] {
        let key = line.split(' ').next().unwrap();
        expect(&format!("{SAMPLE}\n[password_hashes]\n{line}\n"), &format!("password_hashes.{key}"), what);
    }
}

#[test]
fn a_name_that_is_no_tenant_id_needs_one() {
    let renamed = SAMPLE.replace("directories.market", "directories.market_eu");
    expect(&renamed, "directories.market_eu.tenant_id", "is missing, and the section's name is no id of a tenant");
    let text = renamed.replace("[directories.market_eu]\n", "[directories.market_eu]\ntenant_id = \"market\"\n");
    assert_eq!(accepted(&text).directories[0].directory.name, "market_eu");
}

#[test]
fn no_two_directories_are_one_tenant_in_whatever_letter_case() {
    assert_eq!(accepted(&with_other("")).directories.len(), 2);
    let what = "is also the tenant of the directory \"market\"";
    expect(&with_other("tenant_id = \"Market\""), "directories.other.tenant_id", what);
}

#[test]
fn a_directory_without_an_administrator_is_warned_of() {
    let text = changed(&format!("{}\n", line_of("administrators")), "");
    expect_warning(&text, "directories.market.administrators", "nobody may call the management API");
}

#[test]
fn addresses_that_only_the_file_could_name_are_missed_in_it() {
    let page = format!("{DIRECTORY}managed = \"file\"\n");
    let without_logout = changed(DIRECTORY, &page).replace(SSO, "sso = { is_active = true }\n");
    expect_warning(&without_logout, "directories.market.sso.logout_redirect_uris", "no logout of an application");
    accepted(&without_logout.replace("is_active = true", "is_active = false"));
    accepted(&changed(SSO, "sso = { is_active = true }\n"));
    let map = "\n[directories.market.applications.map]\ntype = \"singlepageapp\"\n";
    let place = "directories.market.applications.map.redirect_uris";
    expect_warning(&format!("{}{map}", changed(DIRECTORY, &page)), place, "nobody can sign in to this page");
    accepted(&format!("{SAMPLE}{map}"));
    let shared = format!("{page}redirect_uris = [\"https://map.example.com/\"]\n");
    accepted(&format!("{}{map}", changed(DIRECTORY, &shared)));
}

#[test]
fn costs_of_hashes_without_a_directory_are_warned_of() {
    let text = format!("{}\n[password_hashes]\npasses = 1\n", crate::config::test_samples::MINIMAL);
    let configuration = crate::config::test_samples::read(&text).unwrap();
    let [warning] = configuration.warnings.as_slice() else { panic!("{:?}", configuration.warnings) };
    assert_eq!(warning.path, "password_hashes");
}

#[test]
fn a_variable_overrides_a_key_of_a_directory() {
    let configuration = read_with(
        SAMPLE,
        [
            ("BOT_SSO_DIRECTORIES__MARKET__SSO__IS_ACTIVE", "false"),
            ("BOT_SSO_DIRECTORIES__MARKET__TOKENS__ACCESS_SECONDS", "300"),
            ("BOT_SSO_DIRECTORIES__MARKET__REDIRECT_URIS", "[\"https://b.example/\"]"),
        ],
    )
    .unwrap();
    let settings = &configuration.directories[0].settings;
    assert!(!settings.sso.is_active);
    assert_eq!(settings.tokens.access_seconds, 300);
    assert_eq!(settings.redirect_uris, ["https://b.example/"]);
}

#[test]
fn a_problem_of_the_public_address_is_the_only_one() {
    let problems = read(&changed("https://sso.example.com", "http://sso.example.com")).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert_eq!(problems.0[0].path, "server.public_url");
}
