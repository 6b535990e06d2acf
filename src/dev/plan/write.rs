use super::file::{AfterExchangeWord, BotLines, ConnectionLines, InvokeWord, StageFile, TenantWord, UserLines};
use crate::dev::error::StageError;
use crate::dev::tenant::{BotEntry, ConnectionEntry, StageEntries, User};

/// The text of a stage file that makes a stage with these entries. Every value is written, also where it is the default.
///
/// # Errors
/// [`StageError::Plan`] if the entries cannot be written as TOML.
pub fn write_stage_file(entries: &StageEntries) -> Result<String, StageError> {
    let file = StageFile {
        bots: Some(entries.bots.iter().map(bot_lines).collect()),
        connections: Some(entries.connections.iter().map(connection_lines).collect()),
        users: Some(entries.users.iter().map(user_lines).collect()),
    };
    toml::to_string(&file).map_err(|error| StageError::Plan(error.to_string()))
}

fn bot_lines(bot: &BotEntry) -> BotLines {
    BotLines {
        name: bot.name.to_owned(),
        endpoint: bot.endpoint.map(str::to_owned),
        app_id: Some(bot.app_id.to_owned()),
        app_secret: Some(bot.app_secret.to_owned()),
        sdk: bot.sdk,
        after_exchange: bot.after_exchange.and_then(AfterExchangeWord::of),
        sign_in_invokes: bot.sign_in_invokes.iter().filter_map(|kind| InvokeWord::of(kind)).collect(),
    }
}

fn connection_lines(connection: &ConnectionEntry) -> ConnectionLines {
    ConnectionLines {
        bot: connection.bot.to_owned(),
        name: connection.name.to_owned(),
        client_id: Some(connection.client_id.to_owned()),
        client_secret: Some(connection.client_secret.to_owned()),
        token_exchange_uri: Some(connection.token_exchange_uri.clone()),
        scopes: Some(connection.scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        v1_tokens: connection.v1_tokens,
    }
}

fn user_lines(user: &User) -> UserLines {
    UserLines {
        name: user.name.to_owned(),
        display_name: Some(user.display_name.to_owned()),
        principal_name: Some(user.principal_name.to_owned()),
        password: Some(user.password.to_owned()),
        oid: Some(user.oid.to_owned()),
        tenant: TenantWord::of(user.tid),
        story: user.scenario,
    }
}
