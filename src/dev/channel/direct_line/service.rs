use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::bot_delivery::{BotDelivery, BotFailure};
use super::chat_channel::{ChatChannel, ChatPlace};
use super::chat_users::ChatUsers;
use super::client_activity::ClientActivity;
use super::conversation::{Conversation, ConversationIdentity};
use super::conversations::{Conversations, StartedConversation};
use super::refusal::DirectLineRefusal;
use super::tokens::{DirectLineTokens, TokenBinding};
use crate::dev::channel::sent_tokens::SentTokens;
use crate::domain::SharedEntropy;

/// Direct Line as its clients see it.
pub(in crate::dev) struct DirectLine {
    pub(in crate::dev) tokens: DirectLineTokens,
    pub(in crate::dev) users: ChatUsers,
    pub(in crate::dev) conversations: Arc<Conversations>,
    pub(in crate::dev) bots: BotDelivery,
    pub(in crate::dev) sent_tokens: Arc<SentTokens>,
    pub(in crate::dev) entropy: SharedEntropy,
}

/// An activity of a client that the bot has accepted.
#[derive(Debug)]
pub(super) struct PostedActivity {
    id: String,
    /// The bot's answer to an invoke. Clients of Teams get it; clients of Direct Line do not.
    invoke_response: Option<Value>,
}

impl PostedActivity {
    /// The answer to the post.
    pub(super) fn into_json(self) -> Value {
        match self.invoke_response {
            Some(response) => json!({ "id": self.id, "invokeResponse": response }),
            None => json!({ "id": self.id }),
        }
    }
}

impl DirectLine {
    /// The binding of a token for a conversation that does not exist yet.
    pub(super) fn bind_new(&self, bot: &str, user: &str, place: ChatPlace) -> TokenBinding {
        let (unique, now) = (self.entropy.hex_id(), self.bots.issuer.clock.now());
        let in_teams = place.channel == ChatChannel::Teams;
        TokenBinding {
            bot: bot.to_owned(),
            conversation: if in_teams { place.kind.new_id(&unique, now) } else { unique },
            user: user.to_owned(),
            channel: place.channel,
            kind: place.kind,
            origins: Vec::new(),
        }
    }

    /// Starts the conversation of a token, unless it was started before.
    pub(super) fn start(&self, binding: &TokenBinding) -> Result<StartedConversation, DirectLineRefusal> {
        let bot = self.users.directory.find_bot(&binding.bot).ok_or(DirectLineRefusal::UnknownBot)?;
        Ok(self.conversations.start(ConversationIdentity {
            id: binding.conversation.clone(),
            bot: bot.clone(),
            user: self.users.describe(&binding.user, binding.channel),
            place: ChatPlace { channel: binding.channel, kind: binding.kind },
        }))
    }

    /// Tells the bot that the user and the bot itself have joined.
    pub(super) async fn announce(&self, conversation: &Conversation, locale: Option<&Value>) {
        let (user, bot) = (conversation.user.account(conversation.place.channel), conversation.bot_account());
        let mut update = Map::new();
        update.insert("type".to_owned(), json!("conversationUpdate"));
        update.insert("membersAdded".to_owned(), json!([user, bot]));
        update.insert("from".to_owned(), Value::Object(user));
        update.insert("recipient".to_owned(), Value::Object(bot));
        update.insert("serviceUrl".to_owned(), json!(self.service_url()));
        update.extend(locale.map(|locale| ("locale".to_owned(), locale.clone())));
        conversation.stamp(&mut update, &self.entropy.hex_id());
        conversation.state_teams_data(&mut update);
        // The conversation works without this activity, and the delivery logs its failure.
        let _ = self.bots.deliver(conversation, &Value::Object(update)).await;
    }

    /// Sends an activity of the client to the bot, and returns its id. Clients see a message at once, but an invoke only
    /// after the bot has accepted it: a client takes the echo for the proof that its invoke was accepted.
    pub(super) async fn post(
        &self,
        conversation: &Conversation,
        activity: ClientActivity,
    ) -> Result<PostedActivity, DirectLineRefusal> {
        let id = conversation.next_activity_id();
        let mut addressed = activity.address(conversation, &id, &self.service_url());
        if addressed.is_invoke {
            self.sent_tokens.prepare(&mut addressed.for_bot);
            let in_teams = conversation.place.channel == ChatChannel::Teams;
            let answer = match self.bots.deliver(conversation, &addressed.for_bot).await {
                Ok(answer) => answer,
                Err(BotFailure::Rejected(answer)) if in_teams => {
                    let invoke_response = answer.invoke_response();
                    return Err(DirectLineRefusal::Invoke { failure: BotFailure::Rejected(answer), invoke_response });
                }
                Err(failure) => return Err(failure.into()),
            };
            conversation.append(addressed.echo);
            return Ok(PostedActivity { id, invoke_response: in_teams.then(|| answer.invoke_response()) });
        }
        conversation.append(addressed.echo);
        self.bots.deliver(conversation, &addressed.for_bot).await?;
        Ok(PostedActivity { id, invoke_response: None })
    }

    /// The URL to which the bot answers.
    fn service_url(&self) -> String {
        self.bots.issuer.addresses.service_url()
    }
}
