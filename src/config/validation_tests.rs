//! What is wrong is found, all at once, and told so that it can be mended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::domain::{AudienceRule, TenantPolicy};

use super::sample_tests::{directory, secret_of};
use super::{Configuration, Environment, LogLevel, Problems, load, parse_in};

const MINIMAL: &str = include_str!("../../fixtures/config/minimal.toml");

const SECRET: (&str, &str) = ("GRAPH_CLIENT_SECRET", "hunter2\n");

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, Problems> {
    let variables: Vec<_> = variables.iter().copied().chain([SECRET]).collect();
    parse_in(directory().path(), text, &Environment::of(variables))
}

/// The minimal sample with `from` replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from}");
    MINIMAL.replace(from, to)
}

/// The one problem of `text`.
#[track_caller]
fn problem_of(text: &str) -> String {
    let problems = read(text, &[]).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

/// The minimal sample with a piece replaced has one problem, which starts as told.
#[track_caller]
fn expect_problem(from: &str, to: &str, start: &str) {
    let problem = problem_of(&changed(from, to));
    assert!(problem.starts_with(start), "{problem}\nshould start\n{start}");
}

const ENDPOINT: &str = "endpoint = \"http://127.0.0.1:3979/api/messages\"";
const BOT_ID: &str = "app_id = \"11111111-1111-4111-8111-111111111111\"";
const SECRET_LINE: &str = "client_secret = { env = \"GRAPH_CLIENT_SECRET\" }";
const TENANTS: &str = "tenants = [\"22222222-2222-4222-8222-222222222222\"]";
const SCOPES: &str = "scopes = [\"https://graph.microsoft.com/User.Read\"]";
const PUBLIC_URL: &str = "public_url = \"https://sso.example.com\"";
const URI: &str = "token_exchange_uri = \"api://sso.example.com/botid-11111111-1111-4111-8111-111111111111\"";

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let text = r#"
        [server]
        public_ulr = "https://sso.example.com"
        workers = "many"
        listen = [3978]
        [outbound]
        private_networks = ["everything"]
        [bots.one]
        app_id = "x"
        after_exchange = "notfy"
        [bots.two]
        endpoint = "http://bot.example.com/api/messages"
        [[bots.two.callers]]
        app_id = 5
        [connections.graph]
        bot = "onee"
        client_secret = "hunter2"
        scopes = []
        allow_v1 = "no"
        [keys]
        file = "nowhere.keys"
    "#;
    let problems = read(text, &[]).unwrap_err();
    let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "server.public_ulr",
        "server.workers",
        "server.listen[0]",
        "bots.one.after_exchange",
        "bots.two.callers[0].app_id",
        "connections.graph.client_secret",
        "connections.graph.allow_v1",
        "server.public_url",
        "outbound.private_networks[0]",
        "bots.one.app_id",
        "bots.one.endpoint",
        "bots.two.app_id",
        "bots.two.endpoint",
        "bots.two.callers[0].tenant",
        "bots.two.callers[0].service_urls",
        "bots.two.callers[0].channels",
        "connections.graph.bot",
        "connections.graph.scopes",
        "connections.graph.tenants",
        "keys.file",
    ];
    for path in expected {
        assert!(paths.contains(&path), "{path} is not in\n{problems}");
    }
    assert_eq!(paths.len(), expected.len(), "{problems}");
    let text = problems.to_string();
    assert!(text.contains("server.public_ulr: unknown key \"public_ulr\": did you mean public_url?"), "{text}");
    assert!(text.contains("unknown word \"notfy\": did you mean notify?"), "{text}");
    assert!(text.contains("connections.graph.bot: there is no bots.onee: did you mean \"one\"?"), "{text}");
    assert!(text.contains("nowhere.keys cannot be read"), "{text}");
    assert!(text.contains("bot-sso keys create"), "{text}");
    assert_eq!(text.lines().count(), expected.len(), "one line a problem");
}

#[test]
fn a_syntax_error_is_told_by_position_without_the_line() {
    let problem = problem_of("[connections.graph]\nclient_secret = hunter2\n");
    assert!(problem.starts_with("line 2, column 17: "), "{problem}");
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn a_secret_is_a_reference_and_is_never_shown() {
    for wrong in [
        "\"hunter2\"",
        "12345678",
        "[\"hunter2\"]",
        "{ value = \"hunter2\" }",
        "{ env = \"A\", file = \"hunter2\" }",
        "{ env = 12345678 }",
        "{}",
    ] {
        let problem = problem_of(&changed(SECRET_LINE, &format!("client_secret = {wrong}")));
        assert!(problem.starts_with("connections.graph.client_secret: "), "{problem}");
        assert!(!problem.contains("hunter2") && !problem.contains("12345678"), "{problem}");
    }
    let configuration = read(MINIMAL, &[]).unwrap();
    assert_eq!(secret_of(&configuration.connections[0]), "hunter2", "the line end is trimmed");
    assert!(!format!("{configuration:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_cannot_be_had_is_reported() {
    expect_problem(
        "GRAPH_CLIENT_SECRET",
        "NOWHERE",
        "connections.graph.client_secret: the environment variable NOWHERE",
    );
    expect_problem(SECRET_LINE, "client_secret = { file = \"no\" }", "connections.graph.client_secret: ");
    let empty = parse_in(directory().path(), MINIMAL, &Environment::of([("GRAPH_CLIENT_SECRET", "\n")]));
    assert_eq!(
        empty.unwrap_err().to_string(),
        "connections.graph.client_secret: leads to an empty secret: set its value"
    );
}

#[test]
fn files_that_others_can_read_are_refused_with_the_command_to_run() {
    let directory = directory();
    let keys = directory.path().join("bot-sso.keys");
    std::fs::set_permissions(&keys, Permissions::from_mode(0o640)).unwrap();
    let secret = directory.path().join("calendar.secret");
    std::fs::set_permissions(&secret, Permissions::from_mode(0o604)).unwrap();
    let text = changed(SECRET_LINE, "client_secret = { file = \"calendar.secret\" }");
    let problems = parse_in(directory.path(), &text, &Environment::default()).unwrap_err().to_string();
    assert!(
        problems.contains(&format!("keys.file: {0} can be read by others: run chmod 600 {0}", keys.display())),
        "{problems}"
    );
    assert!(problems.contains(&format!("run chmod 600 {}", secret.display())), "{problems}");
}

#[test]
fn the_environment_goes_over_the_file() {
    let variables = [
        ("BOT_SSO_SERVER__WORKERS", "3"),
        ("BOT_SSO_SERVER__LISTEN", "[\"127.0.0.1:1\", \"127.0.0.1:2\"]"),
        ("BOT_SSO_BOTS__HELP_DESK__ENDPOINT", "https://bot.example.com/api/messages"),
        ("BOT_SSO_CONNECTIONS__GRAPH__TENANTS", "any_organization"),
        ("BOT_SSO_CONNECTIONS__GRAPH__CLIENT_SECRET", "{ env = \"OTHER\" }"),
        ("BOT_SSO_CONNECTIONS__GRAPH__ALLOW_V1", "true"),
        ("BOT_SSO_LOGGING__LEVEL", "debug"),
        ("OTHER", "other"),
        ("BOT_SSO_UNRELATED", "x"),
    ];
    let configuration = read(MINIMAL, &variables).unwrap();
    assert_eq!(configuration.server.workers, Some(3));
    assert_eq!(configuration.server.listen.len(), 2);
    assert_eq!(configuration.bots[0].endpoint.host_str(), Some("bot.example.com"));
    assert_eq!(configuration.literal_hosts(), ["bot.example.com"]);
    let graph = &configuration.connections[0];
    assert_eq!(graph.connection.exchange.tenants, TenantPolicy::AnyOrganization);
    assert!(graph.connection.exchange.allow_v1);
    assert_eq!(secret_of(graph), "other");
    assert_eq!(configuration.logging.level, LogLevel::Debug);
}

#[test]
fn a_problem_from_the_environment_names_the_variable_and_no_secret() {
    let variables = [
        ("BOT_SSO_SERVER__WORKERS", "many"),
        ("BOT_SSO_SERVER__PUBLIC_URL", "ftp://sso.example.com"),
        ("BOT_SSO_SERVER__NONSENSE", "1"),
        ("BOT_SSO_CONNECTIONS__GRAPH__CLIENT_SECRET", "sesame"),
    ];
    let problems = read(MINIMAL, &variables).unwrap_err();
    assert_eq!(problems.0.len(), 4, "{problems}");
    let text = problems.to_string();
    for (variable, _) in variables {
        assert!(text.contains(&format!("(set by the environment variable {variable})")), "{text}");
    }
    assert!(!text.contains("sesame"), "{text}");
}

#[test]
fn the_public_address_is_the_root_of_an_https_host() {
    for (url, complaint) in [
        ("http://sso.example.com", "is plain http"),
        ("https://sso.example.com/sso", "has a path"),
        ("https://sso.example.com?x=1", "has a path"),
        ("sso.example.com", "is not an address"),
        ("https://sso.example.com/#x", "has a fragment"),
    ] {
        expect_problem(
            PUBLIC_URL,
            &format!("public_url = {url:?}"),
            &format!("server.public_url: {url:?} {complaint}"),
        );
    }
    assert!(read(&changed(PUBLIC_URL, "public_url = \"http://127.0.0.1:3978\""), &[]).is_ok());
    expect_problem(PUBLIC_URL, "", "server.public_url: is missing");
    let problem = problem_of(&changed(PUBLIC_URL, "public_url = \"https://me:hunter2@sso.example.com\""));
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn listeners_are_ip_addresses_with_ports() {
    let with = |listen: &str| changed(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {listen}"));
    assert!(problem_of(&with("[\"localhost:3978\"]")).starts_with("server.listen[0]: "));
    assert!(problem_of(&with("[]")).starts_with("server.listen: is empty"));
    assert!(read(&with("[\"[::1]:0\"]"), &[]).is_ok());
}

#[test]
fn a_bots_endpoint_is_https_or_on_this_machine_or_said_to_be_insecure() {
    let far = "endpoint = \"http://bot.example.com/api/messages\"";
    expect_problem(ENDPOINT, far, "bots.help-desk.endpoint: \"http://bot.example.com/api/messages\" is plain http");
    let allowed = read(&changed(ENDPOINT, &format!("{far}\nallow_insecure_http = true")), &[]).unwrap();
    assert_eq!(allowed.plain_http_hosts(), ["bot.example.com"]);
    for near in
        ["http://localhost:1/api/messages", "http://[::1]:1/api/messages", "https://bot.example.com/api/messages"]
    {
        assert!(read(&changed(ENDPOINT, &format!("endpoint = {near:?}")), &[]).is_ok(), "{near}");
    }
}

#[test]
fn app_ids_are_guids_and_belong_to_one_bot() {
    expect_problem(BOT_ID, "app_id = \"help-desk\"", "bots.help-desk.app_id: \"help-desk\" is not a GUID");
    expect_problem(BOT_ID, "app_id = \"11111111111141118111111111111111\"", "bots.help-desk.app_id: ");
    let twin = format!("{MINIMAL}\n[bots.twin]\n{}\n{ENDPOINT}", BOT_ID.to_uppercase().replace("APP_ID", "app_id"));
    assert!(problem_of(&twin).starts_with("bots.twin.app_id: is also the app id of the bot \"help-desk\""));
    assert!(
        problem_of(&format!(
            "{MINIMAL}\n[bots.\"a/b\"]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n{ENDPOINT}"
        ))
        .starts_with("bots.\"a/b\": is no name for a bot")
    );
}

#[test]
fn one_wire_name_belongs_to_one_connection_of_a_bot() {
    let second = format!(
        "{MINIMAL}\n[connections.other]\nname = \"graph\"\nbot = \"help-desk\"\n{SECRET_LINE}\n{SCOPES}\n{TENANTS}\n"
    );
    assert!(problem_of(&second).starts_with("connections.other.name: has the same bot and name as connections.graph"));
    let other_bot = format!(
        "[bots.other]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n{ENDPOINT}\n{}",
        second.replace("name = \"graph\"\nbot = \"help-desk\"", "name = \"graph\"\nbot = \"other\"")
    );
    let configuration = read(&other_bot, &[]).unwrap();
    let names: Vec<_> = configuration.connections.iter().map(|section| section.connection.name.as_str()).collect();
    assert_eq!(names, ["graph", "graph"]);
}

#[test]
fn a_connection_refers_to_what_exists() {
    expect_problem(
        "bot = \"help-desk\"",
        "bot = \"help_desk\"",
        "connections.graph.bot: there is no bots.help_desk: did you mean \"help-desk\"?",
    );
    expect_problem(
        "bot = \"help-desk\"",
        "bot = \"help-desk\"\nidentity_provider = \"okta\"",
        "connections.graph.identity_provider: there is no",
    );
    let two = format!("{MINIMAL}\n[identity_providers.a]\n[identity_providers.b]\n");
    assert!(problem_of(&two).starts_with("connections.graph.identity_provider: is missing"));
}

#[test]
fn whose_users_may_sign_in_has_no_default() {
    expect_problem(TENANTS, "", "connections.graph.tenants: is missing");
    expect_problem(TENANTS, "tenants = []", "connections.graph.tenants: is empty");
    expect_problem(TENANTS, "tenants = \"common\"", "connections.graph.tenants: \"common\" is neither");
    expect_problem(
        TENANTS,
        "tenants = [\"contoso.com\"]",
        "connections.graph.tenants[0]: \"contoso.com\" is not a GUID",
    );
    expect_problem(TENANTS, "tenants = 5", "connections.graph.tenants: invalid type");
}

#[test]
fn scopes_are_of_one_resource() {
    for (scopes, fine) in [
        ("[\"User.Read\", \"https://graph.microsoft.com/Mail.Read\", \"offline_access\"]", true),
        ("[\"https://graph.microsoft.com/.default\", \"openid\"]", true),
        ("[\"api://a/x\", \"api://b/x\"]", false),
        ("[\"User.Read\", \"api://b/x\"]", false),
        ("[\"openid\"]", false),
        ("[\"https://graph.microsoft.com/.default\", \"User.Read\"]", false),
        ("[\"User.Read Mail.Read\"]", false),
        ("[]", false),
    ] {
        let text = changed(SCOPES, &format!("scopes = {scopes}"));
        match read(&text, &[]) {
            Ok(_) => assert!(fine, "{scopes}"),
            Err(problems) => assert!(!fine && problems.0[0].path.starts_with("connections.graph.scopes"), "{problems}"),
        }
    }
}

#[test]
fn an_exchange_uri_is_an_app_id_uri_and_capitals_in_its_host_are_warned_of() {
    expect_problem(URI, "token_exchange_uri = \"access_as_user\"", "connections.graph.token_exchange_uri: ");
    expect_problem(URI, "token_exchange_uri = \"api:///x\"", "connections.graph.token_exchange_uri: ");
    let configuration = read(&changed(URI, "token_exchange_uri = \"api://SSO.example.com/botid-1\""), &[]).unwrap();
    assert_eq!(configuration.warnings.len(), 1);
    assert!(configuration.warnings[0].message.contains("\"sso.example.com\""), "{:?}", configuration.warnings);
    let audience = AudienceRule::Uri("api://SSO.example.com/botid-1".to_owned());
    assert!(configuration.connections[0].connection.exchange.audiences.contains(&audience), "taken as written");
}

#[test]
fn required_scopes_are_names_and_at_least_one() {
    let with = |scopes: &str| format!("required_scopes = {scopes}\n{TENANTS}");
    expect_problem(TENANTS, &with("[]"), "connections.graph.required_scopes: is empty");
    expect_problem(TENANTS, &with("[\"api://x/read\"]"), "connections.graph.required_scopes[0]: ");
}

#[test]
fn identity_addresses_are_https_unless_their_section_says_otherwise() {
    let sections = "[channels]\nissuer = \"http://127.0.0.1:1\"\njwks_url = \"http://127.0.0.1:1/keys\"\n\
        [identity_providers.stand]\nauthority = \"http://stand.test:2\"\n";
    let problems = read(&format!("{sections}{MINIMAL}"), &[]).unwrap_err();
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["channels.jwks_url", "identity_providers.stand.authority"], "{problems}");
    let insecure = sections.replace("keys\"\n", "keys\"\nallow_insecure_http = true\n");
    let insecure = format!("{insecure}allow_insecure_http = true\n{MINIMAL}");
    let configuration = read(&insecure, &[]).unwrap();
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1", "stand.test"]);
    let stand = &configuration.identity_providers["stand"];
    assert_eq!(stand.token_endpoint, "http://stand.test:2/{tenant}/oauth2/v2.0/token");
    assert_eq!(configuration.connections[0].connection.identity_provider, "stand", "the only one");
}

#[test]
fn every_identity_address_can_be_set_on_its_own() {
    let section = "[identity_providers.private]\nauthority = \"https://login.example.com\"\n\
        issuer = \"https://issuer.example.com/{tenantid}\"\nv1_issuer = \"https://v1.example.com/{tenantid}/\"\n\
        jwks_url = \"https://keys.example.com/keys\"\ntoken_endpoint = \"https://10.1.2.3/{tenant}/token\"\n";
    let configuration = read(&format!("{section}{MINIMAL}"), &[]).unwrap();
    let provider = &configuration.identity_providers["private"];
    assert_eq!(provider.issuer, "https://issuer.example.com/{tenantid}");
    assert_eq!(provider.token_endpoint, "https://10.1.2.3/{tenant}/token");
    assert_eq!(configuration.literal_hosts(), ["10.1.2.3", "127.0.0.1", "keys.example.com", "login.example.com"]);
}

#[test]
fn templates_have_their_placeholder_and_no_other() {
    let with = |line: &str| format!("[identity_providers.entra]\n{line}\n{MINIMAL}");
    for (line, start) in [
        ("issuer = \"https://login.example.com/v2.0\"", "identity_providers.entra.issuer: "),
        ("v1_issuer = \"https://sts.example.com/{tenant}/\"", "identity_providers.entra.v1_issuer: "),
        ("token_endpoint = \"https://login.example.com/token\"", "identity_providers.entra.token_endpoint: "),
        ("token_endpoint = \"https://x.example/{tenant}/{policy}\"", "identity_providers.entra.token_endpoint: "),
        ("authority = \"https://login.microsoftonline.com/common\"", "identity_providers.entra.authority: "),
        ("metadata_url = \"https://x.example/{tenant}\"", "identity_providers.entra.metadata_url: "),
        ("kind = \"okta\"", "identity_providers.entra.kind: unknown word"),
    ] {
        let problem = problem_of(&with(line));
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn a_channel_issuer_comes_with_its_keys() {
    let text = format!("[channels]\nissuer = \"https://issuer.example.com\"\n{MINIMAL}");
    assert!(problem_of(&text).starts_with("channels.issuer: comes without its keys"));
}

#[test]
fn a_cloud_brings_its_addresses() {
    for (cloud, channels, keys, authority) in [
        ("public", "api.botframework.com", "login.botframework.com", "login.microsoftonline.com"),
        ("us_gov", "api.botframework.us", "login.botframework.azure.us", "login.microsoftonline.us"),
        ("china", "api.botframework.azure.cn", "login.botframework.azure.cn", "login.partner.microsoftonline.cn"),
    ] {
        let configuration = read(&format!("[channels]\ncloud = {cloud:?}\n{MINIMAL}"), &[]).unwrap();
        assert_eq!(configuration.channels.issuer, format!("https://{channels}"));
        assert_eq!(configuration.channels.keys.address().host_str(), Some(keys));
        assert_eq!(configuration.identity_providers["entra"].authority, format!("https://{authority}"));
        assert_eq!(configuration.token_service.audiences, [format!("https://{channels}")]);
    }
}

#[test]
fn token_service_tenants_are_those_of_the_bots_and_callers_come_on_top() {
    let tenant = "tenant = \"22222222-2222-4222-8222-222222222222\"";
    let caller = "[[bots.help-desk.callers]]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n\
        tenant = \"77777777-7777-4777-8777-777777777777\"\nservice_urls = [\"https://parent.example.com\"]\n\
        channels = [\"MSTeams\"]\n";
    let text = format!("{}\n{caller}", changed(BOT_ID, &format!("{BOT_ID}\n{tenant}")));
    let configuration = read(&text, &[]).unwrap();
    let framework = "d6d49420-f39b-4df7-a1dc-d59a935871db";
    assert_eq!(configuration.token_service.tenants, ["22222222-2222-4222-8222-222222222222", framework]);
    assert_eq!(configuration.app_token_tenants().len(), 3);
    let caller = &configuration.bots[0].callers[0];
    assert_eq!(caller.service_url_prefixes, ["https://parent.example.com/"], "a prefix goes beyond the host");
    assert_eq!(caller.channels, ["msteams"]);
}

#[test]
fn verified_user_ids_are_all_or_prefixes() {
    let with = |line: &str| format!("{MINIMAL}\n[bots.help-desk.identity]\nverified_user_ids = {line}\n");
    assert!(read(&with("\"all\""), &[]).is_ok());
    assert!(problem_of(&with("\"some\"")).starts_with("bots.help-desk.identity.verified_user_ids: "));
    assert!(problem_of(&with("[\"\"]")).contains("fits every id"));
}

#[test]
fn the_operators_listener_is_on_loopback_unless_more_is_allowed_and_has_a_real_token() {
    const TOKEN: &str = "admin_token = { env = \"ADMIN\" }";
    const LONG: &str = "0123456789abcdef";
    let with = |section: &str, token: &str| {
        let text = format!("{MINIMAL}\n[operations]\n{section}\n");
        read(&text, &[("ADMIN", token)])
    };
    let plain = with(TOKEN, LONG).unwrap().operations.unwrap();
    assert_eq!((plain.listen.to_string().as_str(), plain.admin_token.expose()), ("127.0.0.1:3981", LONG));
    assert!(!format!("{plain:?}").contains(LONG));
    for (section, token, start) in [
        ("", LONG, "operations.admin_token: is missing"),
        (TOKEN, "0123456789abcde", "operations.admin_token: leads to no token"),
        (TOKEN, "0123456789 abcdef", "operations.admin_token: leads to no token"),
        ("admin_token = \"0123456789abcdef\"", LONG, "operations.admin_token: a secret is never written"),
        (&format!("listen = \"0.0.0.0:3981\"\n{TOKEN}"), LONG, "operations.listen: \"0.0.0.0:3981\" can be reached"),
        (&format!("listen = \"3981\"\n{TOKEN}"), LONG, "operations.listen: \"3981\" is not an address"),
        (&format!("adress = 1\n{TOKEN}"), LONG, "operations.adress: unknown key"),
    ] {
        let problems = with(section, token).unwrap_err();
        assert!(problems.0.len() == 1 && problems.to_string().starts_with(start), "{problems}");
        assert!(!problems.to_string().contains("0123456789"), "{problems}");
    }
    let remote = with(&format!("listen = \"0.0.0.0:3981\"\nallow_remote = true\n{TOKEN}"), LONG).unwrap();
    assert!(remote.warnings.iter().any(|warning| warning.path == "operations.listen"), "it has no TLS");
}

#[test]
fn a_certificate_comes_with_its_own_key() {
    let directory = directory();
    let other = rcgen::generate_simple_self_signed(vec!["other.example.com".to_owned()]).unwrap();
    let key = directory.path().join("other.key");
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let with = |certificate: &str, key: &str| {
        let tls = format!("{MINIMAL}\n[server.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n");
        parse_in(directory.path(), &tls, &Environment::of([SECRET]))
    };
    assert!(with("certificate.pem", "certificate.key").is_ok());
    for (certificate, key, start) in [
        ("certificate.pem", "other.key", "server.tls.key_file: does not fit"),
        ("certificate.pem", "calendar.secret", "server.tls.key_file: holds no private key"),
        ("certificate.key", "certificate.key", "server.tls.certificate_file: holds no certificate"),
        ("none.pem", "certificate.key", "server.tls.certificate_file: "),
    ] {
        let problems = with(certificate, key).unwrap_err().to_string();
        assert!(problems.starts_with(start), "{problems}");
    }
}

#[test]
fn a_proxy_may_be_private_but_its_host_is_not_called_in_plain_http() {
    let text = format!("[outbound]\negress_proxy = \"http://proxy.internal:3128\"\n{MINIMAL}");
    let configuration = read(&text, &[]).unwrap();
    assert_eq!(configuration.literal_hosts(), ["127.0.0.1", "proxy.internal"]);
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1"]);
    let text = format!("[outbound]\negress_proxy = \"http://me:hunter2@proxy.internal\"\n{MINIMAL}");
    assert!(!problem_of(&text).contains("hunter2"));
}

#[test]
fn numbers_stay_in_their_ranges() {
    let text = format!("[outbound]\nconnect_timeout_ms = 60000\nbot_timeout_ms = -1\n{MINIMAL}");
    let problems = read(&text, &[]).unwrap_err();
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["outbound.bot_timeout_ms", "outbound.connect_timeout_ms"], "{problems}");
}

#[test]
fn a_store_lies_in_a_directory_that_exists() {
    let problem = problem_of(&format!("[store]\npath = \"nowhere/bot-sso.db\"\n{MINIMAL}"));
    assert!(problem.starts_with("store.path: the directory "), "{problem}");
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let problems = load(&directory().path().join("none.toml")).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert!(problems.to_string().contains("none.toml cannot be read"), "{problems}");
}

#[test]
fn the_emulator_is_let_in_only_where_nobody_else_can_come() {
    let allowed =
        changed(ENDPOINT, &format!("{ENDPOINT}\nallow_emulator = true\ntenant = \"{}\"", OWN_TENANT.to_uppercase()));
    let bot = &read(&allowed, &[]).unwrap().bots[0];
    let fixed = ["d6d49420-f39b-4df7-a1dc-d59a935871db", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"];
    assert_eq!(bot.emulator_tenants, [fixed[0], fixed[1], OWN_TENANT]);
    assert!(read(&allowed, &[]).unwrap().app_token_tenants().iter().any(|tenant| tenant == fixed[1]));
    assert!(read(MINIMAL, &[]).unwrap().bots[0].emulator_tenants.is_empty(), "off by default");
    for (listen, address) in
        [("[\"0.0.0.0:3978\"]", "0.0.0.0:3978"), ("[\"127.0.0.1:3978\", \"192.0.2.1:3978\"]", "192.0.2.1:3978")]
    {
        let text = allowed.replace(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {listen}"));
        let problem = problem_of(&text);
        assert!(problem.starts_with("bots.help-desk.allow_emulator: is for the emulator on this machine"), "{problem}");
        assert!(problem.contains(address) && problem.contains("127.0.0.1:3978"), "{problem}");
    }
}

const OWN_TENANT: &str = "aaaaaaaa-2222-4222-8222-222222222222";

#[test]
fn nobody_speaks_for_the_emulator_or_for_app_service_and_nobody_calls_anonymously() {
    for channel in ["emulator", "Emulator", "AseChannel"] {
        let caller = format!(
            "{ENDPOINT}\n[[bots.help-desk.callers]]\napp_id = \"{OWN_TENANT}\"\ntenant = \"{OWN_TENANT}\"\n\
             service_urls = [\"https://parent.example.com/\"]\nchannels = [\"msteams\", \"{channel}\"]\n"
        );
        expect_problem(ENDPOINT, &caller, "bots.help-desk.callers[0].channels: names a channel that no parent bot");
    }
    for key in ["anonymous", "allow_anonymous"] {
        let problem = problem_of(&changed(ENDPOINT, &format!("{ENDPOINT}\n{key} = true")));
        assert!(problem.starts_with(&format!("bots.help-desk.{key}: unknown key")), "{problem}");
    }
}

#[test]
fn limits_have_defaults_and_a_range() {
    let limits = read(MINIMAL, &[]).unwrap().limits;
    assert_eq!((limits.parent_requests_per_second.get(), limits.user_exchanges_per_minute.get()), (500, 120));
    assert_eq!((limits.channel_requests_per_second, limits.token_service_requests_per_second), (None, None));
    let text = format!("{MINIMAL}\n[limits]\nchannel_requests_per_second = 7\n");
    assert_eq!(read(&text, &[]).unwrap().limits.channel_requests_per_second.unwrap().get(), 7);
    for key in [
        "parent_requests_per_second",
        "channel_requests_per_second",
        "token_service_requests_per_second",
        "user_exchanges_per_minute",
    ] {
        for wrong in [0, 1_000_001] {
            let problem = problem_of(&format!("{MINIMAL}\n[limits]\n{key} = {wrong}\n"));
            assert_eq!(problem, format!("limits.{key}: is {wrong}: write a number from 1 to 1000000"));
        }
    }
}

#[test]
fn every_cloud_has_its_own_name_for_its_channels() {
    for (cloud, caller_id) in
        [("public", Some("urn:botframework:azure")), ("us_gov", Some("urn:botframework:azureusgov")), ("china", None)]
    {
        let text = format!("{MINIMAL}\n[channels]\ncloud = \"{cloud}\"\n");
        assert_eq!(read(&text, &[]).unwrap().channels.caller_id, caller_id, "{cloud}");
    }
}

#[test]
fn a_callers_entry_holds_what_can_fit_and_what_is_safe() {
    let entry = |url: &str, channel: &str| {
        format!(
            "{ENDPOINT}\n[[bots.help-desk.callers]]\napp_id = \"{OWN_TENANT}\"\ntenant = \"{OWN_TENANT}\"\n\
             service_urls = [\"{url}\"]\nchannels = [\"{channel}\"]\n"
        )
    };
    let place = "bots.help-desk.callers[0]";
    for (url, says) in [("http://parent.example/", "is plain http"), ("https://parent.example/?x=1", "has a query")] {
        expect_problem(ENDPOINT, &entry(url, "msteams"), &format!("{place}.service_urls[0]: {url:?} {says}"));
    }
    expect_problem(
        ENDPOINT,
        &entry("https://p.example/", "msteams:COPILOT"),
        &format!("{place}.channels: names a part"),
    );
    assert!(read(&changed(ENDPOINT, &entry("http://127.0.0.1/skills", "msteams")), &[]).is_ok());
}

#[test]
fn the_emulator_and_a_proxy_that_brings_others_do_not_go_together() {
    let text = changed(ENDPOINT, &format!("{ENDPOINT}\nallow_emulator = true"));
    let text = text.replace(PUBLIC_URL, &format!("{PUBLIC_URL}\ntrusted_proxies = [\"127.0.0.1\"]"));
    assert!(problem_of(&text).contains("server.trusted_proxies"));
}

#[test]
fn of_several_issuers_the_clouds_own_says_who_calls() {
    let believed = |more: &str| {
        let text = format!(
            "{MINIMAL}\n[identity_providers.own]\nauthority = \"https://login.example\"\n{more}\n[identity_providers.entra]\n"
        );
        let text = text.replace(TENANTS, &format!("{TENANTS}\nidentity_provider = \"entra\""));
        let providers = read(&text, &[]).unwrap().identity_providers;
        ["entra", "own"].map(|name| providers[name].authenticates_callers)
    };
    assert_eq!(believed(""), [true, false]);
    assert_eq!(believed("authenticates_callers = true"), [true, true]);
}

/// A second provider of kind `oidc`, and a connection of it with `more`.
fn with_openid(provider: &str, more: &str) -> String {
    let text = MINIMAL.replace(TENANTS, &format!("{TENANTS}\nidentity_provider = \"entra\""));
    format!(
        "{text}\n[identity_providers.entra]\n[identity_providers.other]\nkind = \"oidc\"\n{provider}\n\
         [connections.tickets]\nbot = \"help-desk\"\nidentity_provider = \"other\"\nscopes = [\"profile\"]\n\
         client_secret = {{ env = \"GRAPH_CLIENT_SECRET\" }}\n{more}\n"
    )
}

const OTHER_ISSUER: &str = "issuer = \"https://login.example.com/realm/\"";
const CLIENT: &str = "client_id = \"the bot's client\"";

#[test]
fn any_openid_provider_is_known_by_its_issuer() {
    let configuration = read(&with_openid(OTHER_ISSUER, CLIENT), &[]).unwrap();
    let other = &configuration.openid_providers["other"];
    assert_eq!(other.issuer, "https://login.example.com/realm/", "letter by letter");
    assert_eq!(other.metadata_url.as_str(), "https://login.example.com/realm/.well-known/openid-configuration");
    assert_eq!(other.keys.address(), &other.metadata_url);
    assert!(configuration.identity_providers["entra"].authenticates_callers, "the only one of its kind");
    let tickets = configuration.connections.iter().find(|section| section.key == "tickets").unwrap();
    assert_eq!(tickets.connection.provider_kind, crate::domain::ProviderKind::OpenIdConnect);
    assert_eq!(tickets.connection.client_id, "the bot's client");
    assert!(tickets.connection.exchange.audiences.is_empty());
    assert!(configuration.app_identities().iter().all(|identity| identity.place != "connections.tickets"));
    let loopback = with_openid("issuer = \"http://127.0.0.1:9/realm\"", CLIENT);
    assert!(read(&loopback, &[]).unwrap().plain_http_hosts().contains(&"127.0.0.1".to_owned()));
}

#[test]
fn a_provider_beside_entra_changes_nothing_for_what_is_written_already() {
    let added = format!(
        "{MINIMAL}\n[identity_providers.other]\nkind = \"oidc\"\n{OTHER_ISSUER}\n[connections.tickets]\nbot = \"help-desk\"\n\
         identity_provider = \"other\"\nscopes = [\"profile\"]\nclient_secret = {{ env = \"GRAPH_CLIENT_SECRET\" }}\n{CLIENT}\n"
    );
    let (before, after) = (read(MINIMAL, &[]).unwrap(), read(&added, &[]).unwrap());
    assert_eq!(after.connections.len(), before.connections.len() + 1);
    for section in &before.connections {
        let same = after.connections.iter().find(|other| other.key == section.key).unwrap();
        assert_eq!(same.connection.revision, section.connection.revision);
        assert_eq!(same.connection.identity_provider, "entra");
    }
    assert!(after.identity_providers["entra"].authenticates_callers);
}

#[test]
fn tokens_of_another_issuer_under_the_same_name_are_none_of_this_ones() {
    let revision = |issuer: &str| {
        let configuration = read(&with_openid(&format!("issuer = \"{issuer}\""), CLIENT), &[]).unwrap();
        let tickets = configuration.connections.into_iter().find(|section| section.key == "tickets");
        tickets.unwrap().connection.revision
    };
    assert_eq!(revision("https://login.example.com/a"), revision("https://login.example.com/a"));
    assert_ne!(revision("https://login.example.com/a"), revision("https://login.example.com/b"));
}

#[test]
fn what_belongs_to_entra_is_refused_elsewhere_by_its_key() {
    for (line, key) in [
        ("authority = \"https://login.example.com\"", "authority"),
        ("v1_issuer = \"https://login.example.com/{tenantid}\"", "v1_issuer"),
        ("authenticates_callers = true", "authenticates_callers"),
    ] {
        let problem = problem_of(&with_openid(&format!("{OTHER_ISSUER}\n{line}"), CLIENT));
        assert!(problem.starts_with(&format!("identity_providers.other.{key}: belongs to ")), "{problem}");
    }
    for (line, key) in [
        ("token_exchange_uri = \"api://login.example.com/x\"", "token_exchange_uri"),
        ("exchange_uris = [\"api://x/y\"]", "exchange_uris"),
        ("aad_resources = [\"https://graph.microsoft.com/\"]", "aad_resources"),
        ("tenants = \"any_organization\"", "tenants"),
        ("required_scopes = [\"x\"]", "required_scopes"),
        ("authorized_clients = [\"22222222-2222-4222-8222-222222222222\"]", "authorized_clients"),
        ("allow_v1 = true", "allow_v1"),
        ("continuous_access = true", "continuous_access"),
    ] {
        let problem = problem_of(&with_openid(OTHER_ISSUER, &format!("{CLIENT}\n{line}")));
        assert!(problem.starts_with(&format!("connections.tickets.{key}: belongs to ")), "{problem}");
    }
}

#[test]
fn an_openid_provider_has_an_issuer_and_its_connections_a_client() {
    for (provider, start) in [
        ("", "identity_providers.other.issuer: is missing"),
        ("issuer = \"http://login.example.com\"", "identity_providers.other.issuer: "),
        ("issuer = \"https://login.example.com/?a=b\"", "identity_providers.other.issuer: "),
        (
            "issuer = \"https://login.example.com/.well-known/openid-configuration\"",
            "identity_providers.other.issuer: ",
        ),
    ] {
        let problem = problem_of(&with_openid(provider, CLIENT));
        assert!(problem.starts_with(start), "{problem}");
    }
    for (more, start) in [
        ("", "connections.tickets.client_id: is missing"),
        ("client_id = \"\"", "connections.tickets.client_id: is no client id"),
    ] {
        let problem = problem_of(&with_openid(OTHER_ISSUER, more));
        assert!(problem.starts_with(start), "{problem}");
    }
    let federated = with_openid(OTHER_ISSUER, CLIENT).replace(
        "scopes = [\"profile\"]\nclient_secret = { env = \"GRAPH_CLIENT_SECRET\" }",
        "scopes = [\"profile\"]\ncredentials = [{ managed_identity = { client_id = \"66666666-6666-4666-8666-666666666666\" } }]",
    );
    let problem = problem_of(&federated);
    assert!(
        problem.starts_with("connections.tickets.credentials[0]: is of a kind that Entra alone takes"),
        "{problem}"
    );
}

#[test]
fn bots_get_their_tokens_from_entra() {
    let text = with_openid(OTHER_ISSUER, CLIENT).replace(
        ENDPOINT,
        &format!("{ENDPOINT}\nidentity_provider = \"other\"\ncredentials = [{{ managed_identity = {{}} }}]"),
    );
    let problem = problem_of(&text);
    assert!(problem.starts_with("bots.help-desk.identity_provider: \"other\" is of kind \"oidc\""), "{problem}");
}
