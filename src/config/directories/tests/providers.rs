use super::{DIRECTORY, SAMPLE, changed, read_with};
use crate::config::{Configuration, Problems};
use crate::domain::{ProviderKind, TenantPolicy};

const TENANT: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";

/// A provider of kind `oidc`, and the directory's section `staff` with `lines`.
fn with_staff(lines: &str) -> String {
    format!(
        "{SAMPLE}\n[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"https://login.example\"\n\
         [directories.market.providers.staff]\nclient_id = \"market\"\nclient_secret = {{ env = \"STAFF\" }}\n{lines}\n"
    )
}

fn read(text: &str) -> Result<Configuration, Problems> {
    read_with(text, [("STAFF", "a secret")])
}

#[track_caller]
fn expect(text: &str, place: &str, what: &str) {
    let problems = read(text).expect_err(text);
    let problem = problems.to_string();
    assert!(problems.0.len() == 1 && problem.starts_with(place) && problem.contains(what), "{text}\n{problem}");
}

#[test]
fn a_provider_has_a_connection_that_no_bot_has_and_whose_credentials_are_renewed_and_checked() {
    let configuration = read(&with_staff("identity_provider = \"elsewhere\"")).unwrap();
    assert_eq!(configuration.warnings, []);
    let directory = &configuration.directories[0].directory;
    let [provider] = directory.login_providers.as_slice() else { panic!("one provider") };
    assert_eq!((provider.name.as_str(), provider.label.as_str()), ("staff", "staff"));
    assert!(!directory.prompts_with_login_providers);
    let [section] = configuration.connections.as_slice() else { panic!("one connection") };
    assert_eq!(section.place(), "directories.market.providers.staff");
    let connection = &section.connection;
    assert_eq!((connection.holder.as_str(), connection.name.as_str()), ("directory/market", "staff"));
    assert_eq!((connection.client_id.as_str(), connection.scopes.join(" ").as_str()), ("market", "openid profile"));
    assert_eq!(connection.provider_kind, ProviderKind::OpenIdConnect);
    assert!(!connection.keeps_refresh_token());
    assert_eq!(provider.connection.revision, connection.revision);
}

#[test]
fn a_provider_of_entra_says_whose_users_may_sign_in() {
    let entra = format!(
        "identity_provider = \"entra\"\nlabel = \"Contoso\"\ntenants = [\"{TENANT}\"]\n\
         [directories.other]\nadministrators = []\nprompts_with_other_providers = true"
    );
    let text = with_staff(&entra).replace("\"market\"\nclient_secret", &format!("\"{TENANT}\"\nclient_secret"));
    let configuration = read(&text).unwrap();
    let [provider] = configuration.directories[0].directory.login_providers.as_slice() else { panic!("one") };
    assert_eq!(provider.connection.exchange.tenants, TenantPolicy::Listed(vec![TENANT.to_owned()]));
    assert_eq!(provider.connection.scopes, ["openid", "profile"]);
    assert!(configuration.directories[1].directory.prompts_with_login_providers);
    let without = text.replace(&format!("tenants = [\"{TENANT}\"]\n"), "");
    expect(&without, "directories.market.providers.staff.tenants: ", "whose users may sign in");
}

#[test]
fn names_that_tokens_use_and_directories_and_too_many_providers_are_refused() {
    let good = with_staff("identity_provider = \"elsewhere\"");
    for name in ["appid_custom", "cloud_directory", "appid"] {
        let text = good.replace("providers.staff", &format!("providers.{name}"));
        expect(&text, &format!("directories.market.providers.{name}: "), "tokens use");
    }
    let own = with_staff("identity_provider = \"market\"");
    expect(&own, "directories.market.providers.staff.identity_provider: ", "is a directory");
    expect(
        &with_staff("identity_provider = \"nowhere\""),
        "directories.market.providers.staff.identity_provider: ",
        "no",
    );
    expect(&format!("{good}label = \" \"\n"), "directories.market.providers.staff.label: ", "button");
    expect(&format!("{good}tenants = []\n"), "directories.market.providers.staff.tenants: ", "leave it out");
    expect(&format!("{good}prompt = \"login\"\n"), "directories.market.providers.staff.prompt: ", "");
    let many: Vec<_> = (0..11).map(|number| format!("[directories.market.providers.p{number}]\n")).collect();
    let many = many.concat();
    expect(&format!("{SAMPLE}\n{many}"), "directories.market.providers: ", "at most 10");
    assert!(read(&changed(DIRECTORY, &format!("{DIRECTORY}prompts_with_other_providers = true\n"))).is_ok());
}
