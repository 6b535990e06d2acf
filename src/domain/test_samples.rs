//! Values for unit tests, which change what their case is about.
#![allow(clippy::unwrap_used)]

use super::{
    Bot, BotName, Connection, ConnectionName, ConnectionRevision, ContinuationMode, ExchangePolicy, HolderName,
    IdentityBinding, ProviderKind, RefusalStyle, TenantPolicy, VerifiedUserIds,
};

/// The bot `bot`, without parents, agents or exchanges of its own.
pub(crate) fn sample_bot() -> Bot {
    Bot {
        name: BotName::new("bot"),
        app_id: "b".to_owned(),
        endpoint: "http://127.0.0.1:1/".parse().unwrap(),
        sdk: None,
        continuation: ContinuationMode::None,
        identity: IdentityBinding {
            allow_unidentified_teams_users: false,
            cross_tenants: Vec::new(),
            verified_user_ids: VerifiedUserIds::All,
        },
        agent_365: None,
        sign_in_invokes: Vec::new(),
        callers: Vec::new(),
        emulator_tenants: Vec::new(),
        refusal_style: RefusalStyle::default(),
        skill_host_urls: Vec::new(),
    }
}

/// The connection `name` of the bot `bot` with a provider of this `kind`, which asks for `scopes`.
pub(crate) fn sample_connection(name: &str, kind: ProviderKind, scopes: &[&str]) -> Connection {
    Connection {
        holder: HolderName::new("bot"),
        name: ConnectionName::new(name),
        identity_provider: "provider".to_owned(),
        provider_kind: kind,
        client_id: "client".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        required_granted_scopes: Vec::new(),
        continuous_access: false,
        allow_other_accounts: false,
        asks_offline_by_parameter: false,
        token_exchange_uri: None,
        exchange_uris: Vec::new(),
        aad_resources: Vec::new(),
        exchange: ExchangePolicy {
            subject: None,
            tenants: TenantPolicy::AnyOrganization,
            audiences: Vec::new(),
            required_scopes: Vec::new(),
            authorized_clients: Vec::new(),
            allow_v1: false,
        },
        revision: ConnectionRevision([0; 16]),
    }
}
