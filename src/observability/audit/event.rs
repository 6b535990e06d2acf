/// Declares the events, in the order of the documentation: the name in the stream, whether the event is one of security,
/// and the description.
macro_rules! declare {
    ($($event:ident $name:literal $is_security:literal $text:literal;)*) => {
        /// The events of the audit stream. The names are a contract with the programs that read the stream: a name never
        /// changes, and a new event is a new variant (docs/operating.md §Audit stream).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditEvent {
            $(#[doc = $text] $event,)*
        }

        impl AuditEvent {
            /// Every event with its description, in the order of the documentation.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$event, $text)),*];

            /// The name in the stream.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)*
                }
            }

            /// Whether the event may be an attack, or an abuse of the operator's bearer. Other events say what was done
            /// to a person or to the process. The log line of an event has the same flag.
            #[must_use]
            pub const fn is_security(self) -> bool {
                match self {
                    $(Self::$event => $is_security,)*
                }
            }
        }
    };
}

declare! {
    SignedIn "signed_in" false
        "A browser sign-in gave a token, by its code or (`detail` `verified`) without one.";
    TokenExchanged "token_exchanged" false
        "A silent exchange gave a token, which is kept.";
    ResourceTokenExchanged "resource_token_exchanged" false
        "A token for another resource (`detail`) was obtained for a signed-in person.";
    SignedOut "signed_out" false
        "An account was signed out of a connection, or of all; one line for each token that ended.";
    SignedOutEverywhere "signed_out_everywhere" true
        "A person was signed out everywhere, `detail` says at whose word; `count` tokens ended, and `ended`.";
    SignOutNotStored "sign_out_not_stored" true
        "A sign-out everywhere is incomplete, because the store failed: call again. `unreached` names what may be left.";
    ProviderLogoutRefused "provider_logout_refused" true
        "A logout token of an identity provider was refused; `detail` names the check.";
    PersonExported "person_exported" true
        "The operator exported what is kept under a user key; `count` records, `detail` says with which bearer.";
    PersonListed "person_listed" true
        "The operator listed the tokens, sessions, pins and offers of a person; `detail` says with which bearer.";
    PersonTokenEnded "person_token_ended" true
        "The operator ended one token of a person.";
    PinForgotten "pin_forgotten" true
        "The operator let an account belong to no person any more, and signed it out.";
    OfferEnded "offer_ended" true
        "The operator ended a sign-in offer to a person's account.";
    PersonErased "person_erased" true
        "The operator erased what is kept under a user key; `count` records ended or were removed, `ended` names those that were removed after the sign-out.";
    AccountPinned "account_pinned" false
        "A channel's account now belongs to this person until a sign-out.";
    IdentityMismatch "identity_mismatch" true
        "A token was refused: its person is not the account's. `detail` names the check.";
    CodeWithheld "code_withheld" true
        "A person signed in for a chat that is another person's, and got no token.";
    WrongCodesExhausted "wrong_codes_exhausted" true
        "Five wrong codes were tried for this person's sign-in within ten minutes.";
    TwoAccountsSpoke "two_accounts_spoke" true
        "Two accounts of one user id spoke within 15 minutes: no token was given.";
    ForgedTokensResponse "forged_tokens_response" true
        "A caller sent a `tokens/response` event, which was dropped.";
    SkillOverstepped "skill_overstepped" true
        "A skill asked for what is not its own: another `conversation`, `activity`, `uri` or `user` (`detail`).";
    ForgedAgentLifecycle "forged_agent_lifecycle" true
        "A caller other than the Agent 365 platform sent an `agentLifecycle` event, which was dropped.";
    UserTokenAsCaller "user_token_as_caller" true
        "A user's token was presented as a caller's: it may be stolen.";
    OperatorCallRefused "operator_call_refused" true
        "A call of the operator's listener had no bearer, a wrong one, or one that may only read and asked for a change (`detail` `read_only_token`).";
    OperatorGuessesLimited "operator_guesses_limited" true
        "Too many wrong bearers of one client at the operator's listener: its further wrong ones are answered 429.";
    HostNotAllowed "host_not_allowed" true
        "Requests (`count`, in a minute or longer) named a host under which the listener `detail` does not answer.";
    ServiceTokenMisused "service_token_misused" true
        "A service token was presented at another app than its own: it may be stolen.";
    TokenReadByApp "token_read_by_app" false
        "An app read the `access_token` or the `id_token` (`detail`) of a person with its service token.";
    AppUserLinked "app_user_linked" false
        "The operator linked a user id of an app to a person.";
    AppUserUnlinked "app_user_unlinked" false
        "The operator removed the link of a user id of an app, and with it the person's token there.";
    DirectorySignedIn "directory_signed_in" false
        "A user of a directory signed in with the password, on the page or (`detail` `password_grant`) by an application; App ID's `appid.user.authenticate`, success.";
    DirectorySignedInByProvider "directory_signed_in_by_provider" false
        "A user of a directory signed in at another identity provider, which `detail` names; `appid.user.authenticate`, success.";
    DirectorySignInRefused "directory_sign_in_refused" false
        "A sign-in at a directory was refused, `detail` says why, `user` whose it was if there is such a user; \
         `appid.user.authenticate`, failure.";
    DirectorySignInsLimited "directory_sign_ins_limited" true
        "Too many sign-ins of one user or one address (`detail`) were refused within a minute: more are answered 429.";
    DirectoryUserLocked "directory_user_locked" true
        "Wrong passwords have locked a user of a directory.";
    DirectorySignedOut "directory_signed_out" false
        "A user of a directory signed out in one browser, or (`detail` `application`) of an application, which said so; `account_page`: the user ended the session of another browser; `appid.cloud-dir-user.set-off`.";
    DirectorySessionsEnded "directory_sessions_ended" false
        "All sessions of a user of a directory ended, `detail` says why; `appid.cloud-directory-user-sso.set-off`.";
    DirectoryGrantsRevoked "directory_grants_revoked" false
        "All refresh tokens of a user of a directory were revoked, or (`detail` `application`) an application revoked its own \
         grant; `account_page`: the user ended an application's access; `appid.user-tokens.revoke`.";
    DirectoryLogoutNoticeFailed "directory_logout_notice_failed" false
        "An application was not told of a sign-out: it did not take the notice (`detail`) at the last try.";
    DirectoryRefreshTokenReused "directory_refresh_token_reused" true
        "A replaced refresh token was presented again, so its grant has ended: it may be stolen.";
    DirectoryCodeReplayed "directory_code_replayed" true
        "A used authorization code was presented again, so its grant has ended: it may be stolen.";
    DirectorySsoRead "directory_sso_read" false
        "An administrator read the single sign-on settings of a directory; `appid.sso.read`.";
    DirectorySsoUpdated "directory_sso_updated" false
        "An administrator or the operator changed the single sign-on settings of a directory; `appid.sso.update`.";
    DirectorySettingsUpdated "directory_settings_updated" false
        "The settings that `detail` names were changed; `appid.<settings>.update`.";
    DirectoryApplicationCreated "directory_application_created" false
        "An application of a directory was created; `appid.applications.create`.";
    DirectoryApplicationUpdated "directory_application_updated" false
        "An application of a directory was changed; `appid.application.update`.";
    DirectoryApplicationDeleted "directory_application_deleted" false
        "An application of a directory was deleted.";
    DirectoryUserCreated "directory_user_created" false
        "A user of a directory was created.";
    DirectoryUserUpdated "directory_user_updated" false
        "A user of a directory was changed; `appid.cloud-directory-user.update`.";
    DirectoryUserDisabled "directory_user_disabled" false
        "A user of a directory was made inactive: the user's sessions and grants have ended.";
    DirectoryUserDeleted "directory_user_deleted" false
        "A user of a directory was deleted; `appid.cloud-directory-user.delete`.";
    DirectoryPasswordSet "directory_password_set" false
        "An administrator set a user's password; `appid.cloud-dir-user-credentials.renew`.";
    DirectoryIdentityLinked "directory_identity_linked" false
        "A user of a directory, or an administrator, linked the user to a person at another identity provider (`detail`).";
    DirectoryIdentityUnlinked "directory_identity_unlinked" false
        "A user of a directory, or an administrator, took a person at another identity provider (`detail`) from the user.";
    DirectorySignedUp "directory_signed_up" false
        "A stranger signed up at a directory and is a user now.";
    DirectorySignUpRefused "directory_sign_up_refused" false
        "A sign-up named what another user has: `address` (`user` has it) or `user_name` (`detail`).";
    DirectoryAddressConfirmed "directory_address_confirmed" false
        "A user of a directory confirmed the e-mail address by a link.";
    DirectoryPasswordResetAsked "directory_password_reset_asked" false
        "Somebody asked for a link for a new password, `user` whose if there is such a user, or (`detail` `link_used`) used it for the operator's own page.";
    DirectoryPasswordReset "directory_password_reset" false
        "A user of a directory set a new password by a link; `appid.cloud-dir-user-credentials.renew`.";
    DirectoryPasswordChanged "directory_password_changed" false
        "A user of a directory who knew the password changed it; `appid.cloud-dir-user-credentials.update`.";
    DirectoryDetailsChanged "directory_details_changed" false
        "A user of a directory changed the own names.";
    DirectoryLinkRefused "directory_link_refused" false
        "A link of a message was refused: it was used, has ended, or was never drawn. Of each client the first one within a minute, and every hundredth.";
    DirectoryMessageSent "directory_message_sent" false
        "An administrator let a message (`detail`) be sent to a user of a directory.";
    DirectoryAdministratorRefused "directory_administrator_refused" true
        "A call of the management API of a directory had no bearer, a wrong one, or that of a role that may not do it.";
    DirectoryAdministratorTokenIssued "directory_administrator_token_issued" false
        "An administrator of a directory got a token for an API key.";
    DirectoryKeyRotated "directory_key_rotated" false
        "The signing key of a directory was replaced because of its age.";
    Reloaded "reloaded" false
        "A reload has replaced what `detail` names (`key_ring`, `client_credentials` …), or has applied the difference that it names.";
    Started "started" false
        "The process serves.";
    Stopped "stopped" false
        "The process ends.";
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
