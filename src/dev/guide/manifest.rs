use serde_json::{Value, json};

use super::back_ends::back_end_members;
use super::directories::directory_member;
use super::facts::{IDENTITY_PROVIDER, StageFacts};
use crate::dev::addresses::SINGLE_SIGN_ON_MODULE;
use crate::dev::channel::{CHANNEL_CLIENT_ID, CHANNEL_CLIENT_SECRET, ENDORSED_CHANNELS, direct_line_secret};
use crate::dev::directories::directory_connections;
use crate::dev::tenant::{AGENT_365, UserScenario};

/// The answer of `GET /dev/manifest.json`: everything that a program needs to play the client and the channel. All URLs
/// are plain http. Programs depend on the names of its members.
pub(in crate::dev) fn manifest(facts: &StageFacts, gateway: &str) -> Value {
    let gateway = gateway.trim_end_matches('/');
    let directory = &facts.directory;
    let authority = format!("{}/{}", facts.addresses.http_base, directory.main_tenant_id());
    let mut manifest = json!({
        "gateway": gateway,
        "token_service": gateway,
        "replicas": std::iter::once(gateway.to_owned()).chain(facts.replicas().others).collect::<Vec<_>>(),
        "tenant": {
            "id": directory.main_tenant_id(),
            "authority": authority,
            "token_endpoint": format!("{authority}/oauth2/v2.0/token"),
        },
        "channel": {
            "token_endpoint": format!("{}/channel/oauth2/v2.0/token", facts.addresses.http_base),
            "client_id": CHANNEL_CLIENT_ID,
            "client_secret": CHANNEL_CLIENT_SECRET,
            "service_url": facts.addresses.service_url(),
            "endorsed": ENDORSED_CHANNELS,
        },
        "web_chat": {
            "direct_line": facts.addresses.direct_line(),
            "token_url": facts.addresses.web_chat_token_url(),
            "page": facts.addresses.playground(),
            "module": format!("{gateway}{SINGLE_SIGN_ON_MODULE}"),
        },
        "bots": directory.bots.iter().map(|bot| json!({
            "name": bot.name,
            "app_id": bot.app_id,
            "app_secret": bot.app_secret,
            "direct_line_secret": direct_line_secret(bot),
            "messages_url": format!("{gateway}/bots/{}/api/messages", bot.name),
        })).collect::<Vec<_>>(),
        "clients": directory.clients.iter().map(|client| json!({
            "name": client.name,
            "client_id": client.client_id,
        })).collect::<Vec<_>>(),
        "connections": connections(facts),
        "users": directory.users.iter().map(|user| json!({
            "name": user.name,
            "password": (user.scenario != UserScenario::AgentUser).then_some(user.password),
            "oid": user.oid,
            "tid": user.tid,
            "story": user.scenario,
        })).collect::<Vec<_>>(),
    });
    if let Value::Object(members) = &mut manifest {
        members.extend(agents(facts, &authority));
        members.extend(skills(facts, gateway));
        members.extend(back_end_members(facts, gateway));
        members.extend([directory_member(facts, gateway)]);
        members.extend(operations(facts).map(|operations| ("operations".to_owned(), operations)));
    }
    manifest
}

/// The connections of bots. Those to a directory come last, and have no silent sign-in.
fn connections(facts: &StageFacts) -> Value {
    let of_tenant = facts.directory.all_connections().map(|connection| {
        json!({
            "name": connection.name,
            "bot": connection.bot,
            "identity_provider": IDENTITY_PROVIDER,
            "token_exchange_uri": connection.token_exchange_uri,
            "scope": connection.exchange_scope,
        })
    });
    let of_directories = directory_connections(&facts.directory).map(|entry| {
        json!({
            "name": entry.directory,
            "bot": entry.bot,
            "identity_provider": entry.directory,
            "token_exchange_uri": null,
            "scope": null,
        })
    });
    of_tenant.chain(of_directories).collect()
}

/// The members with the agents of bots and the platform that calls for them.
fn agents(facts: &StageFacts, authority: &str) -> [(String, Value); 2] {
    let agents = facts.directory.agents.iter().map(|agent| {
        json!({
            "name": agent.name,
            "agent_app_id": agent.agent_app_id,
            "bot": agent.bot,
            "user": agent.user,
            "tenant": agent.tenant,
        })
    });
    let platform = json!({
        "token_endpoint": format!("{authority}/oauth2/v2.0/token"),
        "client_id": AGENT_365.client_id,
        "client_secret": AGENT_365.secret,
    });
    [("agents".to_owned(), agents.collect()), ("agent_365".to_owned(), platform)]
}

/// The members with the skills, and the bots that may call them. `messages_url` of a skill is its own address, and the host's
/// two are those by which a parent and its skill reach each other through the gateway.
fn skills(facts: &StageFacts, gateway: &str) -> [(String, Value); 2] {
    let (directory, addresses) = (&facts.directory, &facts.addresses);
    let skills = directory.skills.iter().map(|skill| {
        let name = skill.bot.name;
        json!({
            "name": name,
            "app_id": skill.bot.app_id,
            "app_secret": skill.bot.app_secret,
            "story": skill.scenario(),
            "connection": skill.connection.name,
            "exchange_uri": skill.connection.token_exchange_uri,
            "messages_url": addresses.demo_bot(name),
            "host_messages_url": format!("{gateway}/api/skills/{name}/messages"),
            "host_service_url": format!("{gateway}/api/skills/{name}/"),
            "received_url": addresses.received_by(name),
        })
    });
    let parents = directory.bots.iter().filter(|bot| directory.skills_of(bot.name).next().is_some());
    let assistants = parents.map(|bot| {
        json!({
            "name": bot.name,
            "app_id": bot.app_id,
            "app_secret": bot.app_secret,
            "messages_url": format!("{gateway}/bots/{}/api/messages", bot.name),
            "skills": directory.skills_of(bot.name).map(|skill| skill.bot.name).collect::<Vec<_>>(),
            "received_url": addresses.received_by(bot.name),
        })
    });
    [("skills".to_owned(), skills.collect()), ("assistants".to_owned(), assistants.collect())]
}

/// The operator's listener, if there is one.
fn operations(facts: &StageFacts) -> Option<Value> {
    let listener = facts.find_operator_listener()?;
    let url = format!("http://{}", listener.address);
    Some(json!({
        "url": url,
        "adminToken": listener.admin_token,
        "health": format!("{url}/healthz"),
        "readiness": format!("{url}/readyz"),
        "metrics": format!("{url}/metrics"),
    }))
}
