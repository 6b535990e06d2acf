use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::SkillHostExchange;
use super::card_failure::{CardFailure, report_swallowed};
use super::oversteps::Overstep;
use super::turn::SkillTurn;
use crate::bot_connector::{
    CardAttempt, CardClaim, ForwardedRequest, ParentTokens, SkillCall, SkillClient, SkillConversationError,
    SkillConversations, read_answer,
};
use crate::domain::{Account, ClockAndEntropy, Connection, Secret, SkillMessage, TokenSlot, UserToken};
use crate::exchange::{ObtainedToken, WantedResource, WantedToken};
use crate::observability::{CardReason, Counters};
use crate::outbound::OutboundError;
use crate::protocol::{OfferedCard, SkillInvoke, token_exchange_invoke};

/// A card is answered within this time after its arrival, or goes on to the user. The skill's request waits for it, so the
/// time is that of docs/protocols/bot-auth-and-skills.md §5.1.
const CARD_BUDGET: Duration = Duration::from_secs(8);
/// A copy of a card that is being answered waits for the first one until this long after its own arrival. The skill may send the
/// copy while it works on the invoke; the rest of the first card's time is then left for the skill to take the token.
const COPY_BUDGET: Duration = Duration::from_secs(3);
/// The largest answer of a skill to a token, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Answers the sign-in cards of skills with the sign-ins of users at the parents.
pub(super) struct Interception {
    pub(super) exchange: SkillHostExchange,
    pub(super) conversations: SkillConversations,
    pub(super) client: SkillClient,
    pub(super) parent_tokens: ParentTokens,
    pub(super) counters: Arc<Counters>,
    pub(super) ambient: ClockAndEntropy,
}

/// How a card was answered.
enum Answered {
    /// The skill has taken the token. Copies of the card wait until the attempt is dropped.
    Now(CardAttempt),
    /// The skill took the token for an earlier copy of the card, and got this activity id.
    Before(String),
}

impl Interception {
    /// Answers `card`, which arrived at `arrived`, with the sign-in of the conversation's user. Returns the activity id that
    /// the skill gets for it; `None` if the card has to go on to the user. No lock is held meanwhile: the skill is called
    /// while it waits for the answer to its card.
    pub(super) async fn answer(&self, turn: &SkillTurn, card: &OfferedCard, arrived: Instant) -> Option<String> {
        let deadline = arrived + CARD_BUDGET;
        let answered = timeout_at(deadline, self.try_to_answer(turn, card, arrived)).await;
        match answered.unwrap_or_else(|_| Err(CardReason::TooLate.into())) {
            Ok(Answered::Before(id)) => Some(id),
            Ok(Answered::Now(_attempt)) => {
                report_swallowed(turn, &card.connection_name);
                let id = self.ambient.entropy.uuid();
                // The skill has the token already, so the card is of no use to the user.
                let noted = self.conversations.note_swallowed(&turn.conversation, &card.resource_id, &id).await;
                drop(noted.inspect_err(|error| report_store_failure(turn, error)));
                Some(id)
            }
            Err(failure) => {
                failure.report(turn, &card.connection_name);
                None
            }
        }
    }

    async fn try_to_answer(
        &self,
        turn: &SkillTurn,
        card: &OfferedCard,
        arrived: Instant,
    ) -> Result<Answered, CardFailure> {
        let deadline = arrived + CARD_BUDGET;
        let turn = &self.refreshed(turn).await?;
        let account = self.find_user(turn, card)?;
        let wait_until = arrived + COPY_BUDGET;
        let attempt = self.conversations.join_card_attempt(&turn.conversation, &card.resource_id, wait_until).await;
        let claim = self.conversations.claim_card(&turn.conversation, &card.resource_id).await;
        match claim.map_err(|error| store_failed(turn, &error))? {
            CardClaim::First => {}
            CardClaim::Attempted => return Err(CardReason::AttemptedBefore.into()),
            CardClaim::Swallowed(id) => return Ok(Answered::Before(id)),
        }
        let bearer = self.get_parent_token(turn, deadline).await?;
        // The user's token comes last: the user may sign out while another one is awaited.
        let token = self.get_user_token(turn, card, account).await?;
        let turn = &self.refreshed(turn).await?;
        require_one_user(turn)?;
        let request = self.build_invoke(turn, card, &bearer, &token);
        self.hand_over(turn, request, deadline).await?;
        Ok(Answered::Now(attempt))
    }

    /// `turn` in its conversation as that is now: another user may have spoken since the turn began.
    async fn refreshed(&self, turn: &SkillTurn) -> Result<SkillTurn, CardFailure> {
        let found = self.conversations.find(&turn.conversation.id).await;
        let conversation = found.map_err(|error| store_failed(turn, &error))?.ok_or(CardReason::NoUser)?;
        Ok(turn.in_conversation(conversation))
    }

    /// The user whose sign-in may answer `card`: always the user of the conversation, although the card may name another one.
    ///
    /// # Errors
    /// [`CardFailure`] says why no sign-in may answer the card.
    fn find_user<'t>(&self, turn: &'t SkillTurn, card: &OfferedCard) -> Result<&'t Account, CardFailure> {
        if !turn.peer.skill.exchange_uris.contains(&card.uri) {
            Overstep::Uri.report(&turn.peer, &turn.correlation_id);
            return Err(CardReason::UriNotListed.into());
        }
        if !self.parent_tokens.has_credentials(&turn.peer.parent.name) {
            return Err(CardReason::NoCredentials.into());
        }
        require_one_user(turn)?;
        let account = turn.conversation.account.as_ref().filter(|_| turn.conversation.has_addressing());
        let account = account.ok_or(CardReason::NoUser)?;
        if card.recipient_id.as_ref().is_some_and(|recipient| recipient != account.subject.as_str()) {
            Overstep::User.report(&turn.peer, &turn.correlation_id);
        }
        Ok(account)
    }

    /// The token of the user `account` at the parent for the resource that `card` names: from the first connection that
    /// lists the resource and where the user is signed in.
    async fn get_user_token(
        &self,
        turn: &SkillTurn,
        card: &OfferedCard,
        account: &Account,
    ) -> Result<Arc<UserToken>, CardFailure> {
        let SkillHostExchange { registrations, resources, speakers } = &self.exchange;
        let parent = &turn.peer.parent;
        let in_use = speakers.find_account_in_use(parent, account.clone(), || turn.correlation_id.clone()).await;
        let in_use = in_use.map_err(|error| store_failed(turn, &error.into()))?.ok_or(CardReason::TwoAccountsSpoke)?;
        let mut reason = CardReason::NoConnection;
        let wanted = WantedResource::ExchangeUri(&card.uri);
        for connection in registrations.list_connections(parent.name.as_str()) {
            let Some(scope) = wanted.find_scope(connection) else { continue };
            let slot = TokenSlot::new(&in_use, &connection.name);
            let wanted = WantedToken { bot: parent, slot: &slot, connection };
            match resources.get(wanted, &scope, &turn.correlation_id).await {
                Ok(ObtainedToken::Token(token)) => return Ok(token),
                Ok(ObtainedToken::UserNeeded) if reason == CardReason::NoConnection => reason = CardReason::NotSignedIn,
                Ok(ObtainedToken::UserNeeded) => {}
                Ok(ObtainedToken::Unavailable(_)) => {
                    report_outage(turn, connection);
                    reason = CardReason::ExchangeRefused;
                }
                Err(refusal) => {
                    let (bot, connection) = (parent.name.as_str(), Some(connection.name.as_str()));
                    refusal.report(&self.counters, bot, connection, &turn.correlation_id);
                    reason = CardReason::ExchangeRefused;
                }
            }
        }
        Err(reason.into())
    }

    /// The parent's own app token for the skill.
    async fn get_parent_token(&self, turn: &SkillTurn, deadline: Instant) -> Result<Secret, CardFailure> {
        let (skill, parent, correlation_id) = (&turn.peer.skill, &turn.peer.parent, turn.correlation_id.as_str());
        let bearer = self.parent_tokens.get(&parent.name, skill, correlation_id, deadline).await;
        bearer.map_err(|error| {
            let (bot, skill) = (parent.name.as_str(), skill.name.as_str());
            tracing::warn!(correlation_id, bot, skill, %error, "the parent bot got no token to call its skill");
            CardReason::ParentTokenRefused.into()
        })
    }

    /// The invoke with which a parent hands `token` over to its skill; `bearer` is the parent's own token for the skill.
    fn build_invoke(
        &self,
        turn: &SkillTurn,
        card: &OfferedCard,
        bearer: &Secret,
        token: &UserToken,
    ) -> ForwardedRequest {
        let invoke = token_exchange_invoke(SkillInvoke {
            id: &self.ambient.entropy.uuid(),
            address: turn.skill_address(),
            addressing: &turn.conversation.addressing,
            reply_to: card.activity_id.as_deref(),
            resource_id: &card.resource_id,
            connection_name: &card.connection_name,
            token: token.access_token.expose(),
            timestamp: self.ambient.now(),
        });
        turn.composed_for_skill(bearer, invoke)
    }

    /// Sends `invoke` to the skill in the parent's name. The skill has taken the token if it answers 2xx and the answer arrives
    /// whole.
    ///
    /// # Errors
    /// [`CardFailure`] says why the skill has not taken the token.
    async fn hand_over(
        &self,
        turn: &SkillTurn,
        invoke: ForwardedRequest,
        deadline: Instant,
    ) -> Result<(), CardFailure> {
        let (skill, correlation_id) = (&turn.peer.skill, turn.correlation_id.as_str());
        let call = SkillCall { correlation_id, message: SkillMessage::TokenExchange, deadline };
        let answer = self.client.post_to_skill(skill, invoke, call).await.map_err(|error| to_reason(&error))?;
        let status = answer.status;
        if !(200..300).contains(&status) {
            return Err(CardFailure { reason: CardReason::SkillRefused, status: Some(status) });
        }
        read_answer(answer, MAX_ANSWER_BYTES).await.map_err(|error| to_reason(&error))?;
        Ok(())
    }
}

/// Checks that one user alone has spoken in the conversation.
fn require_one_user(turn: &SkillTurn) -> Result<(), CardFailure> {
    if turn.conversation.is_shared { Err(CardReason::SeveralUsers.into()) } else { Ok(()) }
}

const fn to_reason(error: &OutboundError) -> CardReason {
    match error {
        OutboundError::TimedOut => CardReason::TooLate,
        OutboundError::TooLarge => CardReason::AnswerTooLarge,
        _ => CardReason::SkillUnreachable,
    }
}

fn store_failed(turn: &SkillTurn, error: &SkillConversationError) -> CardFailure {
    report_store_failure(turn, error);
    CardReason::StoreFailed.into()
}

fn report_store_failure(turn: &SkillTurn, error: &SkillConversationError) {
    let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
    let correlation_id = turn.correlation_id.as_str();
    tracing::error!(correlation_id, bot, skill, %error, "what became of a skill's card cannot be stored or read");
}

fn report_outage(turn: &SkillTurn, connection: &Connection) {
    tracing::warn!(
        correlation_id = turn.correlation_id,
        bot = turn.peer.parent.name.as_str(),
        connection = connection.name.as_str(),
        "the user's token cannot be renewed at the moment"
    );
}
