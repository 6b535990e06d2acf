use super::back_end_walkthrough::back_end_walkthrough;
use super::directory_walkthrough::directory_walkthrough;
use super::extraction::{EXTRACT_ACCESS_TOKEN, EXTRACT_LINK, EXTRACT_TEXT};
use super::facts::StageFacts;
use crate::dev::channel::{CHANNEL_CLIENT_ID, CHANNEL_CLIENT_SECRET, channel_user_id};
use crate::dev::tenant::{BotEntry, ConnectionEntry, User, UserScenario};

/// The id of the Web Chat conversation in which the reader signs in through the card.
const WEB_CHAT_CONVERSATION: &str = "demo-web-chat";

/// Builds the commands that `bot-sso dev --walkthrough` prints, to paste into a POSIX shell. They use curl and sed. `None`
/// if the stage has no demo bot with a connection, no user who signs in or no user who lacks consent.
pub(in crate::dev) fn walkthrough(facts: &StageFacts, gateway: &str) -> Option<String> {
    let gateway = gateway.trim_end_matches('/');
    let directory = &facts.directory;
    let find_first = |scenario| directory.users.iter().find(|user| user.scenario == scenario);
    let of_demo_bot =
        |connection: &&ConnectionEntry| directory.find_bot(connection.bot).is_some_and(|bot| bot.endpoint.is_none());
    let connection = directory.connections.iter().find(of_demo_bot)?;
    let bot = directory.find_bot(connection.bot)?;
    let (consented, unconsented) = (find_first(UserScenario::SignsIn)?, find_first(UserScenario::LacksConsent)?);
    let commands = ShellCommands { facts, gateway, bot, connection };
    Some(format!(
        "\nPaste this into another terminal.\n\n\
         # 1. A token of {ada} for the bot, as Teams would get it:\n\n{token}\n\n\
         # 2. Send it to the bot, as Teams would. The answer is 200, without any sign-in by the user:\n\n{channel}\n{send}\n\n\
         # 3. The bot has used the token of {ada}. This is its last message:\n\n{said}\n\n{operations}\n\
         # The same with {cleo}, who has not consented yet. The answer is 412, and a client would show the sign-in card:\n\n\
         {unconsented_token}\n{channel}\n{refused}\n\n\
         # Let {cleo} consent and send the token again. The answer is 200:\n\n{consent}\n{accepted}\n\n\
         # Where a silent sign-in is impossible, the card has a link. Send hello in Web Chat, and open the link in a browser:\n\n\
         {hello}\n{link}\n\n\
         # Sign in as any user, and send the six digits that the page shows instead of 123456:\n\n{code}\n{answer}\n\n{back_ends}{directories}",
        ada = consented.display_name,
        cleo = unconsented.display_name,
        token = commands.get_user_token(consented),
        channel = commands.get_channel_token(),
        send = commands.send_exchange(consented, "card-1"),
        said = commands.show_last_text(consented),
        operations = commands.sign_out_paragraph(consented),
        unconsented_token = commands.get_user_token(unconsented),
        refused = commands.send_exchange(unconsented, "card-2"),
        consent = commands.give_consent(unconsented),
        accepted = commands.send_exchange(unconsented, "card-3"),
        hello = commands.send_message("hello"),
        link = commands.show_last_sent(WEB_CHAT_CONVERSATION, EXTRACT_LINK),
        code = commands.send_message("123456"),
        answer = commands.show_last_sent(WEB_CHAT_CONVERSATION, EXTRACT_TEXT),
        back_ends = back_end_walkthrough(facts, gateway, consented),
        directories = directory_walkthrough(facts, gateway),
    ))
}

/// Builds shell commands for one bot and one of its connections.
struct ShellCommands<'a> {
    facts: &'a StageFacts,
    gateway: &'a str,
    bot: &'a BotEntry,
    connection: &'a ConnectionEntry,
}

impl ShellCommands<'_> {
    /// Gets an exchangeable token of `user` and assigns it to the shell variable `TOKEN`.
    fn get_user_token(&self, user: &User) -> String {
        format!(
            "TOKEN=$(curl -sS {http}/{tid}/oauth2/v2.0/token \\\n  \
             -d grant_type=password -d client_id={client} \\\n  \
             -d username={name} -d password={password} -d scope={scope} \\\n  \
             | {EXTRACT_ACCESS_TOKEN})",
            http = self.facts.addresses.http_base,
            tid = user.tid,
            client = self.facts.directory.clients.first().map_or("", |client| client.client_id),
            name = user.name,
            password = user.password,
            scope = self.connection.exchange_scope,
        )
    }

    /// Gets a channel token and assigns it to the shell variable `CHANNEL`.
    fn get_channel_token(&self) -> String {
        format!(
            "CHANNEL=$(curl -sS {http}/channel/oauth2/v2.0/token \\\n  \
             -d grant_type=client_credentials -d client_id={CHANNEL_CLIENT_ID} \\\n  \
             -d client_secret={CHANNEL_CLIENT_SECRET} -d scope={app}/.default \\\n  \
             | {EXTRACT_ACCESS_TOKEN})",
            http = self.facts.addresses.http_base,
            app = self.bot.app_id,
        )
    }

    /// Sends `TOKEN` in a `signin/tokenExchange` invoke. Each command needs its own `card_id`, because a second request
    /// with the same id counts as a duplicate.
    fn send_exchange(&self, user: &User, card_id: &str) -> String {
        format!(
            "curl -sSi -w '\\n' {gateway}/bots/{bot}/api/messages \\\n  \
             -H \"Authorization: Bearer $CHANNEL\" -H 'Content-Type: application/json' -d '{{\n  \
             \"type\": \"invoke\", \"name\": \"signin/tokenExchange\", \"id\": \"invoke-of-{card_id}\",\n  \
             \"channelId\": \"msteams\", \"serviceUrl\": \"{service_url}\",\n  \
             \"from\": {{\"id\": \"{from}\", \"aadObjectId\": \"{oid}\"}},\n  \
             \"recipient\": {{\"id\": \"28:{app}\"}},\n  \
             \"conversation\": {{\"id\": \"{conversation}\", \"conversationType\": \"personal\", \"tenantId\": \"{tid}\"}},\n  \
             \"value\": {{\"id\": \"{card_id}\", \"connectionName\": \"{connection}\", \"token\": \"'$TOKEN'\"}}\n}}'",
            gateway = self.gateway,
            bot = self.bot.name,
            service_url = self.facts.addresses.service_url(),
            from = channel_user_id(user),
            oid = user.oid,
            app = self.bot.app_id,
            conversation = conversation_id(user),
            tid = user.tid,
            connection = self.connection.name,
        )
    }

    /// Sends the message `text` to the bot in Web Chat.
    fn send_message(&self, text: &str) -> String {
        format!(
            "curl -sS {gateway}/bots/{bot}/api/messages \\\n  \
             -H \"Authorization: Bearer $CHANNEL\" -H 'Content-Type: application/json' -d '{{\n  \
             \"type\": \"message\", \"text\": \"{text}\", \"id\": \"said-{text}\",\n  \
             \"channelId\": \"webchat\", \"serviceUrl\": \"{service_url}\",\n  \
             \"from\": {{\"id\": \"dl_demo\"}}, \"recipient\": {{\"id\": \"{app}\"}},\n  \
             \"conversation\": {{\"id\": \"{WEB_CHAT_CONVERSATION}\"}}\n}}'",
            gateway = self.gateway,
            bot = self.bot.name,
            service_url = self.facts.addresses.service_url(),
            app = self.bot.app_id,
        )
    }

    fn show_last_text(&self, user: &User) -> String {
        self.show_last_sent(&conversation_id(user), EXTRACT_TEXT)
    }

    /// Shows what the `sed` command `extract` finds in the bot's last message. The gateway notifies the bot after its own
    /// answer, so the command waits a second.
    fn show_last_sent(&self, conversation: &str, extract: &str) -> String {
        format!(
            "sleep 1; curl -sS -w '\\n' '{http}/connector/_sent?conversation={conversation}' \\\n  | {extract}",
            http = self.facts.addresses.http_base,
        )
    }

    /// The paragraph about the operator's sign-out; empty if the gateway has no listener for the operator.
    fn sign_out_paragraph(&self, user: &User) -> String {
        let Some(listener) = self.facts.find_operator_listener() else { return String::new() };
        format!(
            "# 4. Sign {name} out everywhere, as the operator does. One token is removed:\n\n\
             curl -sS -w '\\n' -X POST \\\n  \
             http://{listen}/admin/users/{oid}@{tid}/sign-out \\\n  \
             -H 'Authorization: Bearer {token}'\n\n",
            name = user.display_name,
            listen = listener.address,
            oid = user.oid,
            tid = user.tid,
            token = listener.admin_token,
        )
    }

    fn give_consent(&self, user: &User) -> String {
        format!("curl -sS {http}/dev/consent -d user={name}", http = self.facts.addresses.http_base, name = user.name)
    }
}

fn conversation_id(user: &User) -> String {
    format!("demo-{}", user.name)
}
