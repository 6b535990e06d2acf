//! Texts of the wrong kind, each with what the problem says; and texts that are accepted as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::test_samples::{
    BOT_ID, ENDPOINT, MINIMAL, PUBLIC_URL, SCOPES, SECRET_LINE, TENANTS, URI, changed, directory, private, problem_of,
    read, with_openid,
};
use super::{Environment, parse_in};

const ID: &str = "22222222-2222-4222-8222-222222222222";
const OTHER: &str = "33333333-3333-4333-8333-333333333333";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Checks that the minimal sample with `from` replaced has one problem at `place`, which says `what`.
#[track_caller]
fn expect(from: &str, to: &str, place: &str, what: &str) {
    let problem = problem_of(&changed(from, to));
    assert!(problem.starts_with(&format!("{place}: ")) && problem.contains(what), "{to}\n{problem}");
}

#[track_caller]
fn expect_in_section(lines: &str, place: &str, what: &str) {
    let problem = problem_of(&format!("{lines}\n{MINIMAL}"));
    assert!(problem.starts_with(&format!("{place}: ")) && problem.contains(what), "{lines}\n{problem}");
}

#[track_caller]
fn warnings_of(text: &str) -> Vec<String> {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{problems}"));
    configuration.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_value_outside_the_range_is_not_proposed() {
    for (key, value, what) in [
        ("connect_timeout_ms", "\"15s\"", "15000 is above the largest value 8000: write a number from 100 to 8000"),
        ("connect_timeout_ms", "\"1ms\"", "1 is below the smallest value 100: write a number from 100 to 8000"),
        ("connect_timeout_ms", "15000.0", "15000 is above the largest value 8000"),
        ("connect_timeout_ms", "15000", "15000 is above the largest value 8000"),
        ("bot_timeout_ms", "\"1.5 h\"", "5400000 is above the largest value 120000"),
        ("bot_timeout_ms", "\"2,5s\"", "write 2500"),
        ("bot_timeout_ms", "\"PT15S\"", "write 15000"),
    ] {
        expect_in_section(&format!("[outbound]\n{key} = {value}"), &format!("outbound.{key}"), what);
    }
    expect_in_section("[limits]\nconnections = \"8\"", "limits.connections", "8 is below the smallest value 16");
    expect_in_section("[store]\nl1_bytes = \"512KiB\"", "store.l1_bytes", "524288 is below the smallest value 1048576");
    expect_in_section(
        "[statuses.x]\ndenied = \"200\"",
        "statuses.x.denied",
        "200 is no status of a refusal: write a status from 400 to 599",
    );
    let empty = problem_of(&format!("[outbound]\nconnect_timeout_ms = \"\"\n{MINIMAL}"));
    assert!(!empty.contains("write"), "{empty}");
}

#[test]
fn an_entry_that_holds_several_is_taken_apart() {
    expect(
        SCOPES,
        "scopes = [\"User.Read offline_access\"]",
        "connections.graph.scopes[0]",
        "write [\"User.Read\", \"offline_access\"]",
    );
    expect(
        SCOPES,
        "scopes = [\"User.Read\", \"openid, profile\"]",
        "connections.graph.scopes[1]",
        "write [\"User.Read\", \"openid\", \"profile\"]",
    );
    let both = format!("write [{ID:?}, {OTHER:?}]");
    expect(TENANTS, &format!("tenants = [\"{ID},{OTHER}\"]"), "connections.graph.tenants", &both);
    expect(TENANTS, &format!("tenants = \"{ID}; {OTHER}\""), "connections.graph.tenants", &both);
    let clients = format!("{TENANTS}\nauthorized_clients = [\"{ID} {OTHER}\"]");
    expect(TENANTS, &clients, "connections.graph.authorized_clients[0]", &both);
    expect_in_section(
        "[outbound]\nprivate_networks = [\"10.0.0.0/8,fd00::/8\"]",
        "outbound.private_networks[0]",
        "write [\"10.0.0.0/8\", \"fd00::/8\"]",
    );
    let listen = format!("{PUBLIC_URL}\nlisten = [\"127.0.0.1:1, [::1]:1\"]");
    expect(PUBLIC_URL, &listen, "server.listen[0]", "write [\"127.0.0.1:1\", \"[::1]:1\"]");
    expect_in_section(
        "[sign_in]\nfinal_redirects = [\"https://a.example/x,https://b.example/\"]",
        "sign_in.final_redirects[0]",
        "write [\"https://a.example/x\", \"https://b.example/\"]",
    );
    expect_in_section(
        "[sign_in]\nfinal_redirects = [\"https://a.example/x;y=1; https://b.example/z,1\"]",
        "sign_in.final_redirects[0]",
        "write [\"https://a.example/x;y=1\", \"https://b.example/z,1\"]",
    );
    let once = format!("connections.graph.tenants: \"{ID},{ID}\" is none of these: write [{ID:?}]");
    assert_eq!(problem_of(&changed(TENANTS, &format!("tenants = \"{ID},{ID}\""))).trim_end(), once);
}

#[test]
fn an_address_with_a_comma_or_a_semicolon_in_it_is_one_entry() {
    for address in ["https://a.example/x;y.z=1", "https://a.example/x,y.z", "https://a.example/x;jsessionid=b.c/,d"] {
        let caller =
            format!("[[bots.help-desk.callers]]\napp_id = {OTHER:?}\ntenant = {ID:?}\nchannels = [\"msteams\"]");
        for text in [
            format!("[sign_in]\nfinal_redirects = [{address:?}]\n{MINIMAL}"),
            format!("{MINIMAL}\n{caller}\nservice_urls = [{address:?}]"),
            format!("{MINIMAL}\n[bots.help-desk.agent_365]\ntenants = [{ID:?}]\nservice_urls = [{address:?}]"),
            changed(TENANTS, &format!("{TENANTS}\nexchange_uris = [{address:?}]")),
        ] {
            assert!(read(&text).is_ok(), "{text}\n{}", problem_of(&text));
        }
    }
}

#[test]
fn a_scope_of_another_provider_may_have_a_comma_in_it_and_is_warned_of() {
    let issuer = "issuer = \"https://login.example.com/realm\"";
    let warnings =
        |scopes: &str| warnings_of(&with_openid(issuer, "client_id = \"c\"").replace("scopes = [\"profile\"]", scopes));
    for (scopes, warned) in [
        ("scopes = [\"read,write\"]", "scopes[0]: \"read,write\" is one scope with this very name"),
        ("scopes = [\"a;b\"]", "scopes[0]: \"a;b\" is one scope"),
        ("scopes = [\"a\"]\nrequired_granted_scopes = [\"a,b\"]", "required_granted_scopes[0]: \"a,b\" is one scope"),
    ] {
        assert!(warnings(scopes).iter().any(|warning| warning.contains(warned)), "{scopes}: {:?}", warnings(scopes));
    }
    let joined =
        with_openid(issuer, "client_id = \"c\"").replace("scopes = [\"profile\"]", "scopes = [\"openid, read\"]");
    assert!(problem_of(&joined).contains("write [\"openid\", \"read\"]"), "{}", problem_of(&joined));
}

#[test]
fn a_template_in_another_spelling_is_written_out_in_the_right_one() {
    let host = "https://login.example.com";
    for (key, written, right) in [
        ("issuer", "{authority}/{tenantId}/v2.0", "{authority}/{tenantid}/v2.0"),
        ("issuer", "https://login.example.com/{TENANTID}/v2.0", "https://login.example.com/{tenantid}/v2.0"),
        ("issuer", "{Authority}/{tenant_id}/v2.0", "{authority}/{tenantid}/v2.0"),
        ("issuer", "{authority}/{tenant-id}/v2.0", "{authority}/{tenantid}/v2.0"),
        ("issuer", "{authority}/{{tenantid}}/v2.0", "{authority}/{tenantid}/v2.0"),
        ("issuer", "{authority}/<Tenant ID>/v2.0", "{authority}/{tenantid}/v2.0"),
        ("v1_issuer", "https://sts.windows.net/{TenantID}/", "https://sts.windows.net/{tenantid}/"),
        ("token_endpoint", "{AUTHORITY}/{Tenant}/oauth2/v2.0/token", "{authority}/{tenant}/oauth2/v2.0/token"),
        ("authorization_endpoint", "{authority}/{tenant_id}/authorize", "{authority}/{tenant}/authorize"),
        ("jwks_url", "{Authority}/keys", "{authority}/keys"),
    ] {
        let lines = format!("[identity_providers.entra]\nauthority = {host:?}\n{key} = {written:?}");
        expect_in_section(&lines, &format!("identity_providers.entra.{key}"), &format!("write {right:?}"));
    }
    let other = "[identity_providers.entra]\nissuer = \"https://{region}.example.com/{tenantid}\"";
    expect_in_section(other, "identity_providers.entra.issuer", "has the placeholder \"{region}\"");
}

#[test]
fn an_ipv6_address_whose_last_group_may_be_a_port_is_asked_for_in_brackets() {
    let operations = |line: &str| format!("[operations]\nadmin_token = {{ env = \"ADMIN\" }}\n{line}\n{MINIMAL}");
    for written in ["::1:3978", "fd00::443"] {
        for (text, place) in [
            (changed(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = [{written:?}]")), "server.listen[0]"),
            (format!("[token_service]\nlisten = [{written:?}]\n{MINIMAL}"), "token_service.listen[0]"),
            (operations(&format!("listen = {written:?}")), "operations.listen"),
            (operations(&format!("health_listen = {written:?}")), "operations.health_listen"),
        ] {
            let problems = read(&text).unwrap_err().to_string();
            let whole = format!(
                "{place}: {written:?} is not an address to listen on: write an IPv6 address in brackets and the port \
                 behind them, as \"[::1]:3978\""
            );
            assert!(problems.lines().any(|line| line == whole), "{whole}\n{problems}");
        }
    }
}

#[test]
fn a_value_that_no_word_resembles_is_answered_with_the_words() {
    let issuer = "issuer = \"https://login.example.com/realm\"";
    for written in ["true", "false", "1", "1.5", "[]", "[true]"] {
        let problem = problem_of(&with_openid(issuer, &format!("client_id = \"c\"\nprompt = {written}")));
        assert!(problem.contains("\"login\", \"consent\" or \"select_account\""), "{written}\n{problem}");
    }
    let name = problem_of(&changed(TENANTS, &format!("{TENANTS}\nname = true")));
    assert!(!name.contains("write \"true\""), "{name}");
    let redirect = "[sign_in]\nfinal_redirects = [\"com.app://x\"]";
    expect_in_section(redirect, "sign_in.final_redirects[0]", "write it as https://host/path");
}

#[test]
fn the_right_kind_of_host_or_network_is_written_out() {
    let proxies = |entry: &str| format!("{PUBLIC_URL}\ntrusted_proxies = [{entry:?}]");
    for (entry, what) in [
        ("localhost", "write [\"127.0.0.1\", \"::1\"]"),
        ("Localhost.", "write [\"127.0.0.1\", \"::1\"]"),
        ("loopback", "write [\"127.0.0.0/8\", \"::1/128\"]"),
        ("http://10.0.0.1:8080/", "write \"10.0.0.1/32\""),
        ("[::1]", "write \"::1/128\""),
        ("10.0.*.*", "write \"10.0.0.0/16\""),
        ("proxy.corp.example", "write the addresses of this host"),
    ] {
        expect(PUBLIC_URL, &proxies(entry), "server.trusted_proxies[0]", what);
    }
    let proxy = "[outbound]\negress_proxy = \"http://proxy.example:3128\"";
    for (entry, right) in [
        ("*.corp.example", ".corp.example"),
        ("https://login.corp.example/", "login.corp.example"),
        ("login.corp.example:443", "login.corp.example"),
    ] {
        let lines = format!("{proxy}\nno_proxy = [{entry:?}]");
        expect_in_section(&lines, "outbound.no_proxy[0]", &format!("write {right:?}"));
    }
    let operations = "[operations]\nadmin_token = { env = \"GRAPH_CLIENT_SECRET\" }";
    let text = format!("{operations}\nhosts = [\"*.corp.example\"]\n{MINIMAL}");
    assert!(read(&text).unwrap_err().to_string().contains("write the whole name of each host"));
    let caller = format!("[[bots.help-desk.callers]]\napp_id = {OTHER:?}\ntenant = {ID:?}\nchannels = [\"msteams\"]");
    let pattern = format!("{MINIMAL}\n{caller}\nservice_urls = [\"https://*.corp.example/\"]");
    assert!(problem_of(&pattern).contains("has a * in its host"));
}

#[test]
fn a_guid_is_taken_out_of_what_surrounds_it() {
    for written in [
        format!("https://login.microsoftonline.com/{ID}"),
        format!("https://login.microsoftonline.com/{ID}/v2.0"),
        format!("{{{ID}}}"),
        format!("'{ID}'"),
        format!(" {ID} "),
        format!("api://{ID}"),
        ID.replace('-', ""),
    ] {
        let problem = problem_of(&changed(TENANTS, &format!("tenants = [{written:?}]")));
        assert!(problem.starts_with("connections.graph.tenants"), "{problem}");
        assert!(problem.contains("write ") && problem.contains(&format!("{ID:?}")), "{problem}");
        let tenant = format!("{BOT_ID}\ntenant = {written:?}");
        expect(BOT_ID, &tenant, "bots.help-desk.tenant", &format!("write {ID:?}"));
    }
    let upper = "tenants = [\"AAAAAAAA-2222-4222-8222-222222222222\"]";
    assert!(read(&changed(TENANTS, upper)).is_ok(), "letter case has no meaning in a GUID");
    let tenant = format!("{BOT_ID}\ntenant = \"https://login.microsoftonline.com/contoso.com\"");
    expect(BOT_ID, &tenant, "bots.help-desk.tenant", "login.microsoftonline.com/contoso.com/v2.0/.well-known");
}

#[test]
fn the_path_or_variable_of_a_secret_becomes_its_table() {
    let directory = directory();
    private(&directory.path().join("graph.secret"), "hunter2\n");
    let problem = |written: &str| {
        let text = changed(SECRET_LINE, &format!("client_secret = {written:?}"));
        let environment = Environment::of([("GRAPH_CLIENT_SECRET", "hunter2")]);
        parse_in(directory.path(), &text, &environment).unwrap_err().to_string()
    };
    for written in ["graph.secret", "file:graph.secret", "./graph.secret"] {
        assert!(problem(written).contains("write { file = \""), "{}", problem(written));
    }
    for written in ["GRAPH_CLIENT_SECRET", "$GRAPH_CLIENT_SECRET", "${GRAPH_CLIENT_SECRET}", "env:GRAPH_CLIENT_SECRET"]
    {
        assert!(problem(written).ends_with("write { env = \"GRAPH_CLIENT_SECRET\" }"), "{}", problem(written));
    }
    let secret = problem("hunter2/of.the~bot");
    assert!(!secret.contains("hunter2") && secret.contains("{ env = \"NAME\" }"), "{secret}");
}

#[test]
fn the_words_of_prompt_are_told_in_the_right_spelling() {
    for (written, what) in [
        ("\"Login\"", "write \"login\""),
        ("\"SELECT_ACCOUNT\"", "write \"select_account\""),
        ("\"select-account\"", "write \"select_account\""),
        ("\"login,consent\"", "write \"login consent\""),
        ("[\"Login\", \"consent\"]", "write \"login consent\""),
        ("\"None\"", "write \"\""),
        ("\"none\"", "write \"\""),
        ("\"login \"", "write \"login\""),
    ] {
        for provider in [true, false] {
            let line = format!("prompt = {written}");
            let issuer = "issuer = \"https://login.example.com/realm\"";
            let client = "client_id = \"c\"";
            let text = if provider {
                with_openid(&format!("{issuer}\n{line}"), client)
            } else {
                with_openid(issuer, &format!("{client}\n{line}"))
            };
            let problem = problem_of(&text);
            assert!(problem.contains(".prompt: ") && problem.contains(what), "{written}\n{problem}");
        }
    }
    for fine in ["\"login\"", "\"login consent\"", "\"\"", "\"of_the_provider\""] {
        let text =
            with_openid("issuer = \"https://login.example.com/realm\"", &format!("client_id = \"c\"\nprompt = {fine}"));
        assert!(read(&text).is_ok(), "{fine}");
    }
}

#[test]
fn a_placeholder_and_the_nil_guid_are_problems_in_every_value() {
    for (from, to, place) in [
        (TENANTS, format!("tenants = [{NIL:?}]"), "connections.graph.tenants[0]"),
        (BOT_ID, format!("app_id = {NIL:?}"), "bots.help-desk.app_id"),
        (
            URI,
            format!("token_exchange_uri = \"api://sso.example.com/botid-{NIL}\""),
            "connections.graph.token_exchange_uri",
        ),
        (URI, "token_exchange_uri = \"api://{botid}\"".to_owned(), "connections.graph.token_exchange_uri"),
        (URI, "token_exchange_uri = \"api://botid-<app id>\"".to_owned(), "connections.graph.token_exchange_uri"),
        (TENANTS, "tenants = [\"YOUR_TENANT_ID\"]".to_owned(), "connections.graph.tenants[0]"),
        (TENANTS, "tenants = \"<tenant>\"".to_owned(), "connections.graph.tenants"),
        (BOT_ID, "app_id = \"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\"".to_owned(), "bots.help-desk.app_id"),
        (BOT_ID, "app_id = \"${APP_ID}\"".to_owned(), "bots.help-desk.app_id"),
        (ENDPOINT, "endpoint = \"https://$(host)/api/messages\"".to_owned(), "bots.help-desk.endpoint"),
        (PUBLIC_URL, "public_url = \"https://<host>\"".to_owned(), "server.public_url"),
        (SCOPES, "scopes = [\"api://{id}/.default\"]".to_owned(), "connections.graph.scopes[0]"),
        (TENANTS, format!("{TENANTS}\nname = \"<name>\""), "connections.graph.name"),
    ] {
        let problem = problem_of(&changed(from, &to));
        let says = problem.contains("placeholder") || problem.contains("nil GUID");
        assert!(problem.starts_with(&format!("{place}: ")) && says, "{to}\n{problem}");
    }
    expect(BOT_ID, "app_id = \"$APP\"", "bots.help-desk.app_id", "is not a GUID");
    expect(
        BOT_ID,
        "app_id = \"${APP_ID}\"",
        "bots.help-desk.app_id",
        "set the environment variable BOT_SSO_BOTS__HELP_DESK__APP_ID",
    );
}

#[test]
fn spaces_around_a_value_are_a_problem_and_an_entry_that_a_list_has_twice_is_a_warning() {
    for (from, to, place, what) in [
        (TENANTS, format!("{TENANTS}\nname = \"graph \""), "connections.graph.name", "write \"graph\""),
        (TENANTS, format!("{TENANTS}\nname = \"graph\\n\""), "connections.graph.name", "write \"graph\""),
        (URI, URI.replace("api", " api"), "connections.graph.token_exchange_uri", "write \"api://"),
        (
            PUBLIC_URL,
            "public_url = \"sso.example.com/x \"".to_owned(),
            "server.public_url",
            "write \"https://sso.example.com\"",
        ),
    ] {
        expect(from, &to, place, what);
    }
    let twice = changed(TENANTS, &format!("tenants = [\"{ID}\", \"{}\"]", ID.to_uppercase()));
    assert_eq!(
        warnings_of(&twice),
        [format!("connections.graph.tenants: lists {:?} twice: write it once", ID.to_uppercase())]
    );
    assert_eq!(warnings_of(&changed(TENANTS, &format!("tenants = [{ID:?}, {OTHER:?}]"))), [""; 0]);
}

#[test]
fn a_slash_at_the_end_of_what_is_compared_exactly_is_a_problem() {
    let uri = format!("{}/\"", URI.trim_end_matches('"'));
    let right = URI.trim_start_matches("token_exchange_uri = ");
    expect(URI, &uri, "connections.graph.token_exchange_uri", &format!("write {right}"));
    let provider = |line: &str| format!("[identity_providers.entra]\n{line}");
    expect_in_section(
        &provider("issuer = \"{authority}/{tenantid}/v2.0/\""),
        "identity_providers.entra.issuer",
        "write \"{authority}/{tenantid}/v2.0\"",
    );
    expect_in_section(
        &provider("v1_issuer = \"https://sts.windows.net/{tenantid}\""),
        "identity_providers.entra.v1_issuer",
        "write \"https://sts.windows.net/{tenantid}/\"",
    );
    expect_in_section(
        "[channels]\nissuer = \"https://api.botframework.com/\"\njwks_url = \"https://a.example/keys\"",
        "channels.issuer",
        "write \"https://api.botframework.com\"",
    );
    expect_in_section(
        "[token_service]\naudiences = [\"https://api.BotFramework.com\"]",
        "token_service.audiences[0]",
        "write \"https://api.botframework.com\"",
    );
    for fine in [
        changed(PUBLIC_URL, "public_url = \"https://sso.example.com/\""),
        format!("{}\n{MINIMAL}", provider("authority = \"https://login.microsoftonline.com/\"")),
        format!("{}\n{MINIMAL}", provider("issuer = \"https://contoso.b2clogin.com/{tenantid}/v2.0/\"")),
    ] {
        assert_eq!(warnings_of(&fine), [""; 0], "the slash has no meaning, or the issuer has it");
    }
    assert_eq!(warnings_of(&changed(URI, "token_exchange_uri = \"https://bot.example.com/\"")).len(), 1);
}

#[test]
fn plain_http_is_allowed_for_this_machine_in_every_spelling() {
    for host in
        ["127.0.0.1", "localhost", "LOCALHOST.", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "bot.localhost."]
    {
        let text = changed(ENDPOINT, &format!("endpoint = \"http://{host}:4000/api/messages\""));
        assert_eq!(warnings_of(&text), [""; 0], "{host}");
    }
    for (host, right) in [("0.0.0.0:3978", "127.0.0.1:3978"), ("[::]:3978", "localhost:3978")] {
        let url = format!("public_url = \"http://{host}\"");
        expect(PUBLIC_URL, &url, "server.public_url", &format!("write \"http://{right}\""));
    }
    let port = "endpoint = \"http://bot.example.com:80/\"";
    expect(ENDPOINT, port, "bots.help-desk.endpoint", "write \"https://bot.example.com:80/\", or allow_insecure_http");
}
