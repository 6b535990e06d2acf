use std::fmt::Write as _;

use bot_sso::dev::Stage;

use super::{ADMIN_TOKEN, Options, RecorderBot, write_private};

/// A configuration for the bots `demo` (recorded) and `demo-none`, with all of their connections.
pub(super) fn configuration(
    stage: &Stage,
    bot: &RecorderBot,
    options: &Options,
    directory: &std::path::Path,
) -> String {
    let http = stage.http_base();
    let entries = stage.directory();
    let tenant = entries.main_tenant_id();
    let mut text = format!(
        "[server]\npublic_url = \"http://127.0.0.1:{public}\"\nlisten = [\"127.0.0.1:{port}\"]\nworkers = 1\n\
         [channels]\nissuer = \"{issuer}\"\njwks_url = \"{http}/channel/v1/.well-known/keys\"\nallow_insecure_http = true\n{channels}\n\
         [identity_providers.entra]\nauthenticates_callers = true\nauthority = \"{http}\"\nissuer = \"{v2}\"\nv1_issuer = \"{v1}\"\n\
         jwks_url = \"{http}/common/discovery/v2.0/keys\"\ntoken_endpoint = \"{http}/{{tenant}}/oauth2/v2.0/token\"\n\
         allow_insecure_http = true\n\
         [token_service]\ntenants = [\"{tenant}\"]\n{token_service}\n\
         [store]\npath = \"{store}\"\n[keys]\nfile = \"{keys}\"\n",
        public = options.port.unwrap_or(1),
        port = options.port.unwrap_or(0),
        channels = options.channels,
        token_service = options.token_service,
        issuer = stage.channel_issuer(),
        v2 = stage.v2_issuer("{tenantid}"),
        v1 = stage.v1_issuer("{tenantid}"),
        store = directory.join("bot-sso.db").display(),
        keys = directory.join("bot-sso.keys").display(),
    );
    let after_exchange = if options.after_exchange.is_empty() { "notify" } else { options.after_exchange };
    let endpoint = options.endpoint.clone().unwrap_or_else(|| bot.endpoint());
    for (name, mode) in [("demo", after_exchange), ("demo-none", "none")] {
        let app_id = entries.find_bot(name).unwrap().app_id;
        let _ = write!(
            text,
            "[bots.{name}]\napp_id = \"{app_id}\"\ntenant = \"{tenant}\"\nendpoint = \"{endpoint}\"\nafter_exchange = \"{mode}\"\n"
        );
        if name == "demo" {
            let _ = writeln!(text, "{}", options.bot);
        }
        if name == "demo" && !options.identity.is_empty() {
            let _ = write!(text, "[bots.demo.identity]\n{}\n", options.identity);
        }
    }
    for connection in entries.connections.iter().filter(|entry| matches!(entry.bot, "demo" | "demo-none")) {
        let secret = directory.join(format!("{}-{}.secret", connection.bot, connection.name));
        write_private(&secret, options.client_secret.unwrap_or(connection.client_secret));
        let mut scopes = connection.scopes.to_vec();
        scopes.extend(options.offline_access.then_some("offline_access"));
        let proof = if (connection.bot, connection.name) == ("demo", "graph") && !options.credentials.is_empty() {
            format!("credentials = [{}]", options.credentials)
        } else {
            format!("client_secret = {{ file = \"{}\" }}", secret.display())
        };
        let _ = write!(
            text,
            "[connections.{bot}-{name}]\nname = \"{name}\"\nbot = \"{bot}\"\nclient_id = \"{client}\"\n\
             {proof}\nscopes = {scopes:?}\ntoken_exchange_uri = \"{uri}\"\n\
             tenants = {tenants:?}\nallow_v1 = {v1}\n{more}\n",
            bot = connection.bot,
            name = connection.name,
            client = connection.client_id,
            uri = connection.token_exchange_uri,
            tenants = entries.tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>(),
            v1 = connection.name == "legacy",
            more = options.connection,
        );
    }
    if options.operations {
        let file = directory.join("admin.token");
        write_private(&file, ADMIN_TOKEN);
        let file = file.display();
        let _ = write!(text, "[operations]\nlisten = \"127.0.0.1:0\"\nadmin_token = {{ file = \"{file}\" }}\n");
    }
    text.push_str(&options.appended);
    text
}
