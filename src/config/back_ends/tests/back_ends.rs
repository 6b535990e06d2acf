use super::{SAMPLE, accepted, changed, expect, expect_warning, read, without_tokens_of_add_in};
use crate::config::test_samples::{MINIMAL, PUBLIC_KEYS, SECRET, directory};
use crate::config::{BackEndProof, Environment, parse_in};

const CLIENT_ID: &str = "client_id = \"orders\"";
const SECRETS: &str =
    "secret_sha256 = [\"5d3c8c8e8a3a9d0c0b6d2b9a5f4e3c2d1b0a9f8e7d6c5b4a39281706f5e4d3c2\"]\nexchange";
const EXCHANGE: &str = "exchange = { add_in = \"files\", scopes = [\"https://graph.microsoft.com/User.Read\"] }";

#[test]
fn a_back_end_exchanges_as_an_add_in_or_as_a_connection_does() {
    let of_connection = accepted(EXCHANGE, "exchange = { connection = \"graph\" }");
    let orders = &of_connection.connections[1];
    assert_eq!(orders.derived_from.as_deref(), Some("connections.graph"));
    assert_eq!(orders.connection.client_id, "55555555-5555-4555-8555-555555555555");
    assert_eq!(of_connection.back_ends[0].back_end.audiences, ["https://graph.microsoft.com"]);
    let other = "exchange = { add_in = \"files\", scopes = [\"https://api.example.com/read\"], audiences = [\"api\"] }";
    let other = accepted(EXCHANGE, other);
    let [files, orders, _] = other.connections.as_slice() else { panic!("three connections") };
    assert_eq!(orders.connection.scopes, ["https://api.example.com/read"]);
    assert_ne!(orders.connection.revision, files.connection.revision, "tokens of other scopes are not handed out");
    assert_eq!(other.back_ends[0].back_end.audiences, ["api"]);
}

#[test]
fn the_source_of_an_exchange_is_one_section_of_the_file() {
    let place = "back_ends.orders.exchange";
    for (exchange, at, what) in [
        ("", "", "is missing: write where its users' tokens come from"),
        ("exchange = {}", "", "names no source of tokens, or two"),
        ("exchange = { add_in = \"files\", connection = \"graph\" }", "", "names no source of tokens, or two"),
        ("exchange = { add_in = \"file\" }", ".add_in", "there is no add_ins.file: did you mean \"files\"?"),
        (
            "exchange = { add_in = \"x\" }",
            ".add_in",
            "there is no add_ins.x: write a section [add_ins.x], or one of: files",
        ),
        (
            "exchange = { connection = \"grph\" }",
            ".connection",
            "there is no connections.grph: did you mean \"graph\"?",
        ),
        ("exchange = { add_in = \"files\", scope = \"x\" }", ".scope", "did you mean scopes?"),
        ("exchange = { add_in = \"files\", scopes = [] }", ".scopes", "requests no scope of a resource"),
        ("exchange = { add_in = \"files\", audiences = [\"a b\"] }", ".audiences[0]", "write [\"a\", \"b\"]"),
    ] {
        expect(EXCHANGE, exchange, &format!("{place}{at}"), what);
    }
}

#[test]
fn a_connection_to_another_provider_than_entra_is_a_source_if_it_exchanges_tokens() {
    let oidc = "[identity_providers.entra]\n[identity_providers.other]\nkind = \"oidc\"\nissuer = \"https://login.example.com/realm\"\n\
                [connections.tickets]\nidentity_provider = \"other\"\nclient_id = \"tickets\"\nscopes = [\"openid\", \"offline_access\"]\n\
                client_secret = { env = \"FILES_SECRET\" }";
    let text = format!("{}\n{oidc}", changed(EXCHANGE, "exchange = { connection = \"tickets\" }"));
    let problem = read(&text).unwrap_err().to_string();
    let what = "back_ends.orders.exchange.connection: names a connection that exchanges no tokens: write \
                [connections.tickets.token_exchange]";
    assert!(problem.starts_with(what), "{problem}");
    let exchanging = format!(
        "{text}\n[connections.tickets.token_exchange]\nsubject = \"provider\"\naccepted_audiences = [\"tickets\"]"
    );
    let orders = &read(&exchanging).unwrap().connections[1];
    assert_eq!((orders.connection.client_id.as_str(), orders.table), ("tickets", "back_ends"));
    let scopes =
        exchanging.replace("{ connection = \"tickets\" }", "{ connection = \"tickets\", scopes = [\"read\"] }");
    let other = &read(&scopes).unwrap().connections[1];
    assert_eq!(other.connection.scopes, ["read"]);
    assert_ne!(other.connection.revision, orders.connection.revision);
    let app = text
        .replace("{ connection = \"tickets\" }", "{ add_in = \"files\" }")
        .replace("connection = \"graph\"", "connection = \"tickets\"");
    let app = app.replace("[connections.graph]\n", "[connections.graph]\nbot = \"x\"\n");
    assert!(
        read(&app).unwrap_err().to_string().starts_with("connections.graph.bot: there is no bots.x"),
        "the app's is in order"
    );
}

#[test]
fn a_back_end_of_an_add_in_without_scopes_needs_its_own() {
    let text = without_tokens_of_add_in();
    assert_eq!(read(&text).unwrap().connections[1].connection.scopes, ["https://graph.microsoft.com/User.Read"]);
    let without = text.replace(", scopes = [\"https://graph.microsoft.com/User.Read\"] }", " }");
    let problem = read(&without).unwrap_err().to_string();
    assert!(
        problem.starts_with("back_ends.orders.exchange.scopes: is missing, and add_ins.files has none"),
        "{problem}"
    );
}

#[test]
fn a_client_id_needs_no_escape_and_belongs_to_one_back_end() {
    for id in ["orders.v2", "a_b-c~d", "0"] {
        accepted(CLIENT_ID, &format!("client_id = {id:?}"));
    }
    for id in ["", "a:b", "a b", "a%b", "é"] {
        expect(CLIENT_ID, &format!("client_id = {id:?}"), "back_ends.orders.client_id", "is no id for a caller");
    }
    expect(CLIENT_ID, "", "back_ends.orders.client_id", "is missing: write the id by which the caller authenticates");
    let second = "[back_ends.second]\nclient_id = \"orders\"\nexchange = { add_in = \"files\" }\n\
                  secret_sha256 = [\"1d3c8c8e8a3a9d0c0b6d2b9a5f4e3c2d1b0a9f8e7d6c5b4a39281706f5e4d3c2\"]";
    let problem = read(&format!("{SAMPLE}\n{second}")).unwrap_err().to_string();
    let what =
        "back_ends.second.client_id: is also the client id of the back end \"orders\": each back end has its own";
    assert_eq!(problem, what);
}

#[test]
fn public_keys_are_the_proof_in_the_place_of_secrets() {
    let with_file = |content: &str| {
        let directory = directory();
        std::fs::write(directory.path().join("keys.json"), content).unwrap();
        let text = changed(SECRETS, "jwks_file = \"keys.json\"\nexchange");
        parse_in(directory.path(), &text, &Environment::of([SECRET, ("FILES_SECRET", "of the add-in")]))
    };
    let configuration = with_file(PUBLIC_KEYS).unwrap();
    assert!(matches!(&configuration.back_ends[0].proof, BackEndProof::Keys(text) if text == PUBLIC_KEYS));
    let refused = |content: &str| with_file(content).unwrap_err().to_string();
    let private = PUBLIC_KEYS.replace("\"kid\": \"1\"", "\"d\": \"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"");
    for (content, what) in [
        (private.as_str(), "holds a private or a shared key"),
        (r#"{"keys": [{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}]}"#, "holds a private or a shared key"),
        (
            r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
            "holds no key that assertions are checked with",
        ),
        (r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#, "RSA of 2048 bits or more"),
        (PUBLIC_KEYS.replace("P-256", "P-521").as_str(), "EC on P-256 or P-384"),
        (PUBLIC_KEYS.replace("\"kid\"", "\"use\": \"enc\", \"kid\"").as_str(), "public keys for signatures"),
        (r#"{"keys": []}"#, "holds no key set"),
        (r#"{"kty": "EC"}"#, "holds no key set"),
        ("-----BEGIN PUBLIC KEY-----", "holds no key set"),
    ] {
        let problem = refused(content);
        assert!(problem.starts_with("back_ends.orders.jwks_file: ") && problem.contains(what), "{content}\n{problem}");
        assert!(!problem.contains("jpsQnn") && !problem.contains("AyM1"), "{problem}");
    }
    let missing = changed(SECRETS, "jwks_file = \"none.json\"\nexchange");
    assert!(read(&missing).unwrap_err().to_string().contains("none.json cannot be read"));
    let both = SECRETS.replace("exchange", "jwks_file = \"reporting.jwks.json\"\nexchange");
    expect(SECRETS, &both, "back_ends.orders.jwks_file", "stands beside secret_sha256: write one of them");
}

#[test]
fn an_app_token_is_for_configured_resources_in_one_tenant() {
    let with = |token: &str| format!("{EXCHANGE}\napp_token = {token}");
    let tenant = "tenant = \"22222222-2222-4222-8222-222222222222\"";
    let graph = "scopes = [\"https://graph.microsoft.com/.default\"]";
    let configuration = accepted(EXCHANGE, &with(&format!("{{ {graph}, {tenant} }}")));
    let section = &configuration.back_ends[0];
    assert_eq!(section.back_end.app_scopes[0].as_str(), "https://graph.microsoft.com/.default");
    let client = section.app_client.as_ref().unwrap();
    assert_eq!(client.client_id, "2c3caa80-93f9-425e-8b85-0745f50c0d24");
    assert!(client.token_endpoint.path().starts_with("/22222222-2222-4222-8222-222222222222/"), "{client:?}");
    let [checked] = configuration.app_token_clients().try_into().unwrap();
    assert_eq!(checked.place, "back_ends.orders app_token");
    let of_connection = format!("exchange = {{ connection = \"graph\" }}\napp_token = {{ {graph} }}");
    let default = accepted(EXCHANGE, &of_connection);
    let client = default.back_ends[0].app_client.as_ref().unwrap();
    assert_eq!(client.tenant.as_deref(), Some("22222222-2222-4222-8222-222222222222"), "the connection's only tenant");
    let place = "back_ends.orders.app_token";
    for (token, at, what) in [
        (format!("{{ {graph} }}"), ".tenant", "is missing: write the tenant (a GUID)"),
        (format!("{{ {graph}, tenant = \"common\" }}"), ".tenant", "stands for many tenants"),
        (format!("{{ {tenant} }}"), ".scopes", "is missing: write what it may get tokens for as itself"),
        (format!("{{ scopes = [], {tenant} }}"), ".scopes", "is empty"),
        (
            format!("{{ scopes = [\"https://graph.microsoft.com/User.Read\"], {tenant} }}"),
            ".scopes[0]",
            "write \"https://graph.microsoft.com/.default\"",
        ),
        (format!("{{ scopes = [\"/.default\"], {tenant} }}"), ".scopes[0]", "is no scope of an app"),
    ] {
        expect(EXCHANGE, &with(&token), &format!("{place}{at}"), what);
    }
}

#[test]
fn a_connection_without_a_bot_is_valid_only_where_an_app_or_a_back_end_names_it() {
    let unnamed = SAMPLE.split("[apps.app1]").next().unwrap();
    let problem = read(unnamed).unwrap_err().to_string();
    assert_eq!(problem, "connections.graph.bot: is missing: write the name of the bot that uses it");
    let place = "connections.graph.client_id";
    expect("client_id = \"55555555-5555-4555-8555-555555555555\"\n", "", place, "is missing: write the client id");
    // With a bot it is the bot's, too.
    let app = &SAMPLE[SAMPLE.find("[apps.app1]").unwrap()..];
    let of_bot = read(&format!("{MINIMAL}\n{app}")).unwrap();
    let holders: Vec<&str> = of_bot.connections.iter().map(|section| section.connection.holder.as_str()).collect();
    assert_eq!(holders, ["help-desk", "app/app1"]);
    assert_eq!(of_bot.connections_by_client().len(), 1, "a client is checked once");
    let of_none = read(
        &format!("{MINIMAL}\n{app}")
            .replace("bot = \"help-desk\"\n", "client_id = \"55555555-5555-4555-8555-555555555555\"\n"),
    );
    assert_eq!(of_none.unwrap().connections.len(), 1);
    expect_warning(
        "[connections.graph]\n",
        "[connections.graph]\nexchange_uris = [\"https://api.example.com\"]\n",
        "connections.graph.exchange_uris",
        "is for bots, and the connection belongs to none",
    );
}

#[test]
fn a_file_without_anybody_to_serve_is_refused() {
    let problem = read("[server]\npublic_url = \"https://sso.example.com\"").unwrap_err().to_string();
    assert!(
        problem.starts_with("bots: is missing: write a section [bots.<name>] with app_id and endpoint"),
        "{problem}"
    );
}
