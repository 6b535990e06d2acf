use std::fmt::Write as _;
use std::path::Path;

use bot_sso::dev::{ConnectionEntry, Stage};

use super::{ADMIN_TOKEN, Options, RecorderBot, write_private};

/// A configuration for the bots `demo` (recorded) and `demo-none`, with all of their connections.
pub(super) struct ConfigurationText<'a> {
    pub(super) stage: &'a Stage,
    pub(super) bot: &'a RecorderBot,
    /// The address on which the application listens.
    pub(super) base: &'a str,
    /// The address at which browsers reach a replica, if it is another one.
    pub(super) public: Option<&'a str>,
    /// The directory of the secret files.
    pub(super) directory: &'a Path,
    pub(super) options: &'a Options,
}

impl ConfigurationText<'_> {
    /// Writes the secret files that the configuration names, and returns the configuration.
    pub(super) fn write(&self) -> String {
        let mut text = self.sections_of_the_application();
        for bot in ["demo", "demo-none"] {
            text.push_str(&self.bot_section(bot));
        }
        let connections = self.stage.directory().connections.iter();
        for connection in connections.filter(|entry| matches!(entry.bot, "demo" | "demo-none")) {
            text.push_str(&self.connection_section(connection));
        }
        if self.options.operations {
            let file = self.directory.join("admin.token");
            write_private(&file, ADMIN_TOKEN);
            let file = file.display();
            let _ = write!(text, "[operations]\nlisten = \"127.0.0.1:0\"\nadmin_token = {{ file = \"{file}\" }}\n");
        }
        text.push_str(&self.options.appended);
        text
    }

    fn sections_of_the_application(&self) -> String {
        let http = self.stage.http_base();
        format!(
            "[server]\npublic_url = \"{public}\"\nlisten = [\"{listen}\"]\nworkers = 1\n\
             [channels]\nissuer = \"{issuer}\"\njwks_url = \"{http}/channel/v1/.well-known/keys\"\nallow_insecure_http = true\n{channels}\n\
             [identity_providers.entra]\nauthenticates_callers = true\nauthority = \"{http}\"\nissuer = \"{v2}\"\nv1_issuer = \"{v1}\"\n\
             jwks_url = \"{http}/common/discovery/v2.0/keys\"\ntoken_endpoint = \"{http}/{{tenant}}/oauth2/v2.0/token\"\n\
             allow_insecure_http = true\n\
             [token_service]\ntenants = [\"{tenant}\"]\n{token_service}\n\
             [store]\n{store}\n[keys]\nfile = \"{keys}\"\n",
            public = if self.options.reachable { self.public.unwrap_or(self.base) } else { "http://127.0.0.1:1" },
            listen = self.base.trim_start_matches("http://"),
            channels = self.options.channels,
            tenant = self.stage.directory().main_tenant_id(),
            token_service = self.options.token_service,
            issuer = self.stage.channel_issuer(),
            v2 = self.stage.v2_issuer("{tenantid}"),
            v1 = self.stage.v1_issuer("{tenantid}"),
            store = self.store(),
            keys = self.directory.join("bot-sso.keys").display(),
        )
    }

    fn store(&self) -> String {
        if self.options.store.is_empty() {
            return format!("path = \"{}\"", self.directory.join("bot-sso.db").display());
        }
        self.options.store.clone()
    }

    fn bot_section(&self, name: &str) -> String {
        let mode = match (name, self.options.after_exchange) {
            ("demo", "") => "notify",
            ("demo", mode) => mode,
            _ => "none",
        };
        let app_id = self.stage.directory().find_bot(name).unwrap().app_id;
        let tenant = self.stage.directory().main_tenant_id();
        let endpoint = self.options.endpoint.clone().unwrap_or_else(|| self.bot.endpoint());
        let mut text =
            format!("[bots.{name}]\napp_id = \"{app_id}\"\ntenant = \"{tenant}\"\nendpoint = \"{endpoint}\"\n");
        if mode != "preset" {
            let _ = writeln!(text, "after_exchange = \"{mode}\"");
        }
        if name == "demo" {
            let _ = writeln!(text, "{}", self.options.bot);
        }
        if name == "demo" && !self.options.identity.is_empty() {
            let _ = write!(text, "[bots.demo.identity]\n{}\n", self.options.identity);
        }
        text
    }

    fn connection_section(&self, connection: &ConnectionEntry) -> String {
        let options = self.options;
        let secret = self.directory.join(format!("{}-{}.secret", connection.bot, connection.name));
        write_private(&secret, options.client_secret.unwrap_or(connection.client_secret));
        let mut scopes = connection.scopes.to_vec();
        scopes.extend(options.offline_access.then_some("offline_access"));
        let proof = if (connection.bot, connection.name) == ("demo", "graph") && !options.credentials.is_empty() {
            format!("credentials = [{}]", options.credentials)
        } else {
            format!("client_secret = {{ file = \"{}\", expires = 2099-12-31 }}", secret.display())
        };
        format!(
            "[connections.{bot}-{name}]\nname = \"{name}\"\nbot = \"{bot}\"\nclient_id = \"{client}\"\n\
             {proof}\nscopes = {scopes:?}\ntoken_exchange_uri = \"{uri}\"\n\
             tenants = {tenants:?}\nallow_v1 = {v1}\n{more}\n",
            bot = connection.bot,
            name = connection.name,
            client = connection.client_id,
            uri = connection.token_exchange_uri,
            tenants = self.stage.directory().tenants.iter().map(|tenant| tenant.id).collect::<Vec<_>>(),
            v1 = connection.name == "legacy",
            more = options.connection,
        )
    }
}
