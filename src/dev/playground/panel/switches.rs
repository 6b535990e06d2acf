use std::sync::Arc;
use std::time::Duration;

use crate::dev::bot_slowness::BotSlowness;
use crate::dev::channel::{SentTokens, TokenAlteration};
use crate::dev::faults::{Fault, FaultRule, FaultSwitches};
use crate::dev::tenant::{Consents, Stories, User, UserScenario};

/// How long the gateway may not ask again after a 429, in seconds. It is short, so that all is soon as it was.
const THROTTLED_FOR: u32 = 3;
/// How long a slow bot takes. Direct Line gives up after 15 seconds.
const SLOW_BOT: Duration = Duration::from_secs(20);

/// Something that goes wrong, which is on or off for all users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    IssuerDown,
    Throttled,
    ExpiredToken,
    WrongAudience,
    SlowBot,
}

/// A switch as a person sees it.
pub(super) struct SwitchText {
    pub(super) switch: Switch,
    /// The name for programs.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// What follows while it is on.
    pub(super) follows: &'static str,
}

/// All switches, in the order in which they are shown.
#[rustfmt::skip]
pub(super) const SWITCHES: [SwitchText; 5] = [
    SwitchText { switch: Switch::IssuerDown, name: "issuer_down", label: "Issuer down", follows: "The identity provider answers each exchange 503. bot-sso tries three times and answers 500 temporarily_unavailable: an outage, which is not the user's fault." },
    SwitchText { switch: Switch::Throttled, name: "throttled", label: "429", follows: "The identity provider answers each exchange 429. bot-sso answers 500 temporarily_unavailable, and asks nothing for that user for three seconds." },
    SwitchText { switch: Switch::ExpiredToken, name: "expired_token", label: "Expired token", follows: "The client's token has expired on its way. bot-sso answers 412 assertion_expired without asking the identity provider, and the client shows the card." },
    SwitchText { switch: Switch::WrongAudience, name: "wrong_audience", label: "Wrong audience", follows: "The client's token is for another application. bot-sso answers 400 assertion_rejected:aud: a mistake of the site or of the operator." },
    SwitchText { switch: Switch::SlowBot, name: "slow_bot", label: "Bot slow", follows: "The demo bots wait 20 seconds before they work. bot-sso answers sign-ins in time all the same; what it only passes on ends with the bot's time: 504, and the channel says that the bot failed." },
];

/// A story of a user as a person sees it.
pub(super) struct StoryText {
    pub(super) story: UserScenario,
    pub(super) label: &'static str,
    /// What follows for the user.
    pub(super) follows: &'static str,
}

/// The stories that a user can be given, in the order in which they are shown.
#[rustfmt::skip]
pub(super) const STORIES: [StoryText; 5] = [
    StoryText { story: UserScenario::SignsIn, label: "Signs in", follows: "200: the user is signed in silently, and no card is shown." },
    StoryText { story: UserScenario::LacksConsent, label: "No consent", follows: "412 consent_required: the client shows the card, and the user consents on the sign-in page." },
    StoryText { story: UserScenario::NeedsMfa, label: "Needs MFA", follows: "412 interaction_required: the client shows the card, and the user signs in with a second factor." },
    StoryText { story: UserScenario::Disabled, label: "Disabled", follows: "400 denied: the account is disabled, which no sign-in mends." },
    StoryText { story: UserScenario::Guest, label: "Guest", follows: "200: the tokens say that the user's home is another tenant (idp, acct)." },
];

/// What the switches work on.
pub(in crate::dev) struct SwitchedServices {
    pub(in crate::dev) stories: Arc<Stories>,
    pub(in crate::dev) consents: Arc<Consents>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
    pub(in crate::dev) sent_tokens: Arc<SentTokens>,
    pub(in crate::dev) slowness: Arc<BotSlowness>,
}

/// The switches for what usually goes wrong. They have no state of their own: what is on is what the stage does.
pub(in crate::dev) struct Switches(SwitchedServices);

impl Switches {
    pub(in crate::dev) const fn new(services: SwitchedServices) -> Self {
        Self(services)
    }

    pub(super) fn is_on(&self, switch: Switch) -> bool {
        match switch {
            Switch::IssuerDown | Switch::Throttled => fault(switch).is_some_and(|rule| self.0.faults.has(&rule)),
            Switch::ExpiredToken => self.0.sent_tokens.alteration() == TokenAlteration::Expired,
            Switch::WrongAudience => self.0.sent_tokens.alteration() == TokenAlteration::WrongAudience,
            Switch::SlowBot => self.0.slowness.is_on(),
        }
    }

    /// Turns `switch` on or off. A token cannot be wrong in two ways, nor the issuer: the later switch wins.
    pub(super) fn turn(&self, switch: Switch, on: bool) {
        let alteration = match switch {
            Switch::IssuerDown | Switch::Throttled => {
                for rule in [Switch::IssuerDown, Switch::Throttled].into_iter().filter_map(fault) {
                    self.0.faults.remove(&rule);
                }
                fault(switch).filter(|_| on).into_iter().for_each(|rule| self.0.faults.add(rule));
                return;
            }
            Switch::SlowBot => return self.0.slowness.set(on.then_some(SLOW_BOT)),
            Switch::ExpiredToken => TokenAlteration::Expired,
            Switch::WrongAudience => TokenAlteration::WrongAudience,
        };
        self.0.sent_tokens.alter(if on { alteration } else { TokenAlteration::None });
    }

    /// The story of `user` at present.
    pub(super) fn story(&self, user: &User) -> UserScenario {
        self.0.stories.of(user)
    }

    /// Gives `user` a story, and withdraws all consents that were given before.
    pub(super) fn give_story(&self, user: &User, story: UserScenario) {
        self.0.consents.clear();
        self.0.stories.switch(user, story);
    }

    /// How many faults are on that no switch has set: those of `/dev/faults`.
    pub(super) fn count_other_faults(&self) -> usize {
        let own = [Switch::IssuerDown, Switch::Throttled].into_iter().filter(|switch| self.is_on(*switch)).count();
        self.0.faults.count().saturating_sub(own) + usize::from(self.0.faults.keys_unavailable())
    }

    /// Turns everything off, the faults of `/dev/faults` too, and forgets what users have consented to.
    pub(super) fn reset(&self) {
        for text in &SWITCHES {
            self.turn(text.switch, false);
        }
        self.0.faults.clear();
        self.0.stories.clear();
        self.0.consents.clear();
    }
}

/// The fault at the token endpoint that a switch turns on, if it is one.
fn fault(switch: Switch) -> Option<FaultRule> {
    match switch {
        Switch::IssuerDown => Some(FaultRule::new(Fault::Unavailable { retry_after: None })),
        Switch::Throttled => Some(FaultRule::new(Fault::Throttled { retry_after: Some(THROTTLED_FOR) })),
        Switch::ExpiredToken | Switch::WrongAudience | Switch::SlowBot => None,
    }
}
