use crate::inbound::SkillPeer;
use crate::observability::{AuditEntry, AuditEvent, Count, Counters};

/// What a skill asked for that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overstep {
    /// A conversation of another skill or of another parent, or a body that names another one than the path.
    Conversation,
    /// The change or the deletion of an activity that the skill was not given.
    Activity,
    /// A token for a resource that is not on the skill's list.
    Uri,
    /// A card for another user than that of the conversation.
    User,
}

impl Overstep {
    const fn detail(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Activity => "activity",
            Self::Uri => "uri",
            Self::User => "user",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Conversation => "the skill named a conversation that no parent opened with it, or two conversations",
            Self::Activity => "the skill named an activity whose id it was not given in the conversation",
            Self::Uri => {
                "the skill's card asks for a resource that skills.*.exchange_uris does not list: add it if the skill may have it"
            }
            Self::User => {
                "the skill's card is for another user than that of the conversation, whose token is exchanged in any case"
            }
        }
    }

    /// Logs the security event.
    pub(super) fn report(self, peer: &SkillPeer, correlation_id: &str) {
        let (event, bot) = (AuditEvent::SkillOverstepped, peer.parent.name.as_str());
        tracing::warn!(
            security = event.is_security(),
            correlation_id,
            bot,
            skill = peer.skill.name.as_str(),
            detail = self.detail(),
            hint = self.hint(),
            "a skill asked for what is not its own"
        );
        AuditEntry::new(event).bot(bot).correlation_id(correlation_id).detail(self.detail()).write();
    }
}

/// Counts and logs a `tokens/response` event of a skill, which is dropped.
pub(super) fn report_forged_tokens_response(peer: &SkillPeer, counters: &Counters, correlation_id: &str) {
    let (event, bot) = (AuditEvent::ForgedTokensResponse, peer.parent.name.as_str());
    counters.add(Count::ForgedTokensResponse);
    tracing::warn!(
        security = event.is_security(),
        correlation_id,
        bot,
        skill = peer.skill.name.as_str(),
        "a tokens/response event from a skill was dropped: only the gateway sends them"
    );
    AuditEntry::new(event).bot(bot).correlation_id(correlation_id).write();
}
