use std::fmt::Write as _;
use std::path::Path;

use super::state::State;

/// A configuration for bot-sso that fits the stage. The only place that knows the file's syntax.
///
/// Secrets stand in files beside the CA file in real life; here they are fixed and public, so the text may hold them.
pub(super) fn configuration(state: &State, gateway: &str, listen: &str, data_directory: &Path) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "[server]\nlisten = {}\npublic_url = {}\n", quoted(listen), quoted(gateway));
    let _ = writeln!(
        text,
        "[outbound]\nca_file = {}\nplain_http_hosts = [\"127.0.0.1\", \"localhost\"]\n\
         private_hosts = [\"127.0.0.1\", \"localhost\"]\n",
        quoted_path(&state.ca_file)
    );
    let _ = writeln!(
        text,
        "[store]\nkind = \"embedded\"\npath = {}\ndurability = \"normal\"\n\n[keys]\nfile = {}\n",
        quoted_path(&data_directory.join("bot-sso.db")),
        quoted_path(&data_directory.join("keys.toml"))
    );
    channel_section(state, &mut text);
    entra_section(state, &mut text);
    for bot in &state.directory.bots {
        let _ = writeln!(
            text,
            "[[bots]]\nname = {}\napp_id = {}\nmessages_url = {}\nafter_exchange = {}\n",
            quoted(bot.name),
            quoted(bot.app_id),
            quoted(&format!("{}/demo-bots/{}/api/messages", state.http_base, bot.name)),
            quoted(bot.after_exchange)
        );
    }
    for connection in &state.directory.connections {
        let scopes: Vec<_> = connection.scopes.iter().map(|scope| quoted(scope)).collect();
        let tenants: Vec<_> = state.directory.tenants.iter().map(|tenant| quoted(tenant.id)).collect();
        let _ = writeln!(
            text,
            "[[connections]]\nname = {}\nbot = {}\nprovider = \"entra\"\nclient_id = {}\nclient_secret = {}\n\
             token_exchange_uri = {}\nscopes = [{}]\ntenants = [{}]\nallow_v1 = {}\n",
            quoted(connection.name),
            quoted(connection.bot),
            quoted(connection.client_id),
            quoted(connection.client_secret),
            quoted(&connection.token_exchange_uri),
            scopes.join(", "),
            tenants.join(", "),
            connection.v1_tokens
        );
    }
    text
}

fn channel_section(state: &State, text: &mut String) {
    let _ = writeln!(
        text,
        "[channel]\nissuer = {}\nmetadata = {}\njwks = {}\n",
        quoted(&state.channel_issuer()),
        quoted(&format!("{}/channel/v1/.well-known/openidconfiguration", state.https_base)),
        quoted(&format!("{}/channel/v1/.well-known/keys", state.https_base))
    );
}

fn entra_section(state: &State, text: &mut String) {
    let _ = writeln!(
        text,
        "[entra]\nv2_issuer = {}\nv1_issuer = {}\njwks = {}\ntoken_endpoint = {}\nauthorization_endpoint = {}\n",
        quoted(&state.v2_issuer("{tenantid}")),
        quoted(&state.v1_issuer("{tenantid}")),
        quoted(&format!("{}/common/discovery/v2.0/keys", state.https_base)),
        quoted(&format!("{}/{{tenant}}/oauth2/v2.0/token", state.https_base)),
        quoted(&format!("{}/{{tenant}}/oauth2/v2.0/authorize", state.https_base))
    );
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
