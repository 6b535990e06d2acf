//! The list of all kinds of records: the purpose of each kind, the room that uses it, and its lifetime. The store
//! contains no other records.

use std::time::Duration;

use super::Lifetime::{Fixed, SetByWriter, UntilReplaced};
use super::{Kind, MacPurpose};

/// How long a user can answer a card, and how long a client may repeat its answer (docs/architecture.md §Dedup).
pub const CARD_LIFETIME: Duration = Duration::from_mins(15);
/// How long cards offer no silent sign-in after a client has reported that it failed
/// (docs/architecture.md §Life of a silent sign-in).
pub const CLIENT_FAILURE_LIFETIME: Duration = Duration::from_mins(15);
/// How long events about an agent user may arrive in another order. A deleted user can be restored for as long.
pub const AGENT_EVENT_WINDOW: Duration = Duration::from_hours(30 * 24);
/// How long a channel's statement of a user's identity serves the bot's `exchange` without a card
/// (docs/protocols/sign-in-invokes.md §6).
pub const CHANNEL_STATEMENT_LIFETIME: Duration = Duration::from_hours(1);
/// How long a wrong magic code counts towards the limit of the account.
pub const CODE_TRIES_WINDOW: Duration = Duration::from_mins(10);

/// How long a skill conversation, and what was given to its skill, is kept after its last use (docs/skills.md).
pub const SKILL_CONVERSATION_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// How long a user token of an app is valid (docs/service-role.md §The app's user token).
pub const APP_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// How long a token is valid that an administrator of a directory gets for an API key (docs/directory.md §The management API).
pub const ADMINISTRATOR_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// How long a link in a message to a user of a directory can be used (docs/directory.md §Self-service).
pub const SELF_SERVICE_LINK_LIFETIME: Duration = Duration::from_hours(1);
/// How long it is kept whose session at an identity provider was shown by an ID token. No refresh token is kept longer.
pub const PROVIDER_SESSION_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// How long a code that gives such a token can be redeemed.
pub const APP_CODE_LIFETIME: Duration = Duration::from_mins(2);

/// The token of one slot. It expires with the token, or 90 days after it was obtained if it has a refresh token. In a shared
/// store it also says that the slot was signed out, for an hour.
pub const TOKEN: Kind = Kind::new("vault.token", "vault", SetByWriter).version(2).listed_by("vault.user").bound();
/// The person that an account belongs to, set by the first successful sign-in. It ends when the account or the person
/// is signed out.
pub const PIN: Kind = Kind::new("vault.pin", "vault", UntilReplaced).listed_by("vault.pins");
/// The number of times that a user was signed out everywhere. It never expires, so that no token of an earlier epoch
/// becomes valid again.
pub const EPOCH: Kind = Kind::new("vault.epoch", "vault", UntilReplaced);
/// The number of sign-outs everywhere over a shared store. It never expires.
pub const SIGN_OUTS: Kind = Kind::new("vault.sign_outs", "vault", UntilReplaced);

/// A pending sign-in. It expires 15 minutes after the card was offered, or 30 minutes if a browser has followed the
/// card's link.
pub const CARD: Kind = Kind::new("pending.card", "cards", SetByWriter).listed_by("pending.account");

/// The silent sign-ins of an account that clients have reported as failed. It expires 15 minutes after the last report.
pub const CLIENT_FAILURES: Kind = Kind::new("pending.client_failures", "cards", SetByWriter);

/// The Entra identity that a channel has stated for an account. It expires an hour after it was written, and ends when the
/// account or the person is signed out.
pub const CHANNEL_STATEMENT: Kind =
    Kind::new("exchange.channel_statement", "exchange", Fixed(CHANNEL_STATEMENT_LIFETIME))
        .listed_by("exchange.channel_statement.person");

/// What replicas know of an exchange that one of them makes: that it continues the bot's dialog, or how it has settled the
/// exchange. It is written over a shared store only, and expires 15 minutes after it was last written.
pub const EXCHANGE_STATE: Kind = Kind::new("exchange.state", "exchange", Fixed(CARD_LIFETIME));

/// The claims that a resource requires of the next token of a slot. It is removed when such a token is obtained, and
/// expires after an hour.
pub const CLAIMS_CHALLENGE: Kind =
    Kind::new("pending.claims", "exchange", Fixed(Duration::from_hours(1))).listed_by("pending.claims.user");
/// What the next interactive sign-in for a slot must ask the user for (consent, claims, another account), as earlier
/// sign-ins have shown. It expires 15 minutes after it was last written.
pub const SIGN_IN_NEED: Kind = Kind::new("pending.need", "exchange", Fixed(CARD_LIFETIME));

/// Which accounts, the channel's and parent bots', spoke under a user id of a bot that keeps parents apart, the last one
/// first. It expires 92 days after it was last written, which the bot's use of it repeats daily: no token outlives it.
pub const SPEAKERS: Kind = Kind::new("exchange.speakers", "exchange", Fixed(Duration::from_hours(92 * 24)));

/// That a record of a bot may say that a parent spoke. It expires 94 days after it was last written, later than every such
/// record: it is written before the first of them and repeated daily.
pub const BOT_WITH_PARENTS: Kind =
    Kind::new("exchange.bot_with_parents", "exchange", Fixed(Duration::from_hours(94 * 24)));

/// A browser that was sent to the identity provider. It is removed when the browser's user is identified, and expires
/// after 15 minutes.
pub const BROWSER_AT_PROVIDER: Kind = Kind::new("pending.browser.at_provider", "sign_in", Fixed(CARD_LIFETIME));
/// A browser whose user has signed in and must confirm, together with the obtained token. It is removed by the answer,
/// and expires after 15 minutes.
pub const BROWSER_IDENTIFIED: Kind = Kind::new("pending.browser.identified", "sign_in", Fixed(CARD_LIFETIME));
/// How the sign-in of a browser ended, which its last page shows again. It holds neither a token nor a code, and expires
/// after 15 minutes.
pub const BROWSER_COMPLETED: Kind = Kind::new("pending.browser.completed", "sign_in", Fixed(CARD_LIFETIME));
/// Why a code that a browser brought back was refused, for a browser that returns with it to another replica. It expires after 15
/// minutes.
pub const REFUSED_CODE: Kind = Kind::new("sign_in.refused_code", "sign_in", Fixed(CARD_LIFETIME));
/// The tokens of a code whose user could not be identified yet because of an outage, for a browser that returns to another replica.
/// It is removed when the user is identified or signed out, and expires after 15 minutes.
pub const HELD_CODE: Kind =
    Kind::new("sign_in.held_code", "sign_in", Fixed(CARD_LIFETIME)).listed_by("sign_in.held_codes");
/// A browser that was sent to the identity provider by the page of an add-in or an app. It is removed when the sign-in is
/// complete, and expires after 15 minutes.
pub const PAGE_AT_PROVIDER: Kind = Kind::new("pending.page.at_provider", "sign_in", Fixed(CARD_LIFETIME));
/// How a sign-in that the page of an add-in or an app began has ended, for a browser that repeats its return. It holds no
/// token, and expires after 15 minutes.
pub const PAGE_COMPLETED: Kind = Kind::new("pending.page.completed", "sign_in", Fixed(CARD_LIFETIME));
/// A browser that the sign-in page of a directory has sent to another identity provider. It is removed when the browser's user is
/// identified, and expires after 15 minutes.
pub const DIRECTORY_AT_PROVIDER: Kind = Kind::new("pending.directory.at_provider", "sign_in", Fixed(CARD_LIFETIME));
/// Who a browser's user at another identity provider is, for a browser that repeats its return. It expires after 15 minutes.
pub const DIRECTORY_IDENTIFIED: Kind = Kind::new("pending.directory.identified", "sign_in", Fixed(CARD_LIFETIME));
/// The person whose session at an identity provider has an id (`sid` of the ID token). It expires 90 days after the sign-in.
pub const PROVIDER_SESSION: Kind = Kind::new("sign_in.provider_session", "sign_in", Fixed(PROVIDER_SESSION_LIFETIME))
    .listed_by("sign_in.provider_sessions");
/// A token that a magic code redeems; each slot has at most one. It is removed when the code is redeemed, and expires
/// after ten minutes or with the token. The mark of a redeemed code is a part of the token's own record.
pub const MAGIC_CODE: Kind = Kind::new("magic_code.slot", "sign_in", SetByWriter);
/// The times at which an account sent wrong magic codes. It expires ten minutes after the last one.
pub const CODE_TRIES: Kind = Kind::new("magic_code.tries", "sign_in", Fixed(CODE_TRIES_WINDOW));

/// The `tokens/response` event of one exchange has been sent to the bot, or is being sent. It expires after 15 minutes,
/// when clients no longer repeat the exchange.
pub const CONTINUATION: Kind = Kind::new("pending.continuation", "bot_connector", Fixed(CARD_LIFETIME));

/// A bot was told of a client's failed silent sign-in, or is being told. It is written over a shared store only, and expires
/// after 15 minutes, when channels no longer repeat the report.
pub const REPORTED_FAILURE: Kind =
    Kind::new("bot_connector.reported_failure", "bot_connector", Fixed(CLIENT_FAILURE_LIFETIME));

/// A conversation of a parent bot with a skill: whose it is, and where the parent's side of it is. It expires seven days
/// after the last activity of the parent or invoke of the user in it.
pub const SKILL_CONVERSATION: Kind =
    Kind::new("bot_connector.skill_conversation", "bot_connector", Fixed(SKILL_CONVERSATION_LIFETIME))
        .listed_by("bot_connector.skill_conversation.user");
/// The id that the skill knows a parent's conversation by. It expires with the conversation.
pub const SKILL_CONVERSATION_NAME: Kind =
    Kind::new("bot_connector.skill_conversation.name", "bot_connector", Fixed(SKILL_CONVERSATION_LIFETIME));
/// The ids of the newest activities that a skill was given in a conversation: it may change and delete them. The record
/// expires seven days after the last id was given.
pub const SKILL_ACTIVITIES: Kind =
    Kind::new("bot_connector.skill_activities", "bot_connector", Fixed(SKILL_CONVERSATION_LIFETIME));
/// A card of a skill that bot-sso has tried to answer, and the id that the skill got for it if that succeeded. It expires
/// 15 minutes after it was last written.
pub const SKILL_CARD: Kind = Kind::new("bot_connector.skill_card", "bot_connector", Fixed(CARD_LIFETIME));

/// The latest version of an agent user's state of which a bot was told. It expires 30 days after it was last written.
pub const AGENT_USER_VERSION: Kind = Kind::new("sign_out.agent_user", "sign_out", Fixed(AGENT_EVENT_WINDOW));
/// The accounts of a person whose erasure has begun, in a shared store. It is removed when the erasure is complete, and expires
/// 30 days after the erasure was last begun.
pub const UNFINISHED_ERASURE: Kind =
    Kind::new("sign_out.unfinished_erasure", "sign_out", Fixed(Duration::from_hours(30 * 24)));

/// The person that a user id of an app is linked to. It does not expire: the operator removes it.
pub const APP_USER: Kind = Kind::new("accounts.app_user", "accounts", UntilReplaced).listed_by("accounts.app");
/// The user ids of one app that a person may be linked to, and whether the person has signed in there. It ends with the last
/// of the ids.
pub const APP_PERSON: Kind = Kind::new("accounts.app_person", "accounts", UntilReplaced).listed_by("accounts.person");

/// A user token of an app, by its keyed MAC. It expires an hour after it was issued.
pub const APP_TOKEN: Kind = Kind::new("token_issuer.app_token", "token_issuer", Fixed(APP_TOKEN_LIFETIME));
/// A code that gives such a token, by its keyed MAC. It is removed when it is redeemed, and expires after two minutes.
pub const APP_CODE: Kind = Kind::new("token_issuer.app_code", "token_issuer", Fixed(APP_CODE_LIFETIME));
/// The number of times that a person was signed out: everywhere, or at one app. It never expires, so that no token of before
/// a sign-out becomes valid again.
pub const APP_EPOCH: Kind = Kind::new("token_issuer.app_epoch", "token_issuer", UntilReplaced);

/// The settings of a directory, with its applications. They do not expire.
pub const DIRECTORY_SETTINGS: Kind = Kind::new("accounts.directory_settings", "accounts", UntilReplaced);
/// A user of a directory, with the hash of the password. It ends when an administrator deletes the user.
pub const DIRECTORY_USER: Kind =
    Kind::new("accounts.directory_user", "accounts", UntilReplaced).listed_by("accounts.directory_users");
/// The id of the user who has a user name or an e-mail address. It ends with the user, or when the user gets another one.
pub const DIRECTORY_LOGIN: Kind = Kind::new("accounts.directory_login", "accounts", UntilReplaced);

/// The id of the user whom a person at another identity provider is. It ends with the user, or when the user gives the identity up.
pub const DIRECTORY_IDENTITY: Kind = Kind::new("accounts.directory_identity", "accounts", UntilReplaced);
/// A link of a message to a user, by its keyed MAC. It is removed when it is used, and expires after an hour.
pub const SELF_SERVICE_LINK: Kind =
    Kind::new("accounts.self_service_link", "accounts", Fixed(SELF_SERVICE_LINK_LIFETIME));
/// What a used link has shown, for the application that asks for it with its `context`. It expires after an hour.
pub const SELF_SERVICE_CONTEXT: Kind =
    Kind::new("accounts.self_service_context", "accounts", Fixed(SELF_SERVICE_LINK_LIFETIME));

/// What a form of self-service has led to, for a browser that sends the form again. It names the user, or the address where
/// a link leads on, and expires after two minutes.
pub const FORM_OUTCOME: Kind = Kind::new("accounts.form_outcome", "accounts", Fixed(Duration::from_mins(2)));

/// The keys of a directory. They do not expire: old ones are dropped when their tokens have ended.
pub const DIRECTORY_KEYS: Kind = Kind::new("token_issuer.directory_keys", "token_issuer", UntilReplaced);
/// An authorization code of a directory, by its keyed MAC. It can be used for a minute; that it was used is kept for a day.
pub const DIRECTORY_CODE: Kind =
    Kind::new("token_issuer.directory_code", "token_issuer", SetByWriter).listed_by("token_issuer.directory_codes");
/// What a user has granted to an application of a directory, with the seed of its refresh tokens. It ends with the newest token; that
/// it was ended earlier is kept for ten minutes.
pub const DIRECTORY_GRANT: Kind =
    Kind::new("token_issuer.directory_grant", "token_issuer", SetByWriter).listed_by("token_issuer.directory_grants");
/// A token that an administrator of a directory got for an API key, by its keyed MAC. It expires an hour after it was issued.
pub const ADMINISTRATOR_TOKEN: Kind =
    Kind::new("token_issuer.administrator_token", "token_issuer", Fixed(ADMINISTRATOR_TOKEN_LIFETIME));

/// A sign-on session of a browser. It expires a week after its last use, or at its absolute end; the present setting decides
/// whether it is still good.
pub const SSO_SESSION: Kind = Kind::new("sessions.session", "sessions", SetByWriter).listed_by("sessions.user");

/// The use of a logout token of an identity provider. It expires when the token would.
pub const LOGOUT_TOKEN: Kind = Kind::new("sign_out.logout_token", "sign_out", SetByWriter);

/// The use of a JWT by which a client authenticates. It expires when the JWT would.
pub const CLIENT_ASSERTION: Kind = Kind::new("inbound.client_assertion", "inbound", SetByWriter);
/// Whose token was given to a back end, found by the token. It expires with the token.
pub const GIVEN_TOKEN: Kind =
    Kind::new("exchange.given_token", "exchange", SetByWriter).listed_by("exchange.given_tokens");

/// The key of an exchange. The id of the `tokens/response` event is derived from it.
pub const EXCHANGE_NAME: MacPurpose = MacPurpose::new("exchange", "exchange");
/// The id of a card, which is derived from the secret of its link.
pub const CARD_ID: MacPurpose = MacPurpose::new("pending.link", "cards");
/// The stored digest of the secret in the browser's cookie.
pub const BROWSER_SECRET: MacPurpose = MacPurpose::new("pending.browser", "sign_in");
/// The handle of the step that follows a browser's return, which is derived from the handle of the step before.
pub const NEXT_STEP: MacPurpose = MacPurpose::new("pending.browser.next", "sign_in");
/// The name of a browser's step, for work at it and for what came of it.
pub const STEP_NAME: MacPurpose = MacPurpose::new("pending.browser.step", "sign_in");
/// The lease of a browser's step: one replica works at it at a time.
pub const STEP_LEASE: MacPurpose = MacPurpose::new("sign_in.step", "sign_in");
/// The number of answers that all replicas have given to one completed sign-in of an app's user.
pub const PAGE_ANSWERS: MacPurpose = MacPurpose::new("sign_in.page_answers", "sign_in");
/// The lease of a magic code that is being redeemed.
pub const CODE_LEASE: MacPurpose = MacPurpose::new("sign_in.code", "sign_in");
/// The stored digest of a magic code.
pub const MAGIC_CODE_DIGITS: MacPurpose = MacPurpose::new("magic_code.code", "sign_in");
/// The digits of a magic code, which are derived from the browser's secret and its step.
pub const MAGIC_CODE_CHOICE: MacPurpose = MacPurpose::new("magic_code.choice", "sign_in");
/// The proof in the refresh tokens of a directory.
pub const REFRESH_TOKEN: MacPurpose = MacPurpose::new("token_issuer.refresh_token", "token_issuer");
/// The lease of a skill's card that is being answered.
pub const SKILL_CARD_ATTEMPT: MacPurpose = MacPurpose::new("bot_connector.skill_card.attempt", "bot_connector");
/// The names of what bots work on at the moment, by which replicas ask each other for it.
pub const REPLICA_WORK: MacPurpose = MacPurpose::new("bot_connector.work", "bot_connector");
/// The names of what an identity provider has blocked, by which replicas tell each other of it.
pub const PROVIDER_BLOCK: MacPurpose = MacPurpose::new("identity_provider.block", "identity_provider");
/// The counts of the requests of configured callers.
pub const CALLER_RATE: MacPurpose = MacPurpose::new("inbound.caller_rate", "inbound");
/// The counts of what users and clients do at the doors.
pub const DOOR_RATE: MacPurpose = MacPurpose::new("inbound.door_rate", "inbound");
/// The counts of wrong credentials and wrong bearers of client networks.
pub const WRONG_CREDENTIALS: MacPurpose = MacPurpose::new("inbound.wrong_credentials", "inbound");
/// The count of a user's work, or of a browser's, in one minute.
pub const USER_RATE: MacPurpose = MacPurpose::new("rate.user", "exchange");
/// The lease of a slot's refresh token: one replica at a time redeems it.
pub const REFRESH_TURN: MacPurpose = MacPurpose::new("lease.refresh", "exchange");
/// The lease of a token for another resource that is being obtained.
pub const RESOURCE_TURN: MacPurpose = MacPurpose::new("lease.resource", "exchange");
/// The lease of an exchange of a back end's token that is under way.
pub const ASSERTION_TURN: MacPurpose = MacPurpose::new("lease.assertion", "exchange");
/// The digest of what a channel has stated, by which replicas tell each other of it.
pub const CHANNEL_STATEMENT_DIGEST: MacPurpose = MacPurpose::new("exchange.channel_statement.digest", "exchange");
/// The name by which replicas tell each other which parent sent the last activity under a user id.
pub const LAST_SENDER: MacPurpose = MacPurpose::new("exchange.last_sender", "exchange");
/// The lease of a directory's settings that are being changed.
pub const SETTINGS_CHANGE: MacPurpose = MacPurpose::new("lease.directory_settings", "accounts");
/// The lease of a directory's users, of whom some are being created, changed or deleted.
pub const DIRECTORY_USERS_CHANGE: MacPurpose = MacPurpose::new("lease.directory_users", "accounts");
/// The name by which replicas tell each other that a user of a directory was created, changed or deleted.
pub const DIRECTORY_USERS_CHANGED: MacPurpose = MacPurpose::new("accounts.directory_users_changed", "accounts");
/// The count of refused sign-ins of a login, a user or an address in a minute.
pub const REFUSED_SIGN_INS: MacPurpose = MacPurpose::new("rate.refused_sign_ins", "accounts");
/// The lease of the user ids of one person at apps, which are being changed.
pub const APP_PERSON_CHANGE: MacPurpose = MacPurpose::new("lease.app_person", "accounts");
/// The count of messages to an address, or for a client network, in an hour.
pub const MAIL_RATE: MacPurpose = MacPurpose::new("rate.mail", "accounts");
/// The lease of a form of self-service that is being worked at.
pub const FORM_TURN: MacPurpose = MacPurpose::new("lease.form", "accounts");
/// The key of the digests that stand for users in the log (docs/security.md §What the log says of users).
pub const LOG_DIGESTS: MacPurpose = MacPurpose::new("log.users", "observability");

/// Every kind that is kept.
pub(super) const KINDS: [&Kind; 52] = [
    &TOKEN,
    &PIN,
    &EPOCH,
    &SIGN_OUTS,
    &CARD,
    &CLIENT_FAILURES,
    &CHANNEL_STATEMENT,
    &EXCHANGE_STATE,
    &CLAIMS_CHALLENGE,
    &SIGN_IN_NEED,
    &SPEAKERS,
    &BOT_WITH_PARENTS,
    &BROWSER_AT_PROVIDER,
    &BROWSER_IDENTIFIED,
    &BROWSER_COMPLETED,
    &REFUSED_CODE,
    &HELD_CODE,
    &PAGE_AT_PROVIDER,
    &PAGE_COMPLETED,
    &DIRECTORY_AT_PROVIDER,
    &DIRECTORY_IDENTIFIED,
    &PROVIDER_SESSION,
    &MAGIC_CODE,
    &CODE_TRIES,
    &CONTINUATION,
    &REPORTED_FAILURE,
    &SKILL_CONVERSATION,
    &SKILL_CONVERSATION_NAME,
    &SKILL_ACTIVITIES,
    &SKILL_CARD,
    &AGENT_USER_VERSION,
    &UNFINISHED_ERASURE,
    &APP_USER,
    &APP_PERSON,
    &APP_TOKEN,
    &APP_CODE,
    &APP_EPOCH,
    &DIRECTORY_SETTINGS,
    &DIRECTORY_USER,
    &DIRECTORY_LOGIN,
    &DIRECTORY_IDENTITY,
    &SELF_SERVICE_LINK,
    &SELF_SERVICE_CONTEXT,
    &FORM_OUTCOME,
    &DIRECTORY_KEYS,
    &DIRECTORY_CODE,
    &DIRECTORY_GRANT,
    &ADMINISTRATOR_TOKEN,
    &SSO_SESSION,
    &LOGOUT_TOKEN,
    &CLIENT_ASSERTION,
    &GIVEN_TOKEN,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    const MACS: [&MacPurpose; 31] = [
        &EXCHANGE_NAME,
        &CARD_ID,
        &BROWSER_SECRET,
        &NEXT_STEP,
        &STEP_NAME,
        &STEP_LEASE,
        &CODE_LEASE,
        &PAGE_ANSWERS,
        &MAGIC_CODE_DIGITS,
        &MAGIC_CODE_CHOICE,
        &REFRESH_TOKEN,
        &SKILL_CARD_ATTEMPT,
        &REPLICA_WORK,
        &PROVIDER_BLOCK,
        &CALLER_RATE,
        &DOOR_RATE,
        &WRONG_CREDENTIALS,
        &USER_RATE,
        &REFRESH_TURN,
        &RESOURCE_TURN,
        &ASSERTION_TURN,
        &CHANNEL_STATEMENT_DIGEST,
        &LAST_SENDER,
        &SETTINGS_CHANGE,
        &DIRECTORY_USERS_CHANGE,
        &DIRECTORY_USERS_CHANGED,
        &REFUSED_SIGN_INS,
        &APP_PERSON_CHANGE,
        &MAIL_RATE,
        &FORM_TURN,
        &LOG_DIGESTS,
    ];

    #[test]
    fn every_purpose_is_unique() {
        let of_kinds = KINDS.into_iter().flat_map(|kind| [Some(kind.purpose), kind.index]).flatten();
        let purposes: Vec<&str> = of_kinds.chain(MACS.into_iter().map(|mac| mac.purpose)).collect();
        assert_eq!(purposes.iter().collect::<HashSet<_>>().len(), purposes.len(), "{purposes:?}");
    }

    #[test]
    fn the_test_lists_contain_the_whole_catalogue() {
        let declared = include_str!("catalogue.rs").lines().filter(|line| line.starts_with("pub const ")).count();
        assert_eq!(declared, KINDS.len() + MACS.len() + 11, "eleven constants are lifetimes and no kinds");
    }

    #[test]
    fn every_holder_is_a_room() {
        let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for holder in KINDS.into_iter().map(|kind| kind.holder).chain(MACS.into_iter().map(|mac| mac.holder)) {
            assert!(rooms.join(holder).is_dir(), "{holder}");
        }
    }
}
