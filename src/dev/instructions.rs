use std::fmt::Write as _;

use serde_json::json;

use super::channel::{CHANNEL_CLIENT_ID, CHANNEL_CLIENT_SECRET};
use super::connector_sink::channel_user_id;
use super::directory::{Story, User};
use super::state::State;

/// What `bot-sso dev` prints: what listens where, and commands to copy. They need a POSIX shell, curl and sed.
pub(super) fn instructions(state: &State, gateway: &str) -> String {
    let gateway = gateway.trim_end_matches('/');
    let named = |story| state.directory.users.iter().find(|user| user.story == story);
    let mut text = format!(
        "bot-sso in development mode; everything listens on loopback only and is forgotten at the end.\n\n  \
         gateway and token service   {gateway}\n  \
         manifest for programs       {gateway}/dev/manifest.json\n  \
         local tenant (https)        {https}/{tid}/v2.0\n  \
         local tenant (plain http)   {http}/{tid}\n  \
         connector sink              {http}/connector/_sent\n  \
         app tokens for SDK bots     IDENTITY_ENDPOINT={http}/msi/token IDENTITY_HEADER=any\n  \
         CA file of the https side   {ca}\n",
        https = state.https_base,
        http = state.http_base,
        tid = state.directory.main_tenant_id(),
        ca = state.ca_file.display(),
    );
    if let Some(user) = named(Story::SignsIn) {
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "\n1. Get an exchangeable token for {name}, as Teams would:\n\n{token}\n\n\
             2. Send it to the bot through the gateway, as the channel would (answer: 200):\n\n{invoke}\n\n\
             3. See what the bot said as that user:\n\n{sent}\n",
            name = user.display_name,
            token = token_command(state, user),
            invoke = invoke_command(state, gateway, user),
            sent = sent_command(state, user),
        );
    }
    if let Some(user) = named(Story::LacksConsent) {
        let _ = write!(
            text,
            "\nThe same with {name}, who has not consented yet (answer: 412, so that the client shows the sign-in card):\n\n\
             {token}\n{invoke}\n\nLet {name} consent, then send the two commands again (answer: 200):\n\n\
             curl -s -d user={short} {http}/dev/consent\n",
            name = user.display_name,
            token = token_command(state, user),
            invoke = invoke_command(state, gateway, user),
            short = user.name,
            http = state.http_base,
        );
    }
    text
}

/// The first word of an access token in a JSON answer, without jq.
const PICK: &str = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;

fn token_command(state: &State, user: &User) -> String {
    let directory = &state.directory;
    let scope = directory.connections.first().map_or("", |connection| connection.exchange_scope.as_str());
    let client = directory.clients.first().map_or("", |client| client.client_id);
    format!(
        "TOKEN=$(curl -s {http}/{tid}/oauth2/v2.0/token -d grant_type=password -d client_id={client} \
         -d username={name} -d password={password} -d scope={scope} | {PICK})",
        http = state.http_base,
        tid = user.tid,
        name = user.name,
        password = user.password,
    )
}

fn invoke_command(state: &State, gateway: &str, user: &User) -> String {
    let Some(bot) = state.directory.bots.first() else { return String::new() };
    let connection = state.directory.connections.iter().find(|connection| connection.bot == bot.name);
    let activity = json!({
        "type": "invoke",
        "name": "signin/tokenExchange",
        "id": "INVOKE",
        "channelId": "msteams",
        "serviceUrl": state.service_url(),
        "from": {"id": channel_user_id(user), "name": user.display_name, "aadObjectId": user.oid},
        "recipient": {"id": format!("28:{}", bot.app_id), "name": bot.name},
        "conversation": {"id": conversation(user), "conversationType": "personal", "tenantId": user.tid},
        "channelData": {"tenant": {"id": user.tid}},
        "value": {"id": "INVOKE", "connectionName": connection.map(|connection| connection.name), "token": "TOKEN"},
    });
    let activity = activity.to_string().replace("\"TOKEN\"", "\"'$TOKEN'\"").replace("\"INVOKE\"", "\"'$(date +%s)'\"");
    format!(
        "CHANNEL=$(curl -s {http}/channel/oauth2/v2.0/token -d grant_type=client_credentials -d client_id={CHANNEL_CLIENT_ID} \
         -d client_secret={CHANNEL_CLIENT_SECRET} -d scope={app}/.default | {PICK})\n\
         curl -i {gateway}/bots/{bot}/api/messages -H \"Authorization: Bearer $CHANNEL\" -H 'Content-Type: application/json' \
         -d '{activity}'",
        http = state.http_base,
        app = bot.app_id,
        bot = bot.name,
    )
}

fn sent_command(state: &State, user: &User) -> String {
    format!("curl -s '{}/connector/_sent?conversation={}'", state.http_base, conversation(user))
}

fn conversation(user: &User) -> String {
    format!("demo-{}", user.name)
}
