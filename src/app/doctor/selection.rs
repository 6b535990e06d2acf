use super::DoctorError;
use crate::config::{AddInSection, Configuration, ConnectionSection};
use crate::domain::{Bot, HolderName, ProviderKind};

/// The tables whose sections belong to one bot, connection or client.
const NARROWED_TABLES: [&str; 5] = ["bots.", "connections.", "add_ins.", "back_ends.", "apps."];

/// The bots and connections that are looked at.
pub(super) struct Selection<'a> {
    pub(super) bots: Vec<&'a Bot>,
    /// Connections to a directory of this process are left out: clients have no exchangeable token for them.
    pub(super) connections: Vec<&'a ConnectionSection>,
}

impl<'a> Selection<'a> {
    /// Everything of `config`.
    pub(super) fn of(config: &'a Configuration) -> Self {
        let remote = config.connections.iter().filter(|it| it.connection.provider_kind != ProviderKind::Directory);
        Self { bots: config.bots.iter().collect(), connections: remote.collect() }
    }

    /// The bot that `section` belongs to, if it belongs to one.
    pub(super) fn bot_of(&self, section: &ConnectionSection) -> Option<&'a Bot> {
        self.bots.iter().copied().find(|bot| is_of(section, bot))
    }
}

/// The configuration without what belongs to other bots and connections than the named ones. `connection` is a section's key,
/// its place, or the name that bots use.
pub(super) fn narrow(
    config: &Configuration,
    bot: Option<&str>,
    connection: Option<&str>,
) -> Result<Configuration, DoctorError> {
    let mut narrowed = config.clone();
    if bot.is_none() && connection.is_none() {
        return Ok(narrowed);
    }
    if let Some(name) = bot {
        narrowed.bots.retain(|it| it.name.as_str() == name);
        if narrowed.bots.is_empty() {
            let known = config.bots.iter().map(|bot| bot.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(DoctorError::UnknownBot { name: name.to_owned(), known });
        }
        let bots = narrowed.bots.clone();
        narrowed.connections.retain(|section| bots.iter().any(|bot| is_of(section, bot)));
    }
    if let Some(name) = connection {
        let known = narrowed.connections.iter().map(ConnectionSection::place).collect::<Vec<_>>().join(", ");
        narrowed.connections.retain(|section| {
            section.key == name || section.place() == name || section.connection.name.as_str() == name
        });
        if narrowed.connections.is_empty() {
            return Err(DoctorError::UnknownConnection { name: name.to_owned(), known });
        }
        let connections = narrowed.connections.clone();
        narrowed.bots.retain(|bot| connections.iter().any(|section| is_of(section, bot)));
    }
    retain_what_belongs(&mut narrowed);
    Ok(narrowed)
}

/// Leaves out what none of the remaining bots and connections needs.
fn retain_what_belongs(config: &mut Configuration) {
    let (bots, connections) = (config.bots.clone(), config.connections.clone());
    let holds = |holder: &HolderName| connections.iter().any(|section| section.connection.holder == *holder);
    config.bot_credentials.retain(|section| bots.iter().any(|bot| bot.name == section.bot));
    config.skills.retain(|skill| bots.iter().any(|bot| skill.has_parent(&bot.name)));
    config.add_ins.retain(|section| holds(&HolderName::from(&section.add_in.name)));
    config.back_ends.retain(|section| holds(&HolderName::from(&section.back_end.name)));
    config.apps.retain(|section| holds(&HolderName::from(&section.app.id)));
    config.mail = None;
    let of_bots = config.bot_credentials.iter().map(|section| section.identity_provider.clone());
    let of_connections = connections.iter().flat_map(|section| {
        let subject = section.connection.exchange.entra_provider().map(str::to_owned);
        std::iter::once(section.connection.identity_provider.clone()).chain(subject)
    });
    let providers: Vec<String> = of_bots.chain(of_connections).collect();
    config.identity_providers.retain(|name, _| providers.contains(name));
    config.openid_providers.retain(|name, _| providers.contains(name));
    let places: Vec<String> = connections
        .iter()
        .flat_map(|section| [section.place(), section.client_place()])
        .chain(bots.iter().map(|bot| format!("bots.{}", bot.name)))
        .collect();
    let belongs = |path: &str| {
        let is_within = |place: &String| {
            path.strip_prefix(place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        !NARROWED_TABLES.iter().any(|table| path.starts_with(table)) || places.iter().any(is_within)
    };
    config.warnings.retain(|warning| belongs(&warning.path));
    config.credential_ends.retain(|end| belongs(&end.place));
}

fn is_of(section: &ConnectionSection, bot: &Bot) -> bool {
    HolderName::from(&bot.name) == section.connection.holder
}

/// The add-in whose only connection `section` is.
pub(super) fn add_in_of<'a>(config: &'a Configuration, section: &ConnectionSection) -> Option<&'a AddInSection> {
    let mut add_ins = config.add_ins.iter().filter(|_| section.table == "add_ins");
    add_ins.find(|add_in| HolderName::from(&add_in.add_in.name) == section.connection.holder)
}
