//! The methods of [`DirectLine`] that authenticate a request.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use subtle::ConstantTimeEq;

use super::conversation::Conversation;
use super::refusal::DirectLineRefusal;
use super::service::DirectLine;
use super::tokens::TokenBinding;
use crate::dev::admission::{UnreadableOrigin, page_origin};
use crate::dev::jwt::bearer_token;
use crate::dev::tenant::BotEntry;

/// What a request is authenticated with.
pub(super) enum Credential {
    /// A token, which is good for one conversation and one user.
    Token(TokenBinding),
    /// The secret of a bot, which is good for all conversations with the bot.
    Secret(BotEntry),
}

impl DirectLine {
    /// Authenticates a request by its bearer.
    pub(super) fn authenticate(&self, request: &HttpRequest) -> Result<Credential, DirectLineRefusal> {
        let bearer = bearer_token(request).ok_or(DirectLineRefusal::NoCredential)?;
        match self.find_bot_by_secret(bearer) {
            Some(bot) => Ok(Credential::Secret(bot.clone())),
            None => self.verify_token(bearer, request.headers()).map(Credential::Token),
        }
    }

    /// Verifies a token that came in a request with `headers`.
    pub(super) fn verify_token(&self, token: &str, headers: &HeaderMap) -> Result<TokenBinding, DirectLineRefusal> {
        let binding = self.tokens.verify(token)?;
        let origin = page_origin(headers).map_err(|UnreadableOrigin| DirectLineRefusal::ForeignOrigin)?;
        let is_admitted = binding.origins.is_empty()
            || origin.is_none_or(|origin| binding.origins.iter().any(|known| known == origin));
        if is_admitted { Ok(binding) } else { Err(DirectLineRefusal::ForeignOrigin) }
    }

    /// The conversation `id`, if the request may take part in it.
    pub(super) fn admit(&self, request: &HttpRequest, id: &str) -> Result<Arc<Conversation>, DirectLineRefusal> {
        match self.authenticate(request)? {
            Credential::Token(binding) => self.admit_token(&binding, id),
            Credential::Secret(bot) => {
                let found = self.conversations.find(id).ok_or(DirectLineRefusal::UnknownConversation)?;
                if found.bot == bot { Ok(found) } else { Err(DirectLineRefusal::OtherConversation) }
            }
        }
    }

    /// The conversation `id`, if the token is bound to it and to its user.
    pub(super) fn admit_token(&self, binding: &TokenBinding, id: &str) -> Result<Arc<Conversation>, DirectLineRefusal> {
        if binding.conversation != id {
            return Err(DirectLineRefusal::OtherConversation);
        }
        let found = self.conversations.find(id).ok_or(DirectLineRefusal::UnknownConversation)?;
        let is_bound = found.user.id == binding.user && found.bot.name == binding.bot;
        if is_bound { Ok(found) } else { Err(DirectLineRefusal::OtherConversation) }
    }

    fn find_bot_by_secret(&self, secret: &str) -> Option<&BotEntry> {
        let mut bots = self.users.directory.bots.iter();
        bots.find(|bot| bool::from(secret.as_bytes().ct_eq(direct_line_secret(bot).as_bytes())))
    }
}

/// The Direct Line secret of a bot: the same in every stage, like all of its secrets.
pub(in crate::dev) fn direct_line_secret(bot: &BotEntry) -> String {
    format!("{}-direct-line-secret-of-the-local-stage", bot.name)
}
