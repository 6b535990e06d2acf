//! The skill host between parent bots and their skills: parents post to skills here, skills answer here, and a skill's
//! sign-in card is answered with the sign-in of the parent's user where that is possible.
//!
//! Owns to which side a request goes on and under which address, and what becomes of a skill's card. It deliberately uses a
//! user's token for one purpose only: to hand it to the one skill that it is for.

mod admission;
mod answer_budget;
mod budgets;
mod card_failure;
mod card_rates;
mod description;
mod event_relay;
mod expected_replies;
mod interception;
mod judgement;
mod oversteps;
mod parent_target;
mod relay;
mod to_parent;
mod to_skill;
mod turn;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use url::Url;

use self::budgets::SkillBudgets;
use self::card_rates::CardRates;
use self::interception::Interception;
use crate::bot_connector::{ParentTokens, SkillClient, SkillConversations};
use crate::domain::{ClockAndEntropy, Registrations, SharedEntropy};
use crate::exchange::{ResourceTokens, Speakers};
use crate::inbound::{BodyLimits, Callers, Door, LetterCase, Method, Operation, SharedLimits};
use crate::observability::Counters;

#[cfg(test)]
pub use self::card_failure::list_hints;

/// The state of this door; built once, shared by all workers.
pub struct SkillHost {
    callers: Arc<Callers>,
    limits: BodyLimits,
    entropy: SharedEntropy,
    conversations: SkillConversations,
    client: SkillClient,
    bot_timeout: Duration,
    public_url: Url,
    interception: Interception,
    card_rates: CardRates,
    budgets: SkillBudgets,
    counters: Arc<Counters>,
}

/// Which parents and skills may call, and the limits on their requests.
pub struct SkillHostCallers {
    /// Authenticates parents and skills.
    pub callers: Arc<Callers>,
    /// The limits on request bodies.
    pub limits: BodyLimits,
    /// What the limit on cards is made from.
    pub shared_limits: SharedLimits,
    /// The address at which skills reach this service.
    pub public_url: Url,
}

/// What reaches parents and skills.
pub struct SkillHostBots {
    /// The conversations that parents have opened with skills.
    pub conversations: SkillConversations,
    /// Sends requests to skills and to parents.
    pub client: SkillClient,
    /// The app tokens with which parents call skills.
    pub parent_tokens: ParentTokens,
    /// The time limit for the answer of a skill or a parent.
    pub timeout: Duration,
}

/// What gets the tokens of users for skills.
pub struct SkillHostExchange {
    /// The configured bots, connections and skills.
    pub registrations: Arc<Registrations>,
    /// Returns tokens of signed-in users for other resources.
    pub resources: ResourceTokens,
    /// Knows under which account a bot finds a user's tokens.
    pub speakers: Speakers,
}

impl SkillHost {
    /// A skill host for these parents and skills.
    #[must_use]
    pub fn new(
        callers: SkillHostCallers,
        bots: SkillHostBots,
        exchange: SkillHostExchange,
        counters: Arc<Counters>,
        ambient: ClockAndEntropy,
    ) -> Self {
        let SkillHostCallers { callers, limits, shared_limits, public_url } = callers;
        let SkillHostBots { conversations, client, parent_tokens, timeout: bot_timeout } = bots;
        let card_rates = CardRates::new(&shared_limits);
        let entropy = ambient.entropy.clone();
        let interception = Interception {
            exchange,
            conversations: conversations.clone(),
            client: client.clone(),
            parent_tokens,
            counters: counters.clone(),
            ambient,
        };
        Self {
            callers,
            limits,
            entropy,
            conversations,
            client,
            bot_timeout,
            public_url,
            interception,
            card_rates,
            budgets: SkillBudgets::default(),
            counters,
        }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Skill host",
    description: "Parent bots post activities for their skills here, and the skills answer here: the channel service API, as \
                  skills know it from the `serviceUrl` of what they get.",
    bearer: "A parent bot's: the token with which it would call the skill itself. Or a skill's: the token with which it would \
             call the parent.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

// The path of the history precedes that of an activity, which would match it as well
// (docs/protocols/bot-auth-and-skills.md §4.3).
const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/messages",
        route: |route| route.to(to_skill::receive),
        description: description::post_to_skill,
    },
    Operation {
        method: Method::Get,
        path: "/api/skills/{skill}/v3/conversations",
        route: |route| route.to(to_parent::decline),
        description: || description::declined("GetConversations"),
    },
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/v3/conversations",
        route: |route| route.to(to_parent::decline),
        description: || description::declined("CreateConversation"),
    },
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities/history",
        route: |route| route.to(to_parent::decline),
        description: || description::in_conversation(description::declined("SendConversationHistory")),
    },
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities",
        route: |route| route.to(to_parent::post_activity),
        description: description::send_to_conversation,
    },
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities/{activity}",
        route: |route| route.to(to_parent::post_activity),
        description: description::reply_to_activity,
    },
    Operation {
        method: Method::Put,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities/{activity}",
        route: |route| route.to(to_parent::put_activity),
        description: description::update_activity,
    },
    Operation {
        method: Method::Delete,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities/{activity}",
        route: |route| route.to(to_parent::delete_activity),
        description: description::delete_activity,
    },
    Operation {
        method: Method::Get,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/activities/{activity}/members",
        route: |route| route.to(to_parent::pass_on),
        description: || description::of_activity(description::passed_on("GetActivityMembers")),
    },
    Operation {
        method: Method::Get,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/members",
        route: |route| route.to(to_parent::pass_on),
        description: || description::in_conversation(description::passed_on("GetConversationMembers")),
    },
    Operation {
        method: Method::Get,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/members/{member}",
        route: |route| route.to(to_parent::pass_on),
        description: || description::of_member(description::passed_on("GetConversationMember")),
    },
    Operation {
        method: Method::Delete,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/members/{member}",
        route: |route| route.to(to_parent::pass_on),
        description: || description::of_member(description::passed_on("DeleteConversationMember")),
    },
    Operation {
        method: Method::Get,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/pagedmembers",
        route: |route| route.to(to_parent::pass_on),
        description: description::get_paged_members,
    },
    Operation {
        method: Method::Post,
        path: "/api/skills/{skill}/v3/conversations/{conversation}/attachments",
        route: |route| route.to(to_parent::pass_on),
        description: description::upload_attachment,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, host: web::Data<SkillHost>) {
    config.app_data(host);
    DOOR.add_routes(config);
}
