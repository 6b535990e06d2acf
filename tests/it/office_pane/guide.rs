//! The samples of `docs/office-add-ins.md` against the configuration that the program reads.

use bot_sso::config::{self, Configuration, Environment};
use bot_sso::domain::{AddIn, SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;

const GUIDE: &str = include_str!("../../../docs/office-add-ins.md");
const SAMPLE: &str = include_str!("../../../fixtures/config/add_in.toml");

/// The texts between the fences of the guide's blocks in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let after = GUIDE.match_indices(&fence).map(|(at, _)| &GUIDE[at + fence.len()..]);
    after.map(|text| text.split_once("\n```").unwrap().0).collect()
}

fn read(text: &str) -> Configuration {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("bot-sso.keys");
    KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
    let keys = keys.display().to_string();
    let environment =
        [("BOT_SSO_KEYS__FILE", keys.as_str()), ("FILES_SECRET", "a-secret"), ("GRAPH_CLIENT_SECRET", "a-secret")];
    let environment = Environment::of(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    config::parse(text, &environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The add-in of the guide's whole configuration.
fn add_in_of_the_guide() -> (AddIn, Vec<String>) {
    let mut configuration = read(blocks("toml")[0]);
    let section = configuration.add_ins.remove(0);
    let holder = (&section.add_in.name).into();
    let connection = configuration.connections.iter().find(|section| section.connection.holder == holder).unwrap();
    (section.add_in, connection.connection.scopes.clone())
}

/// The block that tells Office which app the add-in is, without indentation.
fn web_application_info(add_in: &AddIn, scopes: &[String]) -> String {
    let names = scopes.iter().map(|scope| scope.rsplit('/').next().unwrap());
    let scopes: Vec<_> = names.chain(["openid", "profile"]).map(|name| format!("<Scope>{name}</Scope>")).collect();
    format!(
        "<WebApplicationInfo>\n<Id>{}</Id>\n<Resource>{}</Resource>\n<Scopes>\n{}\n</Scopes>\n</WebApplicationInfo>",
        add_in.client_id,
        add_in.resource,
        scopes.join("\n"),
    )
}

#[test]
fn the_guides_manifest_is_that_of_its_registration() {
    let (add_in, scopes) = add_in_of_the_guide();
    let expected = web_application_info(&add_in, &scopes);
    let manifests = blocks("xml");
    assert_eq!(manifests.len(), 2);
    for (manifest, overrides) in manifests.iter().zip(["VersionOverridesV1_0", "VersionOverridesV1_1"]) {
        let lines: Vec<_> = manifest.lines().map(str::trim).collect();
        let text = lines.join("\n");
        assert!(text.contains(&expected), "{text}\nhas to contain\n{expected}");
        // The block belongs to the innermost element, of which it is the last child.
        let before = text.split_once(&expected).unwrap().0;
        let opened = before.rfind("<VersionOverrides ").unwrap();
        assert!(before[opened..].contains(&format!("xsi:type=\"{overrides}\"")), "{text}");
        assert!(text.contains(&format!("{expected}\n</VersionOverrides>")), "{text}");
    }
    // Office compares the host of the resource with the add-in's own.
    let host = add_in.origins[0].trim_start_matches("https://");
    assert_eq!(add_in.resource, format!("api://{host}/{}", add_in.client_id));
}

#[test]
fn the_guides_registration_is_that_of_the_sample_configuration() {
    let (add_in, scopes) = add_in_of_the_guide();
    let mut configuration = read(SAMPLE);
    let sample = configuration.add_ins.remove(0).add_in;
    let holder = (&sample.name).into();
    let connection = configuration.connections.iter().find(|section| section.connection.holder == holder).unwrap();
    assert_eq!((add_in.name, add_in.client_id), (sample.name, sample.client_id));
    assert_eq!((add_in.origins, &scopes), (sample.origins, &connection.connection.scopes));
    let (own, other) = (add_in.downstream.unwrap(), sample.downstream.unwrap());
    assert_eq!((own.url, own.paths, own.methods), (other.url, other.paths, other.methods));
}

#[test]
fn the_guides_other_sections_are_read() {
    let whole = blocks("toml")[0];
    for part in &blocks("toml")[1..] {
        let keys = part.strip_prefix("[add_ins.files]\n").unwrap().replace("<hash>", &"0a".repeat(32));
        let configuration = read(&format!("{whole}\n{keys}\n"));
        let section = &configuration.add_ins[0];
        assert!(section.add_in.user_data.is_some() || section.callers.len() == 1, "{part}");
    }
}

#[test]
fn the_guides_addresses_are_those_of_its_registration() {
    let (add_in, _) = add_in_of_the_guide();
    for needed in [
        format!("https://sso.example.com/api/add-ins/{}/sign-in/callback", add_in.name.as_str()),
        format!("api://addin.example.com/{}/access_as_user", add_in.client_id),
        "https://addin.example.com/.well-known/microsoft-officeaddins-allowed.json".to_owned(),
        "brk-multihub://addin.example.com".to_owned(),
    ] {
        assert!(GUIDE.contains(&needed), "{needed}");
    }
}
