use serde_json::{Value, json};

use crate::client::Connection;
use crate::load::{ID, Load, Template};
use crate::setting::{ASSISTANT_ID, SERVICE_URL, SKILL_CONNECTION, SKILL_ID, SKILL_URI, User};
use crate::signing::Signer;

/// The number of users whose messages go to the skill, and whose token for it is in memory.
const USERS: usize = 200;
/// The cards that one conversation gets in a round: bot-sso admits 20 a minute.
const CARDS_OF_CONVERSATION: usize = 16;
/// The first of the users of this mix. No other mix has so many users.
const FIRST_USER: usize = 10_000_000;

/// The mix *skill*: a parent bot and its skill, which call each other through bot-sso. The skill answers at once.
pub struct SkillMix<'s> {
    signer: &'s Signer,
    /// The port of the process that is the skill and the parent.
    identity_port: u16,
    /// The port of bot-sso.
    port: u16,
    parent_token: String,
    skill_token: String,
    channel_token: String,
    /// What the parent passes on.
    pub to_skill: Vec<Template>,
    /// What the skill says to the parent's users.
    pub of_skill: Vec<Template>,
}

impl<'s> SkillMix<'s> {
    /// Signs the users in at the parent, and opens their conversations with the skill.
    pub fn prepare(signer: &'s Signer, identity_port: u16, port: u16) -> Self {
        let mut mix = Self {
            signer,
            identity_port,
            port,
            parent_token: signer.app_token(ASSISTANT_ID, SKILL_ID),
            skill_token: signer.app_token(SKILL_ID, ASSISTANT_ID),
            channel_token: signer.channel_token_for(ASSISTANT_ID, SERVICE_URL),
            to_skill: Vec::new(),
            of_skill: Vec::new(),
        };
        let users: Vec<_> = known_users().collect();
        mix.sign_in(&users);
        mix.to_skill = users.iter().map(|user| mix.message(*user, "known", "")).collect();
        let conversations = mix.open(&mix.to_skill);
        let says = |(user, conversation): (&User, String)| mix.activity(*user, &conversation, &json!([]));
        mix.of_skill = users.iter().zip(conversations).map(says).collect();
        // The users' tokens for the skill come into memory.
        let first: Vec<_> = mix.cards("first", &users, 1);
        mix.send(&first);
        mix
    }

    /// Cards of users whose token for the skill is in memory, in conversations that had no card yet.
    pub fn cards_from_memory(&self, round: usize, cards: usize) -> Vec<Template> {
        let users: Vec<_> = known_users().cycle().take(cards.div_ceil(CARDS_OF_CONVERSATION)).collect();
        self.cards(&format!("round {round}"), &users, CARDS_OF_CONVERSATION)
    }

    /// Cards of users who are signed in at the parent and have no token for the skill yet.
    pub fn cold_cards(&self, round: usize, cards: usize) -> Vec<Template> {
        let first = FIRST_USER + USERS + round * cards;
        let users: Vec<_> = (first..first + cards).map(User).collect();
        self.sign_in(&users);
        self.cards("cold", &users, 1)
    }

    /// `of_each` cards for each of the users, each in a conversation of its own.
    fn cards(&self, label: &str, users: &[User], of_each: usize) -> Vec<Template> {
        let number = |(index, user): (usize, &User)| self.message(*user, &format!("{label} {index}"), "refusing/");
        let openings: Vec<_> = users.iter().enumerate().map(number).collect();
        let conversations = self.open(&openings);
        let each = users.iter().zip(&conversations);
        each.flat_map(|(user, conversation)| (0..of_each).map(|_| self.card(*user, conversation))).collect()
    }

    fn sign_in(&self, users: &[User]) {
        let invoke = |user: &User| {
            let body = user.invoke(SERVICE_URL, ID, &self.signer.user_token(*user));
            Template::post("/bots/assistant/api/messages", &body, &self.channel_token)
        };
        self.send(&users.iter().map(invoke).collect::<Vec<_>>());
    }

    /// A message of the user in the parent's conversation `label`. Whatever goes on to the parent comes to `path`: where nothing
    /// is, its answer is 404, so that a card which is not answered is noticed.
    fn message(&self, user: User, label: &str, path: &str) -> Template {
        let service_url = format!("http://127.0.0.1:{}/{path}", self.identity_port);
        let body = user.message_to_skill(&service_url, &format!("{label} of {}", user.0));
        Template::post("/api/skills/bare/messages", &body, &self.parent_token)
    }

    fn card(&self, user: User, conversation: &str) -> Template {
        let content = json!({
            "text": "Please sign in", "connectionName": SKILL_CONNECTION,
            "buttons": [{"type": "signin", "title": "Sign in", "value": "https://skill.example/sign-in"}],
            "tokenExchangeResource": {"id": ID, "uri": SKILL_URI},
        });
        let card = json!([{"contentType": "application/vnd.microsoft.card.oauth", "content": content}]);
        self.activity(user, conversation, &card)
    }

    fn activity(&self, user: User, conversation: &str, attachments: &Value) -> Template {
        let path = format!("/api/skills/bare/v3/conversations/{conversation}/activities");
        Template::post(&path, &user.message_of_skill(conversation, attachments), &self.skill_token)
    }

    /// Sends each request once.
    fn send(&self, templates: &[Template]) {
        Load { templates, from: 1, requests: templates.len() as u64, in_copies: false }.run(&[self.port]);
    }

    /// Sends the messages, and returns the ids by which the skill knows their conversations.
    fn open(&self, messages: &[Template]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut connection, mut conversations) = (Connection::open(self.port).await, Vec::new());
            for message in messages {
                let status = connection.call(message.bytes()).await;
                let body = body_of(connection.body());
                assert_eq!(status, 200, "{body}");
                conversations.push(body["conversation"].as_str().unwrap().to_owned());
            }
            conversations
        })
    }
}

fn known_users() -> impl Iterator<Item = User> + Clone {
    (FIRST_USER..FIRST_USER + USERS).map(User)
}

/// The JSON object in a body, which may come in chunks.
fn body_of(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let object = text.find('{').zip(text.rfind('}')).map(|(from, to)| &text[from..=to]);
    serde_json::from_str(object.unwrap_or_default()).unwrap_or_default()
}
