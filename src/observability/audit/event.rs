/// The events of the audit stream. The names are a contract with the programs that read the stream: a name never
/// changes, and a new event is a new variant (docs/operating.md §Audit stream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditEvent {
    /// A browser sign-in gave a token.
    SignedIn,
    /// A silent exchange gave a token.
    TokenExchanged,
    /// A token for another resource was obtained for a signed-in user.
    ResourceTokenExchanged,
    /// An account was signed out.
    SignedOut,
    /// A person was signed out everywhere.
    SignedOutEverywhere,
    /// A person's sign-out everywhere is incomplete, because the store failed.
    SignOutNotStored,
    /// An account was pinned to a person.
    AccountPinned,
    /// An exchange was refused because the token's user is not the account's user.
    IdentityMismatch,
    /// A code was withheld from a person who is not the chat's user.
    CodeWithheld,
    /// An account tried the last wrong code that it is allowed to try.
    WrongCodesExhausted,
    /// Two accounts with one user id spoke at the same time, so no token was given.
    TwoAccountsSpoke,
    /// A caller sent an event that only the gateway sends.
    ForgedTokensResponse,
    /// A skill asked for what is not its own.
    SkillOverstepped,
    /// A caller told of an agent's life, which only the Agent 365 platform may.
    ForgedAgentLifecycle,
    /// A user's token was presented as a caller's.
    UserTokenAsCaller,
    /// A call of the operator's listener had a wrong bearer or none.
    OperatorCallRefused,
    /// A client has presented so many wrong bearers that its further wrong ones are answered 429.
    OperatorGuessesLimited,
    /// A request named a host under which the listener does not answer.
    HostNotAllowed,
    /// A service token was presented at another app than its own.
    ServiceTokenMisused,
    /// An app read a user's token with its service token.
    TokenReadByApp,
    /// The operator linked a user id of an app to a person.
    AppUserLinked,
    /// The operator removed a user id of an app.
    AppUserUnlinked,
    /// SIGHUP has replaced something.
    Reloaded,
    /// The process serves.
    Started,
    /// The process ends.
    Stopped,
}

impl AuditEvent {
    /// Every event with its description, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 25] = [
        (Self::SignedIn, "A browser sign-in gave a token, by its code or (`detail` `verified`) without one."),
        (Self::TokenExchanged, "A silent exchange gave a token, which is kept."),
        (Self::ResourceTokenExchanged, "A token for another resource (`detail`) was obtained for a signed-in person."),
        (Self::SignedOut, "An account was signed out of a connection, or of all; one line for each token that ended."),
        (Self::SignedOutEverywhere, "The operator signed a person out everywhere; `count` tokens ended."),
        (Self::SignOutNotStored, "A sign-out everywhere is incomplete, because the store failed: call again."),
        (Self::AccountPinned, "A channel's account now belongs to this person until a sign-out."),
        (Self::IdentityMismatch, "A token was refused: its person is not the account's. `detail` names the check."),
        (Self::CodeWithheld, "A person signed in for a chat that is another person's, and got no token."),
        (Self::WrongCodesExhausted, "Five wrong codes were tried for this person's sign-in within ten minutes."),
        (Self::TwoAccountsSpoke, "Two accounts of one user id spoke within 15 minutes: no token was given."),
        (Self::ForgedTokensResponse, "A caller sent a `tokens/response` event, which was dropped."),
        (
            Self::SkillOverstepped,
            "A skill asked for what is not its own: another `conversation`, `activity`, `uri` or `user` (`detail`).",
        ),
        (
            Self::ForgedAgentLifecycle,
            "A caller other than the Agent 365 platform sent an `agentLifecycle` event, which was dropped.",
        ),
        (Self::UserTokenAsCaller, "A user's token was presented as a caller's: it may be stolen."),
        (Self::OperatorCallRefused, "A call of the operator's listener had no bearer or a wrong one."),
        (
            Self::OperatorGuessesLimited,
            "Too many wrong bearers of one client at the operator's listener: its further wrong ones are answered 429.",
        ),
        (
            Self::HostNotAllowed,
            "Requests (`count`, in a minute or longer) named a host under which the listener `detail` does not answer.",
        ),
        (Self::ServiceTokenMisused, "A service token was presented at another app than its own: it may be stolen."),
        (
            Self::TokenReadByApp,
            "An app read the `access_token` or the `id_token` (`detail`) of a person with its service token.",
        ),
        (Self::AppUserLinked, "The operator linked a user id of an app to a person."),
        (
            Self::AppUserUnlinked,
            "The operator removed the link of a user id of an app, and with it the person's token there.",
        ),
        (Self::Reloaded, "SIGHUP has replaced what `detail` names."),
        (Self::Started, "The process serves."),
        (Self::Stopped, "The process ends."),
    ];

    /// The name in the stream.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::TokenExchanged => "token_exchanged",
            Self::ResourceTokenExchanged => "resource_token_exchanged",
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::SignOutNotStored => "sign_out_not_stored",
            Self::AccountPinned => "account_pinned",
            Self::IdentityMismatch => "identity_mismatch",
            Self::CodeWithheld => "code_withheld",
            Self::WrongCodesExhausted => "wrong_codes_exhausted",
            Self::TwoAccountsSpoke => "two_accounts_spoke",
            Self::ForgedTokensResponse => "forged_tokens_response",
            Self::SkillOverstepped => "skill_overstepped",
            Self::ForgedAgentLifecycle => "forged_agent_lifecycle",
            Self::UserTokenAsCaller => "user_token_as_caller",
            Self::OperatorCallRefused => "operator_call_refused",
            Self::OperatorGuessesLimited => "operator_guesses_limited",
            Self::HostNotAllowed => "host_not_allowed",
            Self::ServiceTokenMisused => "service_token_misused",
            Self::TokenReadByApp => "token_read_by_app",
            Self::AppUserLinked => "app_user_linked",
            Self::AppUserUnlinked => "app_user_unlinked",
            Self::Reloaded => "reloaded",
            Self::Started => "started",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the event may be an attack, or an abuse of the operator's bearer. Other events say what was done to a person
    /// or to the process. The log line of an event has the same flag.
    #[must_use]
    pub const fn is_security(self) -> bool {
        matches!(
            self,
            Self::SignedOutEverywhere
                | Self::SignOutNotStored
                | Self::IdentityMismatch
                | Self::CodeWithheld
                | Self::WrongCodesExhausted
                | Self::TwoAccountsSpoke
                | Self::ForgedTokensResponse
                | Self::SkillOverstepped
                | Self::ForgedAgentLifecycle
                | Self::UserTokenAsCaller
                | Self::OperatorCallRefused
                | Self::OperatorGuessesLimited
                | Self::HostNotAllowed
                | Self::ServiceTokenMisused
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::AuditEvent;
    use crate::observability::audit::AuditEntry;

    #[test]
    fn the_guide_has_a_row_for_each_event_and_field_and_no_other() {
        let guide = include_str!("../../../docs/operating.md");
        let (_, guide) = guide.split_once("\n## Audit stream\n").unwrap_or_default();
        let written: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `")).collect();
        let event = |(event, text): &(AuditEvent, &str)| {
            format!("| `{}` | {} | {text} |", event.name(), if event.is_security() { "yes" } else { "no" })
        };
        let (events, fields) = written.split_at(AuditEvent::ALL.len());
        assert_eq!(events, AuditEvent::ALL.iter().map(event).collect::<Vec<_>>());
        assert_eq!(fields.len(), AuditEntry::FIELDS.len());
        for (line, field) in fields.iter().zip(AuditEntry::FIELDS) {
            assert!(line.starts_with(&format!("| `{field}` | ")), "{line}");
        }
    }

    #[test]
    fn every_event_is_listed_once_and_has_a_name_of_its_own() {
        let names: HashSet<&str> = AuditEvent::ALL.iter().map(|(event, _)| event.name()).collect();
        assert_eq!(names.len(), AuditEvent::ALL.len());
        for (position, (event, _)) in AuditEvent::ALL.iter().enumerate() {
            assert_eq!(*event as usize, position, "{event:?}");
        }
        assert_eq!(AuditEvent::Stopped as usize + 1, AuditEvent::ALL.len());
    }
}
