use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chat_channel::ChatChannel;
use super::refusal::DirectLineRefusal;
use crate::dev::channel::teams::ConversationKind;
use crate::dev::jwt::{TokenProblem, check_expiry, signed_claims};
use crate::domain::{Entropy, SharedClock};

/// The lifetime of a Direct Line token, in seconds.
pub(super) const TOKEN_LIFETIME: i64 = 1800;

/// What a Direct Line token is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenBinding {
    /// Name of the bot.
    pub(super) bot: String,
    /// Id of the conversation.
    #[serde(rename = "conv")]
    pub(super) conversation: String,
    /// The user's id in the channel. Web Chat reads this claim and writes it into `from.id`.
    pub(super) user: String,
    pub(super) channel: ChatChannel,
    #[serde(default)]
    pub(super) kind: ConversationKind,
    /// The origins whose pages may use the token; all that the stage admits, if empty.
    pub(super) origins: Vec<String>,
}

/// Issues and verifies Direct Line tokens: JWTs, because Web Chat reads the user's id from the payload.
pub(in crate::dev) struct DirectLineTokens {
    signing: EncodingKey,
    verification: DecodingKey,
    clock: SharedClock,
}

impl DirectLineTokens {
    /// Draws a key. Tokens of an earlier process are not valid.
    pub(in crate::dev) fn new(clock: SharedClock, entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self { signing: EncodingKey::from_secret(&key), verification: DecodingKey::from_secret(&key), clock }
    }

    /// Issues a token.
    pub(super) fn mint(&self, binding: &TokenBinding) -> Result<String, DirectLineRefusal> {
        let expires_at = self.clock.now().unix_seconds() + TOKEN_LIFETIME;
        let mut claims = serde_json::to_value(binding).map_err(|_| DirectLineRefusal::NoToken)?;
        if let Value::Object(members) = &mut claims {
            members.insert("exp".to_owned(), json!(expires_at));
        }
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|_| DirectLineRefusal::NoToken)
    }

    /// Verifies a token and returns what it is bound to.
    pub(super) fn verify(&self, token: &str) -> Result<TokenBinding, DirectLineRefusal> {
        let claims = signed_claims(token, &self.verification, &[Algorithm::HS256])
            .map_err(|_| DirectLineRefusal::InvalidCredential)?;
        match check_expiry(&claims, self.clock.now().unix_seconds()) {
            Ok(()) => serde_json::from_value(claims).map_err(|_| DirectLineRefusal::InvalidCredential),
            Err(TokenProblem::Expired) => Err(DirectLineRefusal::TokenExpired),
            Err(_) => Err(DirectLineRefusal::InvalidCredential),
        }
    }
}
