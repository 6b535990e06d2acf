//! The values of the keys that a configuration leaves out.

use std::path::Path;
use std::time::Duration;

use toml::{Table, Value};

use crate::config::{
    Configuration, ConnectionSection, KeySource, LimitsSection, LogFormat, LogLevel, LogSubjects, SharedStoreSection,
    StoreDurability, StorePlace,
};
use crate::domain::{Bot, ContinuationMode, RefusalStyle, VerifiedUserIds};

/// The keys that `written` leaves out and that have a value all the same, in the tables of a configuration.
pub(super) fn find(written: &Table, configuration: &Configuration, base: &Path) -> Table {
    let mut defaults = Defaults { written, table: Table::new() };
    defaults.add_network(configuration);
    defaults.add_trust(configuration);
    defaults.add_pages(configuration);
    for bot in &configuration.bots {
        defaults.add_bot(bot);
    }
    for section in configuration.connections.iter().filter(|section| section.table == "connections") {
        defaults.add_connection(section);
    }
    defaults.add_limits(&configuration.limits);
    defaults.add_storage(configuration, base);
    defaults.add_log(configuration);
    defaults.table
}

/// The defaults that were found, beside what is written.
struct Defaults<'w> {
    written: &'w Table,
    table: Table,
}

impl Defaults<'_> {
    fn is_written(&self, section: &[&str], key: &str) -> bool {
        let mut tables = Some(self.written);
        for name in section {
            tables = tables.and_then(|table| table.get(*name)?.as_table());
        }
        tables.is_some_and(|table| table.contains_key(key))
    }

    /// Adds a default, unless the key is written.
    fn add(&mut self, section: &[&str], key: &str, value: impl Into<Value>) {
        if self.is_written(section, key) {
            return;
        }
        let mut table = &mut self.table;
        for name in section {
            let inner = table.entry((*name).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = inner else { return };
            table = inner;
        }
        table.insert(key.to_owned(), value.into());
    }

    fn add_ms(&mut self, section: &[&str], key: &str, value: Duration) {
        self.add(section, key, whole(value.as_millis()));
    }

    /// Adds the address of a key set, unless one of its two keys is written.
    fn add_keys(&mut self, section: &[&str], keys: &KeySource) {
        if self.is_written(section, "metadata_url") || self.is_written(section, "jwks_url") {
            return;
        }
        let key = if matches!(keys, KeySource::Jwks(_)) { "jwks_url" } else { "metadata_url" };
        self.add(section, key, keys.address().as_str());
    }

    fn add_network(&mut self, configuration: &Configuration) {
        let (server, outbound) = (&configuration.server, &configuration.outbound);
        self.add(&["server"], "listen", texts(&server.listen));
        self.add(&["server"], "body_limit_bytes", whole(server.body_limit_bytes));
        self.add_ms(&["outbound"], "connect_timeout_ms", outbound.connect_timeout);
        self.add_ms(&["outbound"], "bot_timeout_ms", outbound.bot_timeout);
        if let Some(operations) = &configuration.operations {
            self.add(&["operations"], "listen", operations.listen.to_string());
        }
    }

    fn add_trust(&mut self, configuration: &Configuration) {
        self.add(&["channels"], "cloud", "public");
        self.add(&["channels"], "issuer", configuration.channels.issuer.as_str());
        self.add_keys(&["channels"], &configuration.channels.keys);
        self.add(&["token_service"], "audiences", texts(&configuration.token_service.audiences));
        self.add(&["token_service"], "tenants", texts(&configuration.token_service.tenants));
        for (name, provider) in &configuration.identity_providers {
            let section = ["identity_providers", name.as_str()];
            self.add(&section, "kind", "entra");
            self.add(&section, "authority", provider.authority.as_str());
            self.add(&section, "issuer", provider.issuer.as_str());
            self.add(&section, "v1_issuer", provider.v1_issuer.as_str());
            self.add_keys(&section, &provider.keys);
            self.add(&section, "token_endpoint", provider.token_endpoint.as_str());
            self.add(&section, "authorization_endpoint", provider.authorization_endpoint.as_str());
            self.add(&section, "authenticates_callers", provider.authenticates_callers);
        }
        for (name, provider) in &configuration.openid_providers {
            self.add(&["identity_providers", name], "metadata_url", provider.metadata_url.as_str());
        }
    }

    fn add_pages(&mut self, configuration: &Configuration) {
        let sign_in = &configuration.sign_in;
        self.add(&["sign_in"], "teams_library_url", sign_in.teams_library_url.as_str());
        self.add(&["sign_in"], "office_library_url", sign_in.office_library_url.as_str());
        self.add(&["sign_in"], "frame_ancestors", texts(&sign_in.frame_ancestors));
    }

    fn add_bot(&mut self, bot: &Bot) {
        let section = ["bots", bot.name.as_str()];
        let after_exchange = match bot.continuation {
            ContinuationMode::Notify => "notify",
            ContinuationMode::Forward => "forward",
            ContinuationMode::None => "none",
        };
        let refusal_style = match bot.refusal_style {
            RefusalStyle::Json400 => "json400",
            RefusalStyle::Text400 => "text400",
            RefusalStyle::OkWithoutToken => "ok_without_token",
        };
        self.add(&section, "after_exchange", after_exchange);
        self.add(&section, "refusal_style", refusal_style);
        let verified = match &bot.identity.verified_user_ids {
            VerifiedUserIds::All => Value::from("all"),
            VerifiedUserIds::Prefixes(prefixes) => texts(prefixes),
        };
        self.add(&["bots", bot.name.as_str(), "identity"], "verified_user_ids", verified);
    }

    fn add_connection(&mut self, section: &ConnectionSection) {
        let (place, connection) = (["connections", section.key.as_str()], &section.connection);
        self.add(&place, "name", connection.name.as_str());
        self.add(&place, "identity_provider", connection.identity_provider.as_str());
        self.add(&place, "client_id", connection.client_id.as_str());
        self.add(&place, "required_scopes", texts(&connection.exchange.required_scopes));
    }

    fn add_limits(&mut self, limits: &LimitsSection) {
        let section = ["limits"];
        self.add(&section, "parent_requests_per_second", whole(limits.parent_requests_per_second.get()));
        self.add(&section, "user_exchanges_per_minute", whole(limits.user_exchanges_per_minute.get()));
        let bounds = &limits.connections;
        self.add(&section, "connections_per_client", whole(bounds.per_client));
        self.add_ms(&section, "request_arrival_ms", bounds.arrival);
        self.add_ms(&section, "idle_ms", bounds.idle);
        self.add_ms(&section, "write_ms", bounds.write);
    }

    fn add_storage(&mut self, configuration: &Configuration, base: &Path) {
        let in_file = |path: &Path| path.strip_prefix(base).unwrap_or(path).display().to_string();
        self.add(&["keys"], "file", in_file(&configuration.keys.file));
        self.add(&["store"], "l1_bytes", whole(configuration.store.l1_bytes));
        match &configuration.store.place {
            StorePlace::File(file) => {
                let durability = match file.durability {
                    StoreDurability::Full => "full",
                    StoreDurability::Normal => "normal",
                };
                self.add(&["store"], "path", in_file(&file.path));
                self.add(&["store"], "durability", durability);
            }
            StorePlace::Shared(shared) => self.add_shared_store(shared),
        }
    }

    fn add_shared_store(&mut self, shared: &SharedStoreSection) {
        self.add(&["store"], "prefix", shared.prefix.as_str());
        self.add(&["store"], "wait_replicas", whole(shared.wait_replicas));
        self.add_ms(&["store"], "l1_trust_ms", shared.l1_trust);
        self.add(&["store"], "l1_grace_s", whole(shared.l1_grace.as_secs()));
    }

    fn add_log(&mut self, configuration: &Configuration) {
        let logging = &configuration.logging;
        let format = match logging.format {
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        };
        let level = match logging.level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        };
        let subjects = match logging.subjects {
            LogSubjects::Digest => "digest",
            LogSubjects::Plain => "plain",
        };
        self.add(&["logging"], "format", format);
        self.add(&["logging"], "level", level);
        self.add(&["logging"], "subjects", subjects);
        if let Some(traces) = &configuration.traces {
            self.add(&["traces"], "sample", traces.sample);
            self.add(&["traces"], "service_name", traces.service_name.as_str());
        }
    }
}

fn texts<T: ToString>(members: &[T]) -> Value {
    Value::Array(members.iter().map(|member| Value::String(member.to_string())).collect())
}

/// A number of a configuration, which is never beyond what TOML can write.
fn whole<N: TryInto<i64>>(number: N) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}
