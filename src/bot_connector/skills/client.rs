use tokio::time::Instant;
use url::Url;

use crate::bot_connector::forwarding::ForwardedRequest;
use crate::domain::{
    BotMessage, BotName, ExchangeObservation, ExchangeStep, Skill, SkillCardOutcome, SkillMessage, SkillName,
};
use crate::outbound::{Outbound, OutboundError, RelayedAnswer};

/// Sends requests to skills, and those of skills to their parents.
///
/// A turn of a skill holds a connection to the skill until it ends. In the turn the skill waits for what it sends to its parent,
/// and for the answer to its card, which needs an invoke to the same skill. Each kind of message of each skill and of each
/// parent is therefore counted apart ([`RelayRequest::counted_as`](crate::outbound::RelayRequest::counted_as)): no request waits
/// for a connection that is free only after the request has ended, even if many turns are open and parents and skills share a
/// host.
#[derive(Clone)]
pub struct SkillClient {
    outbound: Outbound,
    observation: ExchangeObservation,
}

/// What a request to a skill or to its parent is a part of, and when its answer has to begin.
#[derive(Clone, Copy)]
pub struct SkillCall<'a> {
    /// The id of the request that causes it.
    pub correlation_id: &'a str,
    /// What is sent. What a parent gets is a skill's activity in any case.
    pub message: SkillMessage,
    /// When the status of the answer has to have arrived.
    pub deadline: Instant,
}

/// A request of a skill that goes to its parent.
pub struct ParentRequest<'a> {
    /// The parent.
    pub parent: &'a BotName,
    /// The HTTP method.
    pub method: &'a str,
    /// Where the parent receives it: below the `serviceUrl` of its own activity.
    pub url: Url,
    /// Headers and body.
    pub request: ForwardedRequest,
}

impl SkillClient {
    /// Sends through the HTTP client `outbound`, and tells `observation` of each request.
    #[must_use]
    pub fn new(outbound: &Outbound, observation: ExchangeObservation) -> Self {
        Self { outbound: outbound.clone(), observation }
    }

    /// Posts `request` to the skill's endpoint once and returns the answer as soon as the status has arrived. The body is
    /// streamed.
    ///
    /// # Errors
    /// [`OutboundError`] if the skill cannot be reached or its status does not arrive in time. The request is not
    /// repeated.
    pub async fn post_to_skill(
        &self,
        skill: &Skill,
        request: ForwardedRequest,
        call: SkillCall<'_>,
    ) -> Result<RelayedAnswer, OutboundError> {
        let SkillCall { correlation_id, message, deadline } = call;
        let (name, begun) = (skill.name.as_str(), Instant::now());
        self.observation.tell(correlation_id, || ExchangeStep::SkillAsked { skill: name, message });
        let purpose = format!("skill {name} {}", message.name());
        let answer = self
            .outbound
            .relay(request.in_request(correlation_id).to("POST", skill.endpoint.clone(), purpose), deadline)
            .await;
        self.observation.tell(correlation_id, || ExchangeStep::SkillAnswered {
            skill: name,
            message,
            status: answer.as_ref().ok().map(|answer| answer.status),
            took: begun.elapsed(),
        });
        answer
    }

    /// Sends a skill's request to its parent once and returns the answer as soon as the status has arrived. The body is
    /// streamed.
    ///
    /// # Errors
    /// As [`SkillClient::post_to_skill`], for the parent.
    pub async fn call_parent(
        &self,
        request: ParentRequest<'_>,
        call: SkillCall<'_>,
    ) -> Result<RelayedAnswer, OutboundError> {
        let SkillCall { correlation_id, deadline, .. } = call;
        let ParentRequest { parent, method, url, request } = request;
        let (bot, begun, message) = (parent.as_str(), Instant::now(), BotMessage::SkillActivity);
        self.observation.tell(correlation_id, || ExchangeStep::BotAsked { bot, message });
        let purpose = format!("skills of bot {bot}");
        let answer = self.outbound.relay(request.in_request(correlation_id).to(method, url, purpose), deadline).await;
        self.observation.tell(correlation_id, || ExchangeStep::BotAnswered {
            bot,
            message,
            status: answer.as_ref().ok().map(|answer| answer.status),
            took: begun.elapsed(),
        });
        answer
    }

    /// Tells the observer what became of a card of `skill` that names `connection`.
    pub fn tell_of_card(&self, correlation_id: &str, skill: &SkillName, connection: &str, outcome: SkillCardOutcome) {
        let skill = skill.as_str();
        self.observation.tell(correlation_id, || ExchangeStep::SkillCard { skill, connection, outcome });
    }
}
