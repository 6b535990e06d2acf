//! Settings that contradict each other, one by one in the smallest sample.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{
    BOT_ID, CLIENT_CERTIFICATE, ENDPOINT, MINIMAL, PUBLIC_URL, SCOPES, SECRET_LINE, TENANTS, URI, changed, directory,
    expect_problem, problem_of, read, read_with,
};
use crate::config::{Environment, parse_in};

const APP: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "99999999-9999-4999-8999-999999999999";
const URI_PLACE: &str = "connections.graph.token_exchange_uri: ";

/// The warnings of the smallest sample with `from` replaced by `to`.
#[track_caller]
pub(super) fn warnings_of(from: &str, to: &str) -> Vec<String> {
    let configuration = read(&changed(from, to)).unwrap_or_else(|problems| panic!("{problems}"));
    configuration.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn an_exchange_uri_with_a_scope_that_nobody_requires_is_a_problem() {
    for uri in
        [format!("api://{APP}/read"), format!("api://botid-{APP}/read"), format!("api://a.example/botid-{APP}/read")]
    {
        let problem = problem_of(&changed(URI, &format!("token_exchange_uri = {uri:?}")));
        let right = uri.replace("/read", "/access_as_user");
        assert!(
            problem.starts_with(&format!("{URI_PLACE}ends in \"read\", which is none of required_scopes")),
            "{problem}"
        );
        assert!(problem.contains(&format!("write {right:?}")), "{problem}");
    }
    let differs_in_case = format!("token_exchange_uri = \"api://{APP}/Access_As_User\"");
    assert!(problem_of(&changed(URI, &differs_in_case)).starts_with(URI_PLACE));
    let required = format!("token_exchange_uri = \"api://{APP}/read\"\nrequired_scopes = [\"write\", \"read\"]");
    for fine in [
        required,
        format!("token_exchange_uri = \"api://{APP}\""),
        format!("token_exchange_uri = \"api://{APP}/access_as_user\""),
    ] {
        assert_eq!(warnings_of(URI, &fine), [""; 0], "{fine}");
    }
    let doubtful = warnings_of(URI, "token_exchange_uri = \"api://a.example/app\"");
    assert_eq!(doubtful.len(), 1, "behind a host alone the segment may be the app's name: {doubtful:?}");
}

#[test]
fn an_exchange_uri_of_another_bot_is_found() {
    for uri in [
        format!("api://a.example/botid-{OTHER}"),
        format!("api://BotId-{OTHER}"),
        format!("api://{OTHER}/access_as_user"),
    ] {
        let written = format!("token_exchange_uri = {uri:?}");
        let warnings = warnings_of(URI, &written);
        assert!(
            warnings.iter().any(|warning| warning.contains("names another app") && warning.contains(APP)),
            "{warnings:?}"
        );
        let other = format!(
            "[bots.other]\napp_id = \"{OTHER}\"\nendpoint = \"http://127.0.0.1:4000/\"\n{}",
            changed(URI, &written)
        );
        let problem = problem_of(&other);
        assert!(problem.starts_with(&format!("{URI_PLACE}names the bot \"other\"")), "{problem}");
    }
    let shared = "77777777-7777-4777-8777-777777777777";
    let uri = format!("token_exchange_uri = \"api://botid-{OTHER}\"\nclient_id = \"{shared}\"");
    let with_other = |client_id: &str| {
        format!(
            "[bots.other]\napp_id = \"{OTHER}\"\nendpoint = \"http://127.0.0.1:4000/\"\n{}\n[connections.second]\n\
             bot = \"other\"\nclient_id = {client_id:?}\n{SECRET_LINE}\n{SCOPES}\n{TENANTS}\n",
            changed(URI, &uri)
        )
    };
    let problem = problem_of(&with_other("88888888-8888-4888-8888-888888888888"));
    assert!(problem.starts_with(&format!("{URI_PLACE}names the bot \"other\"")), "{problem}");
    let one_registration = read(&with_other(shared)).unwrap_or_else(|problems| panic!("{problems}")).warnings;
    assert_eq!(one_registration.len(), 1, "{one_registration:?}");
    assert!(one_registration[0].message.contains("the same client_id"), "{one_registration:?}");
    let of_client = format!("client_id = \"{OTHER}\"\ntoken_exchange_uri = \"api://{OTHER}/access_as_user\"");
    assert_eq!(warnings_of(URI, &of_client), [""; 0]);
}

#[test]
fn a_wrong_app_id_makes_no_proposal_for_the_exchange_uri() {
    let text = changed(URI, &format!("token_exchange_uri = \"api://botid-{APP}\"\nclient_id = {OTHER:?}"));
    for app_id in [format!("{{{APP}}}"), format!("api://{APP}"), format!("28:{APP}"), "x".to_owned()] {
        let problems = read(&text.replace(BOT_ID, &format!("app_id = {app_id:?}"))).unwrap_err();
        let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["bots.help-desk.app_id"], "{problems}");
        assert_eq!(problems.warnings(), [], "{app_id}");
    }
}

#[test]
fn the_hosted_services_address_is_no_address_of_this_service() {
    for host in ["token.botframework.com", "europe.token.botframework.com", "Token.BotFramework.azure.us"] {
        let warnings = warnings_of(URI, &format!("token_exchange_uri = \"https://{host}/\""));
        assert!(
            warnings.iter().any(|warning| warning.contains("hosted Bot Framework service")),
            "{host}: {warnings:?}"
        );
    }
    assert_eq!(warnings_of(URI, "token_exchange_uri = \"https://mybotframework.com\""), [""; 0]);
    assert_eq!(warnings_of(PUBLIC_URL, "public_url = \"https://token.botframework.com\"").len(), 1);
}

#[test]
fn resources_need_offline_access() {
    let resources = format!("aad_resources = [\"https://graph.microsoft.com/\"]\n{TENANTS}");
    expect_problem(TENANTS, &resources, "connections.graph.aad_resources: are redeemed with the user's refresh token");
    let text = changed(TENANTS, &resources)
        .replace(SCOPES, "scopes = [\"https://graph.microsoft.com/User.Read\", \"offline_access\"]");
    assert!(read(&text).is_ok());
}

#[test]
fn a_bots_endpoint_that_is_this_gateway_is_a_problem_in_every_spelling() {
    for endpoint in [
        "http://127.0.0.1:3978/api/messages",
        "http://localhost:3978/other",
        "http://LOCALHOST.:3978/",
        "http://bot.localhost:3978/",
        "http://[::ffff:127.0.0.1]:3978/",
        "http://127.1:3978/",
        "http://0.0.0.0:3978/",
        "https://sso.example.com/api/messages",
        "https://SSO.example.com:443/bots/help-desk/api/messages",
    ] {
        let text = changed(ENDPOINT, &format!("endpoint = {endpoint:?}\nallow_insecure_http = true"));
        let problem = problem_of(&text);
        assert!(problem.starts_with("bots.help-desk.endpoint: ") && problem.contains("call itself"), "{problem}");
    }
    for other in [
        "http://127.0.0.1:3979/",
        "http://127.0.0.2:3978/",
        "http://[::1]:3978/api/messages",
        "http://[::]:3978/",
        "http://10.0.0.1:3978/",
        "https://bot.example.com/api/messages",
    ] {
        assert_eq!(
            warnings_of(ENDPOINT, &format!("endpoint = {other:?}\nallow_insecure_http = true")),
            [""; 0],
            "{other}"
        );
    }
    assert_eq!(
        warnings_of(ENDPOINT, "endpoint = \"https://sso.example.com/the-bot\"").len(),
        1,
        "a proxy may lead there"
    );
    let public_name = "endpoint = \"http://SSO.example.com.:3978/api/messages\"\nallow_insecure_http = true";
    assert_eq!(warnings_of(ENDPOINT, public_name).len(), 1, "the public name, and the port of a listener");
    let section = "[token_service]\nlisten = [\"127.0.0.1:4000\"]\n";
    let text = format!("{section}{}", changed(ENDPOINT, "endpoint = \"http://localhost:4000/\""));
    assert!(problem_of(&text).contains("token_service.listen[0]"));
}

#[test]
fn an_endpoint_is_this_gateway_only_where_a_listener_answers() {
    for (listen, public_url, endpoint, is_gateway) in [
        ("127.0.0.1:4000", "https://sso.example.com", "http://127.0.0.2:4000/", false),
        ("127.0.0.2:4000", "https://sso.example.com", "http://127.0.0.2:4000/", true),
        ("127.0.0.2:4000", "https://sso.example.com", "http://127.0.0.1:4000/", false),
        ("127.0.0.2:4000", "https://sso.example.com", "http://localhost:4000/", false),
        ("[::1]:4000", "https://sso.example.com", "http://[::1]:4000/", true),
        ("[::1]:4000", "https://sso.example.com", "http://localhost:4000/", true),
        ("[::1]:4000", "https://sso.example.com", "http://127.0.0.1:4000/", false),
        ("0.0.0.0:4000", "https://sso.example.com", "http://127.0.0.2:4000/", true),
        ("0.0.0.0:4000", "https://sso.example.com", "http://[::1]:4000/", false),
        ("0.0.0.0:4000", "https://sso.example.com", "http://[::ffff:127.0.0.3]:4000/", true),
        ("[::]:4000", "https://sso.example.com", "http://[::1]:4000/", true),
        // The socket takes connections of both families.
        ("[::]:4000", "https://sso.example.com", "http://127.0.0.1:4000/", true),
        ("10.0.0.5:4000", "https://sso.example.com", "http://10.0.0.5:4000/", true),
        ("10.0.0.5:4000", "https://sso.example.com", "http://127.0.0.1:4000/", false),
        ("10.0.0.5:4000", "http://localhost:5000", "http://localhost:5000/api/messages", true),
        ("10.0.0.5:4000", "http://localhost:5000", "http://[::1]:5000/api/messages", true),
        ("10.0.0.5:4000", "http://127.0.0.1:5000", "http://127.0.0.2:5000/api/messages", false),
        ("10.0.0.5:4000", "http://127.0.0.1:5000", "http://[::1]:5000/api/messages", false),
        ("10.0.0.5:4000", "https://sso.example.com:5000", "https://sso.example.com./api/messages", false),
        ("10.0.0.5:4000", "http://[::ffff:127.0.0.1]:5000", "http://localhost.:5000/api/messages/", true),
        ("10.0.0.5:4000", "http://LOCALHOST.:5000", "http://0.0.0.0:5000//api/%6Dessages", true),
        ("10.0.0.5:80", "http://127.0.0.1", "http://127.0.0.1:80/api/messages", true),
        ("0.0.0.0:80", "https://sso.example.com", "http://[::ffff:0.0.0.0]/", true),
        ("[::]:4000", "https://sso.example.com", "http://[::]:4000/", true),
        ("[::]:4000", "https://sso.example.com", "http://0.0.0.0:4000/", true),
        ("10.0.0.5:4000", "https://sso.example.com:5000", "https://sso.example.com.:5000/api/messages", true),
    ] {
        let text = changed(ENDPOINT, &format!("endpoint = {endpoint:?}\nallow_insecure_http = true"))
            .replace(PUBLIC_URL, &format!("public_url = {public_url:?}\nlisten = [{listen:?}]"));
        match read(&text) {
            Ok(_) => assert!(!is_gateway, "{listen} {public_url} {endpoint}"),
            Err(problems) => {
                assert!(is_gateway, "{listen} {public_url} {endpoint}: {problems}");
                assert_eq!(problems.0[0].path, "bots.help-desk.endpoint", "{problems}");
            }
        }
    }
}

#[test]
fn listeners_that_cover_each_other_are_a_problem() {
    for (server, token_service, place) in [
        ("[\"127.0.0.1:3978\", \"127.0.0.1:3978\"]", "[]", "server.listen[1]"),
        ("[\"127.0.0.1:3978\"]", "[\"127.0.0.1:3978\"]", "token_service.listen[0]"),
        ("[\"0.0.0.0:3978\"]", "[\"127.0.0.1:3978\"]", "token_service.listen[0]"),
        ("[\"127.0.0.1:3978\"]", "[\"[::]:3978\"]", "token_service.listen[0]"),
        ("[\"[::ffff:127.0.0.1]:3978\"]", "[\"127.0.0.1:3978\"]", "token_service.listen[0]"),
        ("[\"127.0.0.1:3981\"]", "", "operations.listen"),
    ] {
        let section = if token_service.is_empty() || token_service == "[]" {
            String::new()
        } else {
            format!("[token_service]\nlisten = {token_service}\n")
        };
        let operations = "[operations]\nadmin_token = { env = \"ADMIN\" }\n";
        let text = changed(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {server}"));
        let environment = Environment::of([("GRAPH_CLIENT_SECRET", "x"), ("ADMIN", "0123456789abcdef")]);
        let problems = read_with(&format!("{section}{operations}{text}"), &environment).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert_eq!(problems.0[0].path, place, "{problems}");
    }
    for apart in
        ["[\"127.0.0.1:3978\", \"[::1]:3978\"]", "[\"127.0.0.1:0\", \"127.0.0.1:0\"]", "[\"0.0.0.0:1\", \"[::1]:1\"]"]
    {
        assert!(read(&changed(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {apart}"))).is_ok(), "{apart}");
    }
}

#[test]
fn a_secret_that_is_a_guid_is_warned_of_with_its_place_and_not_shown() {
    let environment = Environment::of([("GRAPH_CLIENT_SECRET", OTHER)]);
    for (written, place) in [
        (SECRET_LINE, "connections.graph.client_secret"),
        ("credentials = [{ secret = { env = \"GRAPH_CLIENT_SECRET\" } }]", "connections.graph.credentials[0].secret"),
    ] {
        let configuration = read_with(&changed(SECRET_LINE, written), &environment).unwrap();
        let [warning] = configuration.warnings.as_slice() else { panic!("{:?}", configuration.warnings) };
        assert_eq!(warning.path, place);
        assert!(warning.message.contains("the secret's id") && !warning.message.contains(OTHER), "{warning}");
    }
}

#[test]
fn a_tenant_by_domain_is_answered_with_how_to_find_its_id() {
    expect_problem(
        TENANTS,
        "tenants = [\"contoso.com\"]",
        "connections.graph.tenants[0]: \"contoso.com\" is not a GUID",
    );
    for text in [
        changed(TENANTS, "tenants = [\"contoso.com\"]"),
        changed(TENANTS, "tenants = \"contoso.com\""),
        changed(BOT_ID, &format!("{BOT_ID}\ntenant = \"contoso.com\"")),
    ] {
        let problem = problem_of(&text);
        assert!(problem.contains("https://login.microsoftonline.com/contoso.com/v2.0/.well-known/"), "{problem}");
    }
    for (written, right) in [("{11111111-1111-4111-8111-111111111111}", APP), ("11111111111141118111111111111111", APP)]
    {
        let problem = problem_of(&changed(BOT_ID, &format!("app_id = {written:?}")));
        assert!(problem.contains(&format!("write {right:?}")), "{problem}");
    }
}

#[test]
fn a_certificate_in_a_binary_form_is_answered_with_the_conversion() {
    let folder = directory();
    std::fs::write(folder.path().join("bot.pfx"), [0x30, 0x82, 0x09, 0x00, 0x02, 0x01, 0x03, 0x30]).unwrap();
    std::fs::write(folder.path().join("renamed.pem"), [0x30, 0x82, 0x09, 0x00, 0x02, 0x01, 0x03, 0x30]).unwrap();
    std::fs::write(folder.path().join("bot.cer"), [0x30, 0x82, 0x03, 0x00, 0x30, 0x82, 0x02, 0x00]).unwrap();
    for (file, command) in
        [("bot.pfx", "openssl pkcs12 -in "), ("renamed.pem", "openssl pkcs12 -in "), ("bot.cer", "openssl x509 ")]
    {
        let text = changed(SECRET_LINE, &format!("credentials = [{{ certificate = {{ file = {file:?} }} }}]"));
        let problems = parse_in(folder.path(), &text, &Environment::default()).unwrap_err().to_string();
        assert!(problems.starts_with("connections.graph.credentials[0].certificate.file: "), "{problems}");
        assert!(problems.contains(command), "{problems}");
    }
    assert!(CLIENT_CERTIFICATE.starts_with("-----"));
}

#[test]
fn an_unknown_variable_is_warned_of_with_the_nearest_known_name() {
    for (name, hint) in [
        ("BOT_SSO_SERVER_LISTEN", "did you mean BOT_SSO_SERVER__LISTEN?"),
        ("BOT_SSO_SERVER_LISTN", "did you mean BOT_SSO_SERVER__LISTEN?"),
        ("BOT_SSO_PUBLIC_URL", "did you mean BOT_SSO_SERVER__PUBLIC_URL?"),
        ("BOT_SSO_BOTS_HELP_DESK_APP_ID", "did you mean BOT_SSO_BOTS__HELP_DESK__APP_ID?"),
        ("BOT_SSO_SOMETHING_ELSE_ENTIRELY", "write it as BOT_SSO_SECTION__KEY"),
    ] {
        let environment = Environment::of([("GRAPH_CLIENT_SECRET", "x"), (name, "value")]);
        let configuration = read_with(MINIMAL, &environment).unwrap();
        let [warning] = configuration.warnings.as_slice() else { panic!("{name}: {:?}", configuration.warnings) };
        assert_eq!(warning.path, name);
        assert!(warning.message.contains(hint), "{warning}");
    }
    let named = changed("GRAPH_CLIENT_SECRET", "BOT_SSO_GRAPH_SECRET");
    let configuration = read_with(&named, &Environment::of([("BOT_SSO_GRAPH_SECRET", "x")])).unwrap();
    assert!(configuration.warnings.is_empty(), "a secret refers to it: {:?}", configuration.warnings);
}

#[test]
fn values_of_the_wrong_shape_are_all_reported_with_the_right_ones() {
    let text = format!(
        "[outbound]\nbot_timeout_ms = \"15s\"\nconnect_timeout_ms = \"2000\"\n[store]\nl1_bytes = \"64MB\"\n{}",
        changed(SCOPES, "scopes = \"User.Read Mail.Read\"\nallow_v1 = \"yes\"")
    );
    let problems = read(&text).unwrap_err().to_string();
    for (place, right) in [
        ("outbound.bot_timeout_ms", "write 15000"),
        ("outbound.connect_timeout_ms", "write 2000"),
        ("store.l1_bytes", "write 67108864"),
        ("connections.graph.scopes", "write [\"User.Read\", \"Mail.Read\"]"),
        ("connections.graph.allow_v1", "write true"),
    ] {
        assert!(problems.lines().any(|line| line.starts_with(place) && line.ends_with(right)), "{place}\n{problems}");
    }
}

#[test]
fn other_pairs_that_contradict_each_other_are_found() {
    let text = format!("[store]\npath = \"bot-sso.keys\"\n{MINIMAL}");
    assert!(problem_of(&text).starts_with("store.path: is the file of the key ring"));
    let text = format!("[outbound]\nbot_timeout_ms = 2000\nconnect_timeout_ms = 3000\n{MINIMAL}");
    assert_eq!(read(&text).unwrap().warnings[0].path, "outbound.bot_timeout_ms");
    let tenant = format!("{BOT_ID}\ntenant = \"{OTHER}\"");
    let text = format!("[token_service]\ntenants = [\"{APP}\"]\n{}", changed(BOT_ID, &tenant));
    assert_eq!(read(&text).unwrap().warnings[0].path, "token_service.tenants");
    let tls = format!(
        "{}\n[server.tls]\ncertificate_file = \"certificate.pem\"\nkey_file = \"certificate.key\"",
        PUBLIC_URL.replace("https://sso.example.com", "http://localhost:3978")
    );
    let warnings = warnings_of(PUBLIC_URL, &tls);
    assert!(warnings[0].starts_with("server.public_url: is plain http"), "{warnings:?}");
}
