//! Every kind of record that is kept: what it is for, which room holds it and when it ends. Nothing else lies in the store.

use std::time::Duration;

use super::Life::{Fixed, SetByWriter, UntilReplaced};
use super::{Kind, MacPurpose};

/// How long the user has to answer a card, and a client to repeat its answer (DESIGN §3, Dedup).
pub const CARD_LIFETIME: Duration = Duration::from_mins(15);
/// How long a wrong magic code counts against its account.
pub const CODE_TRIES_WINDOW: Duration = Duration::from_mins(10);

/// A user's token for one slot. Ends with the token; one that can be refreshed stays for 90 days after it was obtained.
pub const TOKEN: Kind = Kind::new("vault.token", "vault", SetByWriter).version(2).listed_by("vault.user").bound();
/// The person that an account belongs to, by first success. Ends when the account or the person is signed out.
pub const PIN: Kind = Kind::new("vault.pin", "vault", UntilReplaced).listed_by("vault.pins");
/// How often a user was signed out everywhere. Stays, so that no token of an earlier epoch comes back.
pub const EPOCH: Kind = Kind::new("vault.epoch", "vault", UntilReplaced);

/// A sign-in that a card has offered. Ends after 15 minutes, or after 30 once a browser has followed its link.
pub const CARD: Kind = Kind::new("pending.card", "cards", SetByWriter).listed_by("pending.account");

/// What a resource wants of the next token of a slot. Ends when a token answers it, or after an hour.
pub const CLAIMS_CHALLENGE: Kind =
    Kind::new("pending.claims", "exchange", Fixed(Duration::from_hours(1))).listed_by("pending.claims.user");
/// What the last silent attempt for a slot lacked. Ends when its card can no longer be answered.
pub const SIGN_IN_NEED: Kind = Kind::new("pending.need", "exchange", Fixed(CARD_LIFETIME));

/// A browser that is at the identity provider. Ends when it is back, or after 15 minutes.
pub const BROWSER_AT_PROVIDER: Kind = Kind::new("pending.browser.at_provider", "sign_in", Fixed(CARD_LIFETIME));
/// A browser whose user is known and has to confirm, with the token. Ends with the answer, or after 15 minutes.
pub const BROWSER_IDENTIFIED: Kind = Kind::new("pending.browser.identified", "sign_in", Fixed(CARD_LIFETIME));
/// A token behind a magic code, one a slot. Ends with the code's redemption, after ten minutes, or with the token.
pub const MAGIC_CODE: Kind = Kind::new("magic_code.slot", "sign_in", SetByWriter);
/// When an account tried wrong codes. Ends ten minutes after the last one.
pub const CODE_TRIES: Kind = Kind::new("magic_code.tries", "sign_in", Fixed(CODE_TRIES_WINDOW));

/// A bot was told of a token, or is being told. Ends after 15 minutes, when the exchange is no longer repeated.
pub const CONTINUATION: Kind = Kind::new("pending.continuation", "bot_connector", Fixed(CARD_LIFETIME));

/// The name of an exchange, from which the id of the event that tells the bot follows.
pub const EXCHANGE_NAME: MacPurpose = MacPurpose::new("exchange", "exchange");
/// A card's id, which follows from its link.
pub const CARD_ID: MacPurpose = MacPurpose::new("pending.link", "cards");
/// What is kept of the secret by which a browser is recognised.
pub const BROWSER_SECRET: MacPurpose = MacPurpose::new("pending.browser", "sign_in");
/// What is kept of a magic code.
pub const CODE_DIGITS: MacPurpose = MacPurpose::new("magic_code.code", "sign_in");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    const KINDS: [&Kind; 11] = [
        &TOKEN,
        &PIN,
        &EPOCH,
        &CARD,
        &CLAIMS_CHALLENGE,
        &SIGN_IN_NEED,
        &BROWSER_AT_PROVIDER,
        &BROWSER_IDENTIFIED,
        &MAGIC_CODE,
        &CODE_TRIES,
        &CONTINUATION,
    ];
    const MACS: [&MacPurpose; 4] = [&EXCHANGE_NAME, &CARD_ID, &BROWSER_SECRET, &CODE_DIGITS];

    #[test]
    fn every_purpose_is_used_once() {
        let of_kinds = KINDS.into_iter().flat_map(|kind| [Some(kind.purpose), kind.index]).flatten();
        let purposes: Vec<&str> = of_kinds.chain(MACS.into_iter().map(|mac| mac.purpose)).collect();
        assert_eq!(purposes.iter().collect::<HashSet<_>>().len(), purposes.len(), "{purposes:?}");
    }

    #[test]
    fn the_tests_list_the_whole_catalogue() {
        let declared = include_str!("catalogue.rs").lines().filter(|line| line.starts_with("pub const ")).count();
        assert_eq!(declared, KINDS.len() + MACS.len() + 2, "two are lifetimes that the holders ask for");
    }

    #[test]
    fn every_holder_is_a_room() {
        let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for holder in KINDS.into_iter().map(|kind| kind.holder).chain(MACS.into_iter().map(|mac| mac.holder)) {
            assert!(rooms.join(holder).is_dir(), "{holder}");
        }
    }
}
