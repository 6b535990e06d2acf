use super::{SAMPLE, accepted, changed, expect, expect_warning, read, without_tokens_of_add_in};
use crate::config::OWN_PATHS;
use crate::domain::{AudienceRule, DownstreamMethod, DownstreamPath, ErrorConvention};

const CLIENT_ID: &str = "client_id = \"2c3caa80-93f9-425e-8b85-0745f50c0d24\"";
const URL: &str = "url = \"https://graph.microsoft.com/v1.0\"";
const PATHS: &str = "paths = [\"/me\", \"/me/drive/*\"]";
const METHODS: &str = "methods = [\"GET\"]";
const ADD_IN_SCOPES: &str = "scopes = [\"https://graph.microsoft.com/User.Read\"]\ndownstream";
const ORIGINS: &str = "origins = [\"https://addin.example.com\"]\ncallers";

#[test]
fn an_add_in_without_scopes_is_only_told_who_its_users_are() {
    let configuration = read(&without_tokens_of_add_in()).unwrap();
    assert_eq!(configuration.warnings, []);
    assert!(configuration.add_ins[0].add_in.downstream.is_none());
    assert!(configuration.connections[0].connection.scopes.is_empty());
}

#[test]
fn what_calls_or_hands_out_tokens_needs_scopes() {
    let text = without_tokens_of_add_in();
    let problem = |lines: &str| {
        read(&text.replace("[back_ends.orders]", &format!("{lines}\n[back_ends.orders]"))).unwrap_err().to_string()
    };
    let downstream = problem("downstream = { url = \"https://graph.microsoft.com/v1.0\", paths = [\"/me\"] }");
    assert!(downstream.starts_with("add_ins.files.scopes: is missing, and downstream needs tokens"), "{downstream}");
    let hash = "5d3c8c8e8a3a9d0c0b6d2b9a5f4e3c2d1b0a9f8e7d6c5b4a39281706f5e4d3c2";
    let callers = problem(&format!("callers = [{{ client_id = \"m\", secret_sha256 = [{hash:?}] }}]"));
    assert!(callers.starts_with("add_ins.files.scopes: is missing, and callers needs tokens"), "{callers}");
    let data = problem("user_data = { path = \"/getuserdata\", downstream = \"/me\" }");
    assert!(data.starts_with("add_ins.files.user_data: has no data to show without downstream"), "{data}");
}

#[test]
fn an_add_in_has_the_keys_of_its_own_client() {
    for (from, to, place, what) in [
        (CLIENT_ID, "", ".client_id", "is missing: write the client id of the app registration (a GUID)"),
        (CLIENT_ID, "client_id = \"files\"", ".client_id", "is not a GUID"),
        ("client_secret = { env = \"FILES_SECRET\" }", "", ".client_secret", "is missing: write { env = "),
        ("tenants = \"any_account\"", "", ".tenants", "is missing: write whose users may sign in"),
        ("tenants = \"any_account\"", "tenants = \"common\"", ".tenants", "write \"any_account\""),
        (ADD_IN_SCOPES, "scopes = []\ndownstream", ".scopes", "requests no scope of a resource"),
        (
            ADD_IN_SCOPES,
            "scopes = [\"https://a.example/x\", \"https://b.example/y\"]\ndownstream",
            ".scopes",
            "asks for several resources at once",
        ),
        (CLIENT_ID, &format!("{CLIENT_ID}\nrequired_scopes = []"), ".required_scopes", "is empty"),
        (CLIENT_ID, &format!("{CLIENT_ID}\nscope = []"), ".scope", "did you mean scopes?"),
        (
            CLIENT_ID,
            &format!("{CLIENT_ID}\nidentity_provider = \"other\""),
            ".identity_provider",
            "there is no identity_providers.other",
        ),
        (
            CLIENT_ID,
            &format!("{CLIENT_ID}\nerrors = \"body\""),
            ".errors",
            "unknown word \"body\" (write one of: status, inline)",
        ),
    ] {
        // A problem of the add-in is told once, and not as one of the back end that names it.
        expect(from, to, &format!("add_ins.files{place}"), what);
    }
    let provider = format!("{CLIENT_ID}\nidentity_provider = \"other\"");
    let oidc = "[identity_providers.entra]\n[identity_providers.other]\nkind = \"oidc\"\nissuer = \"https://login.example.com/realm\"";
    let problem = read(&format!("{}\n{oidc}", changed(CLIENT_ID, &provider))).unwrap_err().to_string();
    assert!(problem.starts_with("add_ins.files.identity_provider: \"other\" is of kind \"oidc\""), "{problem}");
}

#[test]
fn the_application_id_uri_is_an_audience_and_has_the_host_of_the_pages() {
    let with = |uri: &str| format!("{CLIENT_ID}\nresource = {uri:?}");
    let uri = "api://addin.example.com/2c3caa80-93f9-425e-8b85-0745f50c0d24";
    let configuration = accepted(CLIENT_ID, &with(uri));
    assert_eq!(configuration.add_ins[0].add_in.resource, uri);
    let audiences = &configuration.connections[0].connection.exchange.audiences;
    assert!(audiences.contains(&AudienceRule::Uri(uri.to_owned())), "{audiences:?}");
    assert!(!audiences.contains(&AudienceRule::Uri("api://addin.example.com".to_owned())), "{audiences:?}");
    let place = "add_ins.files.resource";
    expect(CLIENT_ID, &with(&format!("{uri}/access_as_user")), place, &format!("write {uri:?}"));
    expect(CLIENT_ID, &with(&format!("{uri}/")), place, &format!("write {uri:?}"));
    expect(CLIENT_ID, &with("addin.example.com/x"), place, "is no App ID URI");
    expect_warning(CLIENT_ID, &with("api://addin.example.com/files"), place, &format!("write {uri:?}"));
    expect_warning(CLIENT_ID, &with(&uri.replace("addin", "other")), place, "13004");
}

#[test]
fn a_downstream_is_one_https_address_that_bot_sso_may_reach() {
    let configuration = accepted(URL, "url = \"https://graph.microsoft.com/v1.0/\"");
    assert_eq!(configuration.add_ins[0].add_in.downstream.as_ref().unwrap().url.path(), "/v1.0");
    assert!(configuration.literal_hosts().contains(&"graph.microsoft.com".to_owned()));
    let local = accepted(URL, "url = \"http://127.0.0.1:4000/v1.0\"");
    assert!(local.plain_http_hosts().contains(&"127.0.0.1".to_owned()));
    let place = "add_ins.files.downstream.url";
    for (url, what) in [
        (
            "http://graph.microsoft.com/v1.0",
            "is plain http: write \"https://graph.microsoft.com/v1.0\", or allow_insecure_http",
        ),
        ("graph.microsoft.com/v1.0", "write \"https://graph.microsoft.com/v1.0\""),
        ("https://u:hunter2@graph.microsoft.com/", "holds a user name or password"),
        ("https://graph.microsoft.com/v1.0#x", "has a fragment: write \"https://graph.microsoft.com/v1.0\""),
        (
            "https://graph.microsoft.com/v1.0?a=b",
            "has a query, and callers' paths and queries are added to it: write \"https://graph.microsoft.com/v1.0\"",
        ),
        ("http://127.0.0.1:3978/v1.0", "is this gateway (127.0.0.1:3978 of server.listen[0]), which would call itself"),
    ] {
        expect(URL, &format!("url = {url:?}"), place, what);
    }
    let plain = "url = \"http://graph.microsoft.com/v1.0\", allow_insecure_http = true";
    assert!(accepted(URL, plain).plain_http_hosts().contains(&"graph.microsoft.com".to_owned()));
    expect_warning(URL, "url = \"https://sso.example.com/graph\"", place, "is on the host of this gateway");
}

#[test]
fn a_token_for_one_api_is_not_sent_to_the_host_of_another_without_a_warning() {
    let place = "add_ins.files.downstream.url";
    expect_warning(URL, "url = \"https://api.example.com\"", place, "but scopes are those of \"graph.microsoft.com\"");
    accepted(ADD_IN_SCOPES, "scopes = [\"User.Read\"]\ndownstream");
    accepted(ADD_IN_SCOPES, "scopes = [\"api://2c3caa80-93f9-425e-8b85-0745f50c0d24/read\"]\ndownstream");
}

#[test]
fn paths_are_exact_or_all_below_one_and_have_nothing_that_could_leave_the_base() {
    let rules = |to: &str| {
        let configuration =
            read(&changed(PATHS, to).replace("downstream = \"/me\"", "downstream = \"/me/drive\"")).unwrap();
        configuration.add_ins[0].add_in.downstream.clone().unwrap().paths
    };
    assert_eq!(rules("paths = [\"/*\"]"), [DownstreamPath::Below("/".to_owned())]);
    let two = [DownstreamPath::Exact("/me/drive".to_owned()), DownstreamPath::Below("/me/".to_owned())];
    assert_eq!(rules("paths = [\"/me/drive\", \"/me/*\"]"), two);
    let place = "add_ins.files.downstream.paths";
    expect(PATHS, "paths = []", place, "is empty, so nothing could be called: write the paths");
    expect(&format!("{PATHS}, "), "", place, "is missing: write the paths below url that may be called");
    for (path, what) in [
        ("me", "is no path, which begins with a slash: write \"/me\""),
        ("https://graph.microsoft.com/me", "write \"/me\""),
        ("*", "has a * that is no whole last segment: write \"/*\""),
        ("/me/dri*", "write \"/me/*\""),
        ("/me/*/items", "write \"/me/*\""),
        ("/me/**", "write \"/me/*\""),
        ("/me/", "has a slash at its end: write \"/me\""),
        ("/me/../users", "has an empty segment or a dot segment"),
        ("/me/./x", "has an empty segment or a dot segment"),
        ("//users", "has an empty segment or a dot segment"),
        ("/me//*", "has an empty segment or a dot segment"),
        ("/../*", "has an empty segment or a dot segment"),
        ("/me?$select=id", "has a query or a fragment"),
        ("/me%2Fdrive", "has an escape, and paths are compared decoded"),
        ("/me\\\\drive", "has characters that no path may have here"),
        ("/me, /users", "holds several entries of the list: write [\"/me\", \"/users\"]"),
    ] {
        expect(PATHS, &format!("paths = [\"{path}\"]"), &format!("{place}[0]"), what);
    }
}

#[test]
fn methods_are_those_of_http_in_capitals() {
    let all = accepted(METHODS, "methods = [\"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\"]");
    assert_eq!(all.add_ins[0].add_in.downstream.as_ref().unwrap().methods.len(), 5);
    let default = accepted(&format!(", {METHODS}"), "");
    assert_eq!(default.add_ins[0].add_in.downstream.as_ref().unwrap().methods, [DownstreamMethod::Get]);
    let place = "add_ins.files.downstream.methods";
    for (method, what) in [
        ("get", "write \"GET\""),
        ("HEAD", "write \"GET\""),
        ("PUSH", "is no method for a call: write"),
        ("TRACE", "is no method for a call: write GET, POST, PUT, PATCH, DELETE"),
        ("GET, POST", "write [\"GET\", \"POST\"]"),
    ] {
        expect(METHODS, &format!("methods = [{method:?}]"), &format!("{place}[0]"), what);
    }
    expect(METHODS, "methods = []", place, "is empty, so nothing could be called: write [\"GET\"]");
    let data = "add_ins.files.user_data.downstream";
    expect(METHODS, "methods = [\"POST\"]", data, "is read with GET, which is not among downstream.methods");
}

#[test]
fn the_path_of_user_data_is_one_that_bot_sso_does_not_answer_itself() {
    let path = "path = \"/getuserdata\"";
    for free in ["/getuserfilenames", "/api/files", "/api/DoSomething", "/officers", "/api/appsettings"] {
        accepted(path, &format!("path = {free:?}"));
    }
    let place = "add_ins.files.user_data.path";
    for own in OWN_PATHS {
        for taken in [own.to_owned(), format!("{own}/x"), own.to_uppercase()] {
            expect(path, &format!("path = {taken:?}"), place, "is a path of bot-sso's own: write \"/getuserdata\"");
        }
    }
    for (text, what) in [
        ("/", "is a path of bot-sso's own"),
        ("/api", "is a path of bot-sso's own"),
        ("getuserdata", "write \"/getuserdata\""),
        ("/getuserdata/", "write \"/getuserdata\""),
        ("/a/../b", "has an empty segment or a dot segment"),
        ("/get{x}", "has the placeholder"),
    ] {
        expect(path, &format!("path = {text:?}"), place, what);
    }
    expect(&format!("{path}, "), "", place, "is missing: write the path that clients call");
}

#[test]
fn the_path_of_user_data_is_plain_text_and_no_pattern_of_the_router() {
    let path = "path = \"/getuserdata\"";
    let place = "add_ins.files.user_data.path";
    accepted(path, "path = \"/v1.0/get-user_data~2/X\"");
    for (text, what) in [
        ("/a{", "has '{', and the path is no pattern: write only letters, digits"),
        ("/a}", "has '}'"),
        ("/{x:.*}", "has '{'"),
        ("/a*", "has '*'"),
        ("/a:b", "has ':'"),
        ("/a%7B", "has an escape"),
        ("/a;b", "has ';'"),
        ("/\u{e4}", "has '\u{e4}'"),
    ] {
        expect(path, &format!("path = \"{text}\""), place, what);
    }
}

#[test]
fn no_two_add_ins_have_the_same_path_of_user_data_and_two_may_have_one_client() {
    let second = |path: &str| {
        format!(
            "{SAMPLE}\n[add_ins.copy]\n{CLIENT_ID}\nclient_secret = {{ env = \"FILES_SECRET\" }}\ntenants = \"any_account\"\n\
             scopes = [\"https://graph.microsoft.com/User.Read\"]\norigins = [\"https://addin.example.com\"]\n\
             downstream = {{ url = \"https://graph.microsoft.com\", paths = [\"/me\"] }}\n\
             user_data = {{ path = {path:?}, downstream = \"/me\" }}"
        )
    };
    let problem = read(&second("/getuserdata")).unwrap_err().to_string();
    assert!(
        problem.starts_with("add_ins.files.user_data.path: \"/getuserdata\" is also the path of the add-in \"copy\""),
        "{problem}"
    );
    let configuration = read(&second("/copy")).unwrap();
    assert_eq!(configuration.warnings, []);
    let data = configuration.add_ins[0].add_in.user_data.as_ref().unwrap();
    assert_eq!((configuration.add_ins.len(), data.errors), (2, ErrorConvention::Status), "the default");
}

#[test]
fn user_data_shows_what_the_downstream_admits() {
    expect(
        "downstream = \"/me\"",
        "downstream = \"/users\"",
        "add_ins.files.user_data.downstream",
        "\"/users\" is no path that downstream.paths admits: add it there",
    );
    accepted("downstream = \"/me\"", "downstream = \"/me/drive/root\"");
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    let with = |origin: &str| format!("origins = [{origin:?}]\ncallers");
    for origin in ["https://addin.example.com:8443", "http://localhost:3000", "http://127.0.0.1:3000"] {
        assert_eq!(accepted(ORIGINS, &with(origin)).add_ins[0].add_in.origins, [origin]);
    }
    for (origin, what) in [
        ("https://addin.example.com/", "write \"https://addin.example.com\""),
        (
            "https://addin.example.com/taskpane.html",
            "is no origin, which is a scheme, a host and a port alone: write \"https://addin.example.com\"",
        ),
        ("https://Addin.Example.com", "write \"https://addin.example.com\""),
        ("https://addin.example.com:443", "write \"https://addin.example.com\""),
        ("addin.example.com", "write \"https://addin.example.com\""),
        (
            "http://addin.example.com",
            "is plain http, so others could change the page: write \"https://addin.example.com\"",
        ),
        ("https://*.example.com", "has a *, and origins are compared exactly"),
        ("*", "has a *, and origins are compared exactly"),
        ("null", "write"),
    ] {
        expect(ORIGINS, &with(origin), "add_ins.files.origins[0]", what);
    }
}

#[test]
fn an_add_in_that_neither_pages_nor_servers_may_call_is_warned_of() {
    let start = SAMPLE.find("callers = ").unwrap();
    let callers = SAMPLE[start..].lines().next().unwrap();
    let both = format!("origins = [\"https://addin.example.com\"]\n{callers}");
    expect_warning(&both, "", "add_ins.files.origins", "no page of the add-in may call from a browser");
    accepted(ORIGINS, "callers");
    accepted(callers, "");
}

#[test]
fn names_fit_the_paths_of_urls() {
    for (table, name, what) in
        [("add_ins.files", "a b", "add-in"), ("back_ends.orders", "a/b", "back end"), ("apps.app1", "", "app")]
    {
        let (section, key) = table.split_once('.').unwrap();
        let text = changed(&format!("[{table}]"), &format!("[{section}.{name:?}]"));
        let text =
            if key == "files" { text.replace("add_in = \"files\"", &format!("add_in = {name:?}")) } else { text };
        let problem = read(&text).unwrap_err().to_string();
        assert!(problem.starts_with(&format!("{section}.{name:?}: is no name for a")), "{problem}");
        assert!(problem.contains(what), "{problem}");
    }
}
