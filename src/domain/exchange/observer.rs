use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Watches what the program does with sign-ins: reasons, times and ids, never a token, a code or a secret. `bot-sso dev` has an
/// observer, which shows what happens to a developer; a service has none.
pub trait ExchangeObserver: Send + Sync {
    /// Notes `event`. Requests wait for it, so it only copies what it keeps.
    fn observe(&self, event: &ExchangeEvent<'_>);

    /// Whether it is told of the answers of all operations, which are many.
    fn wants_answers(&self) -> bool {
        true
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeEvent<'e> {
    /// The id of the request of which it is a part; `None` where no request is known.
    pub correlation_id: Option<&'e str>,
    /// What happened.
    pub step: ExchangeStep<'e>,
}

/// What happened. A duration is the time from the request to its answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ExchangeStep<'e> {
    /// An activity was admitted at the gateway.
    ActivityArrived {
        /// The activity.
        activity: ArrivedActivity<'e>,
    },
    /// The caller of a request was refused.
    CallerRefused {
        /// The HTTP status of the answer.
        status: u16,
        /// The error code that the caller gets.
        code: &'static str,
        /// The check that failed.
        check: &'static str,
        /// What the operator can do, as in the log.
        hint: &'static str,
    },
    /// The identity provider is called.
    ProviderAsked {
        /// The call.
        call: ProviderCall<'e>,
    },
    /// The identity provider has answered, or has not.
    ProviderAnswered {
        /// The call.
        call: ProviderCall<'e>,
        /// The HTTP status; `None` if there was no answer.
        status: Option<u16>,
        /// `error` of the answer.
        error: Option<&'e str>,
        /// The provider's number of the error, such as that of AADSTS.
        number: Option<u32>,
        /// How long it took.
        took: Duration,
    },
    /// An exchange was refused. Duplicates of its request share the refusal.
    ExchangeRefused {
        /// The connection, if it is known.
        connection: Option<&'e str>,
        /// The reason code (docs/architecture.md §Status table).
        reason: Cow<'static, str>,
        /// What the operator can do, as in the log.
        hint: &'static str,
    },
    /// Something is sent to a bot.
    BotAsked {
        /// The bot.
        bot: &'e str,
        /// What is sent.
        message: BotMessage,
    },
    /// A bot has answered, or has not.
    BotAnswered {
        /// The bot.
        bot: &'e str,
        /// What was sent.
        message: BotMessage,
        /// The HTTP status; `None` if there was no answer.
        status: Option<u16>,
        /// How long it took.
        took: Duration,
    },
    /// Something is sent to a skill in a parent's name.
    SkillAsked {
        /// The skill.
        skill: &'e str,
        /// What is sent.
        message: SkillMessage,
    },
    /// A skill has answered, or has not.
    SkillAnswered {
        /// The skill.
        skill: &'e str,
        /// What was sent.
        message: SkillMessage,
        /// The HTTP status; `None` if there was no answer.
        status: Option<u16>,
        /// How long it took.
        took: Duration,
    },
    /// A skill has sent a sign-in card.
    SkillCard {
        /// The skill.
        skill: &'e str,
        /// The connection that the card names.
        connection: &'e str,
        /// What became of the card.
        outcome: SkillCardOutcome,
    },
    /// The gateway has answered an activity.
    ActivityAnswered {
        /// The status of the answer.
        status: u16,
        /// The reason code of a refused exchange (docs/architecture.md §Status table).
        reason: Option<Cow<'static, str>>,
        /// Whether the answer is that of an earlier duplicate.
        is_shared: bool,
        /// How long it took.
        took: Duration,
    },
    /// A door has answered. The gateway's answers to admitted activities are told before as [`Self::ActivityAnswered`].
    OperationAnswered {
        /// The door's name in lower case, with underscores: `bot_gateway`, `token_service`, `sign_in_pages`.
        door: &'e str,
        /// The operation's id in the `OpenAPI` document.
        operation: &'e str,
        /// The connection that the query names.
        connection: Option<Cow<'e, str>>,
        /// The HTTP status.
        status: u16,
        /// How long it took.
        took: Duration,
    },
    /// A user was signed out.
    SignedOut {
        /// The bot, unless it was everywhere.
        bot: Option<&'e str>,
        /// The connection; `None` for all.
        connection: Option<&'e str>,
        /// How many tokens were removed, if it was everywhere.
        tokens_removed: Option<usize>,
    },
}

/// An activity that was admitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrivedActivity<'e> {
    /// Who called: `channel`, `parent`, `agent_365` or `anonymous`.
    pub caller: &'static str,
    /// The bot that it is for.
    pub bot: &'e str,
    /// `channelId`.
    pub channel: &'e str,
    /// `conversation.id`.
    pub conversation: &'e str,
    /// `id`.
    pub activity_id: Option<&'e str>,
    /// `type`, or `name` of an invoke or an event.
    pub name: &'e str,
    /// The connection for which the gateway exchanges the activity's token.
    pub connection: Option<&'e str>,
}

/// A call of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProviderCall<'e> {
    /// The provider's name in the configuration.
    pub provider: &'e str,
    /// The grant, such as `on_behalf_of` or `authorization_code`.
    pub grant: &'e str,
}

/// What is sent to a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotMessage {
    /// The activity of the caller.
    Activity,
    /// The event that tells the bot of a token.
    TokensResponse,
    /// What a skill sends to the bot that is its parent.
    SkillActivity,
}

impl BotMessage {
    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::TokensResponse => "tokens/response",
            Self::SkillActivity => "skill_activity",
        }
    }
}

/// What is sent to a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkillMessage {
    /// An activity of the parent.
    Activity,
    /// An invoke of the parent or of the user, for which a turn of the skill may be waiting.
    Invoke,
    /// The invoke with which bot-sso answers a card of the skill.
    TokenExchange,
}

impl SkillMessage {
    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Invoke => "invoke",
            Self::TokenExchange => "signin/tokenExchange",
        }
    }
}

/// What became of a sign-in card that a skill sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkillCardOutcome {
    /// The skill got its token, and the user does not see the card.
    Swallowed,
    /// The card goes on to the parent.
    PassedOn {
        /// Why, in words for programs: `not_signed_in`, `too_late`.
        reason: &'static str,
    },
}

impl SkillCardOutcome {
    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Swallowed => "swallowed",
            Self::PassedOn { .. } => "passed_on",
        }
    }

    /// Why the card goes on, if it does.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Swallowed => None,
            Self::PassedOn { reason } => Some(reason),
        }
    }
}

/// The observer, if there is one. Without one an event is not even built.
#[derive(Clone, Default)]
pub struct ExchangeObservation(Option<Arc<dyn ExchangeObserver>>);

impl ExchangeObservation {
    /// Tells `observer`.
    #[must_use]
    pub fn by(observer: Arc<dyn ExchangeObserver>) -> Self {
        Self(Some(observer))
    }

    /// Whether there is an observer that is told of the answers of all operations.
    #[must_use]
    pub fn wants_answers(&self) -> bool {
        self.0.as_ref().is_some_and(|observer| observer.wants_answers())
    }

    /// Tells the observer of what `step` builds, which happened in the request `correlation_id`.
    pub fn tell<'e>(&self, correlation_id: &'e str, step: impl FnOnce() -> ExchangeStep<'e>) {
        if let Some(observer) = &self.0 {
            observer.observe(&ExchangeEvent { correlation_id: Some(correlation_id), step: step() });
        }
    }

    /// The same for what happened in a request that is not known here.
    pub fn tell_without_request<'e>(&self, step: impl FnOnce() -> ExchangeStep<'e>) {
        if let Some(observer) = &self.0 {
            observer.observe(&ExchangeEvent { correlation_id: None, step: step() });
        }
    }
}

impl fmt::Debug for ExchangeObservation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ExchangeObservation").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<Option<String>>>);

    impl ExchangeObserver for Seen {
        fn observe(&self, event: &ExchangeEvent<'_>) {
            self.0.lock().unwrap().push(event.correlation_id.map(str::to_owned));
        }
    }

    const SIGN_OUT: ExchangeStep<'static> =
        ExchangeStep::SignedOut { bot: None, connection: None, tokens_removed: None };

    #[test]
    fn an_observer_is_told_and_without_one_no_event_is_built() {
        let seen = Arc::new(Seen::default());
        let observation = ExchangeObservation::by(seen.clone());
        observation.tell("a", || SIGN_OUT);
        observation.tell_without_request(|| SIGN_OUT);
        assert_eq!(*seen.0.lock().unwrap(), [Some("a".to_owned()), None]);
        ExchangeObservation::default().tell("b", || panic!("built"));
    }
}
