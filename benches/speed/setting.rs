use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bot_sso::domain::{SecretHash, SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;
use serde_json::{Value, json};

use crate::passing::BOT_PATH;

pub const APP_ID: &str = "11111111-1111-4111-8111-111111111111";
pub const CLIENT_ID: &str = "55555555-5555-4555-8555-555555555555";
/// The parent bot, whose connection has the client of the other one.
pub const ASSISTANT_ID: &str = "12121212-1212-4212-8212-121212121212";
pub const SKILL_ID: &str = "34343434-3434-4343-8343-343434343434";
/// What the parent's tokens are exchanged for.
pub const SKILL_URI: &str = "api://56565656-5656-4565-8565-565656565656/access_as_user";
/// The connection of the skill.
pub const SKILL_CONNECTION: &str = "skill";
pub const TENANT: &str = "22222222-2222-4222-8222-222222222222";
pub const SERVICE_URL: &str = "https://smba.trafficmanager.net/emea/22222222-2222-4222-8222-222222222222/";
pub const CHANNEL_ISSUER: &str = "https://api.botframework.com";
pub const CONNECTION: &str = "graph";
/// The Office add-in, whose client is that of the connection.
pub const ADD_IN: &str = "files";
/// The back end that exchanges the add-in's tokens.
pub const BACK_END_ID: &str = "orders";
pub const BACK_END_SECRET: &str = "a-secret-of-the-back-end-of-the-bench";
/// What the back end names as `audience`.
pub const GRAPH: &str = "https://graph.microsoft.com";

/// The `iss` of a tenant's tokens.
pub fn v2_issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// A user of the bench. The number determines every property of the user.
#[derive(Clone, Copy)]
pub struct User(pub usize);

impl User {
    pub fn object_id(self) -> String {
        format!("{:08x}-0b1e-4c2d-8f3a-{:012x}", self.0, self.0 * 7919)
    }

    pub fn channel_id(self) -> String {
        format!("29:1bT0pQmZ{:010}mXv8N2kLw4YhR6sUc0aEj9gDf5iKo7tVqPnBxMzWyCr1S3d", self.0)
    }

    pub fn display_name(self) -> String {
        format!("Ada Example {:06}", self.0)
    }

    pub fn principal_name(self) -> String {
        format!("ada.example.{:06}@contoso.example", self.0)
    }

    pub fn session_id(self) -> String {
        format!("{:08x}-5e55-4a0b-9c1d-{:012x}", self.0, self.0)
    }

    pub fn subject(self) -> String {
        format!("Hk3mZ{:012x}w8YbT0pQxV2nLr4uJc6sEd9gFh1", self.0)
    }

    /// A `signin/tokenExchange` invoke as Teams sends it, about 2.4 KB with the token.
    pub fn invoke(self, service_url: &str, exchange_id: &str, token: &str) -> String {
        let value = json!({"id": exchange_id, "connectionName": CONNECTION, "token": token});
        self.activity(service_url, "invoke", "signin/tokenExchange", &value)
    }

    /// An event that no bot handles, so an SDK does for it only what it does for every activity.
    pub fn event(self, service_url: &str, id: &str) -> String {
        self.activity(service_url, "event", "bench/nothing", &json!({"id": id}))
    }

    /// The message that a parent passes on to its skill, with the user in the conversation `conversation` of the parent.
    pub fn message_to_skill(self, service_url: &str, conversation: &str) -> String {
        let activity = json!({
            "type": "message", "id": "1700000000001", "timestamp": "2026-11-21T10:11:12.345Z", "channelId": "msteams",
            "serviceUrl": service_url, "text": "What is the weather like?", "locale": "en-GB",
            "from": {"id": self.channel_id(), "name": self.display_name(), "aadObjectId": self.object_id()},
            "recipient": {"id": format!("28:{ASSISTANT_ID}"), "name": "assistant", "role": "skill"},
            "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": conversation},
            "channelData": {"tenant": {"id": TENANT}},
            "relatesTo": {
                "activityId": "f:0c8c8f2e-5a0e-6a1d-7c3b-2f8e9d1c4b5a", "bot": null, "channelId": "msteams",
                "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": format!("a:{:010}", self.0)},
                "locale": "en-GB", "serviceUrl": SERVICE_URL,
            },
        });
        activity.to_string()
    }

    /// What a skill says to the user; `attachments` may hold a card.
    pub fn message_of_skill(self, conversation: &str, attachments: &Value) -> String {
        let activity = json!({
            "type": "message", "timestamp": "2026-11-21T10:11:12.545Z", "channelId": "msteams", "text": "It is sunny.",
            "from": {"id": format!("28:{ASSISTANT_ID}"), "name": "assistant", "role": "skill"},
            "recipient": {"id": self.channel_id(), "name": self.display_name()},
            "conversation": {"id": conversation}, "replyToId": "1700000000001", "attachments": attachments,
        });
        activity.to_string()
    }

    fn activity(self, service_url: &str, kind: &str, name: &str, value: &Value) -> String {
        let activity = json!({
            "name": name, "type": kind, "timestamp": "2026-11-21T10:11:12.345Z",
            "localTimestamp": "2026-11-21T11:11:12.345+01:00", "id": "f:0c8c8f2e-5a0e-6a1d-7c3b-2f8e9d1c4b5a",
            "channelId": "msteams", "serviceUrl": service_url,
            "from": {"id": self.channel_id(), "name": self.display_name(), "aadObjectId": self.object_id()},
            "conversation": {
                "conversationType": "personal", "tenantId": TENANT,
                "id": format!("a:1qLw4YhR6sUc0aEj9gDf5iKo7tVqPnBxMzWyCr{:010}mXv8N2kT0pQmZ8bS3dHk", self.0),
            },
            "recipient": {"id": format!("28:{APP_ID}"), "name": "help-desk"},
            "entities": [{"locale": "en-GB", "country": "GB", "platform": "Windows", "timezone": "Europe/London", "type": "clientInfo"}],
            "channelData": {"tenant": {"id": TENANT}, "source": {"name": "message"}, "legacy": {"replyToId": "1:1qLw4YhR6s"}},
            "replyToId": "1700000000000", "locale": "en-GB", "localTimezone": "Europe/London",
            "value": value,
        });
        activity.to_string()
    }
}

/// Writes configuration, keys and secret for a bot-sso to `directory`; its issuers are on `identity_port`.
pub fn write_configuration(directory: &Path, listen: u16, identity_port: u16, choices: &str) {
    std::fs::create_dir_all(directory).unwrap();
    let keys = directory.join("bot-sso.keys");
    if !keys.exists() {
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
    }
    let secret = directory.join("client.secret");
    std::fs::write(&secret, "a-secret-of-the-bench").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let identity = format!("http://127.0.0.1:{identity_port}");
    let text = format!(
        "[server]\npublic_url = \"http://127.0.0.1:{listen}\"\nlisten = [\"127.0.0.1:{listen}\"]\nworkers = 1\n\
         [channels]\nissuer = \"{CHANNEL_ISSUER}\"\njwks_url = \"{identity}/keys\"\nallow_insecure_http = true\n\
         [identity_providers.entra]\nauthority = \"{identity}\"\nissuer = \"{issuer}\"\njwks_url = \"{identity}/keys\"\n\
         token_endpoint = \"{identity}/{{tenant}}/oauth2/v2.0/token\"\nallow_insecure_http = true\n\
         [bots.help-desk]\napp_id = \"{APP_ID}\"\ntenant = \"{TENANT}\"\nendpoint = \"{identity}{BOT_PATH}\"\n\
         after_exchange = \"none\"\n\
         [connections.{CONNECTION}]\nbot = \"help-desk\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = {{ file = \"client.secret\" }}\nscopes = [\"https://graph.microsoft.com/User.Read\"]\n\
         token_exchange_uri = \"api://botid-{CLIENT_ID}\"\ntenants = [\"{TENANT}\"]\n\
         {skills}{back_ends}[keys]\nfile = \"bot-sso.keys\"\n{choices}",
        issuer = v2_issuer("{tenantid}"),
        skills = sections_of_skills(&identity),
        back_ends = sections_of_back_ends(&identity),
    );
    std::fs::write(directory.join("bot-sso.toml"), text).unwrap();
}

/// The add-in, whose API is at `identity`, and the back end.
fn sections_of_back_ends(identity: &str) -> String {
    format!(
        "[add_ins.{ADD_IN}]\nclient_id = \"{CLIENT_ID}\"\nclient_secret = {{ file = \"client.secret\" }}\n\
         tenants = [\"{TENANT}\"]\nscopes = [\"{GRAPH}/User.Read\"]\n\
         downstream = {{ url = \"{identity}\", paths = [\"/me\"] }}\n\
         [back_ends.{BACK_END_ID}]\nclient_id = \"{BACK_END_ID}\"\nsecret_sha256 = [\"{hash}\"]\n\
         exchange = {{ add_in = \"{ADD_IN}\" }}\n",
        hash = SecretHash::of(BACK_END_SECRET).to_text(),
    )
}

/// The parent bot and its skill, both at `identity`.
fn sections_of_skills(identity: &str) -> String {
    format!(
        "[bots.assistant]\napp_id = \"{ASSISTANT_ID}\"\ntenant = \"{TENANT}\"\nendpoint = \"http://127.0.0.1:9/\"\n\
         after_exchange = \"none\"\nskill_host_urls = [\"{identity}/\"]\n\
         credentials = [{{ secret = {{ file = \"client.secret\" }} }}]\n\
         [connections.assistant]\nname = \"{CONNECTION}\"\nbot = \"assistant\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = {{ file = \"client.secret\" }}\nscopes = [\"api://botid-{CLIENT_ID}/access_as_user\"]\n\
         token_exchange_uri = \"api://botid-{CLIENT_ID}\"\nexchange_uris = [\"{SKILL_URI}\"]\ntenants = [\"{TENANT}\"]\n\
         [skills.bare]\napp_id = \"{SKILL_ID}\"\nendpoint = \"{identity}/skill/api/messages\"\n\
         connections = [\"{SKILL_CONNECTION}\"]\nexchange_uris = [\"{SKILL_URI}\"]\nbots = [\"assistant\"]\n\
         [limits]\nparent_requests_per_second = 1000000\n"
    )
}
