//! The current code reads every record of a store that commit a030e75 wrote (`fixtures/store/a030e75`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::records::{AtProvider, Identified};
use crate::cards::{PendingSignIns, SignInOffer, StatedIdentity};
use crate::domain::{
    Account, BotName, ChannelId, ClaimsChallenge, ConnectionName, ConnectionRevision, ConversationId, HolderName,
    Secret, SecurityContext, SystemEntropy, TokenSlot, UserKey, UserToken,
};
use crate::exchange::{ClaimsChallenges, SignInNeed, SignInNeeds};
use crate::records::testing::{FixtureRecords, records_of_fixture};
use crate::sign_in::browser_sign_ins::{BrowserRecordLookup, BrowserSignIns};
use crate::sign_in::magic_code::MagicCodes;
use crate::vault::{Epoch, TokenVault};

const TENANT: &str = "22222222-2222-4222-8222-222222222222";
const ADAS_OBJECT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const PARENT: &str = "99999999-9999-4999-8999-999999999999";
const REVISION: ConnectionRevision = ConnectionRevision([1; 16]);
const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

fn earlier() -> FixtureRecords {
    records_of_fixture("a030e75")
}

fn vault(earlier: &FixtureRecords) -> TokenVault {
    TokenVault::new(&earlier.records, 1 << 20)
}

fn account(channel: &str, user: &str) -> Account {
    Account::of_channel(&BotName::new("help-desk"), ChannelId::new(channel), user)
}

fn ada() -> UserKey {
    UserKey::entra(ADAS_OBJECT, TENANT)
}

fn ben() -> UserKey {
    UserKey::from_parts("https://issuer.example", "ben")
}

fn slot(account: &Account, connection: &str) -> TokenSlot {
    TokenSlot::new(account, &ConnectionName::new(connection))
}

fn assert_is(token: &UserToken, text: &str, user: &UserKey, earlier: &FixtureRecords) {
    assert_eq!((token.access_token.expose(), &token.user), (text, user));
    assert_eq!((token.obtained_at, token.security_context), (earlier.written_at, SecurityContext([3; 16])));
    assert_eq!(token.expires_at, earlier.written_at.plus(Duration::from_hours(1)));
    assert_eq!(token.granted_scope.as_deref(), Some("User.Read"));
}

#[tokio::test]
async fn the_tokens_of_channels_accounts_are_found_and_can_be_refreshed() {
    let earlier = earlier();
    let vault = vault(&earlier);
    let adas = slot(&account("msteams", "29:ada"), "graph");
    assert_is(&vault.find(&adas, REVISION).await.unwrap().unwrap(), "ada-graph", &ada(), &earlier);
    let record = vault.read(&adas, REVISION).await.unwrap().unwrap();
    assert_eq!(record.token.refresh_token.as_ref().map(Secret::expose), Some("ada-refresh"));
    assert_eq!(record.token.refresh_at, Some(earlier.written_at.plus(Duration::from_mins(30))));
    let bens = slot(&account("directline", "dl_ben"), "files");
    let token = vault.find(&bens, ConnectionRevision([2; 16])).await.unwrap().unwrap();
    assert_is(&token, "ben-files", &ben(), &earlier);
    assert_eq!(vault.raise_epoch(&ada()).await.unwrap().count, 1, "her index lists it");
    assert!(vault.find(&adas, REVISION).await.unwrap().is_none());
}

#[tokio::test]
async fn pins_of_channels_and_of_parents_are_found_and_end_with_their_person() {
    let earlier = earlier();
    let vault = vault(&earlier);
    let dora = UserKey::entra("dddddddd-0000-4000-8000-000000000004", TENANT);
    let doras = account("msteams", "29:dora").as_parent_account(PARENT);
    assert_eq!(vault.find_pin(&account("directline", "dl_ben")).await.unwrap(), Some(ben()));
    assert_eq!(vault.find_pin(&doras).await.unwrap(), Some(dora.clone()));
    assert_eq!(vault.find_pin(&account("msteams", "29:dora")).await.unwrap(), None, "the channel has proven nothing");
    let token = vault.find(&slot(&doras, "graph"), REVISION).await.unwrap().unwrap();
    assert_is(&token, "dora-graph", &dora, &earlier);
    vault.raise_epoch(&dora).await.unwrap();
    assert_eq!(vault.find_pin(&doras).await.unwrap(), None);
}

#[tokio::test]
async fn a_user_who_was_signed_out_everywhere_stays_so() {
    let earlier = earlier();
    let carol = UserKey::entra("cccccccc-0000-4000-8000-000000000003", TENANT);
    let permit = vault(&earlier).permit(&slot(&account("msteams", "29:carol"), "graph"), &carol).await.unwrap();
    assert_eq!(permit.epoch(), Epoch::from_bytes(2_u64.to_be_bytes()));
}

#[tokio::test]
async fn a_card_is_found_by_its_link_its_id_and_its_account() {
    let earlier = earlier();
    let cards = PendingSignIns::new(&earlier.records, Arc::new(SystemEntropy));
    cards.recall().await.unwrap();
    let card = cards.find_by_link(&Secret::from(earlier.text("link"))).await.unwrap().unwrap();
    assert_eq!((card.card_id.as_str(), card.begun_at), (earlier.text("card_id"), earlier.written_at));
    let offer = SignInOffer {
        account: account("msteams", "29:ada"),
        conversation: Some(ConversationId::new("19:general@thread.tacv2")),
        connection: ConnectionName::new("graph"),
        offered_sso: true,
        stated: StatedIdentity {
            object_id: Some(ADAS_OBJECT.to_owned()),
            tenant_ids: vec![TENANT.to_owned()],
            ..StatedIdentity::default()
        },
        final_redirect: Some("https://www.example.com/done".to_owned()),
    };
    assert_eq!(card.offer, offer);
    let by_id = cards.find_by_card(&HolderName::new("help-desk"), &card.card_id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&card));
    assert_eq!(cards.list_answerable(&offer.account).await.unwrap(), [card]);
}

#[tokio::test]
async fn what_the_next_sign_in_must_bring_is_known() {
    let earlier = earlier();
    let (adas, claims) = (account("msteams", "29:ada"), ClaimsChallenge::parse(CLAIMS));
    let challenges = ClaimsChallenges::new(&earlier.records);
    assert_eq!(challenges.find(&slot(&adas, "files")).await.unwrap(), claims);
    let need = SignInNeeds::new(&earlier.records).get(&slot(&adas, "graph"), None).await.unwrap();
    assert_eq!(need, SignInNeed { consent: true, claims, choose_account: false });
    challenges.end_all_of_user(&ada()).await.unwrap();
    assert_eq!(challenges.take(&slot(&adas, "files")).await.unwrap(), None, "her index lists it");
}

#[tokio::test]
async fn a_magic_code_is_valid_and_the_wrong_codes_still_count() {
    let earlier = earlier();
    let codes = MagicCodes::new(&earlier.records);
    let (bens, code) = (slot(&account("directline", "dl_ben"), "graph"), earlier.text("code"));
    let right = codes.check(&bens, &bens.account, code).await.unwrap().unwrap();
    assert_eq!((right.grant.card_id.as_str(), right.grant.revision), (earlier.text("card_id"), REVISION));
    assert_eq!(right.grant.epoch, Epoch::from_bytes([0; 8]));
    assert_is(&right.grant.token, "ben-graph", &ben(), &earlier);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(codes.check(&bens, &bens.account, wrong).await.unwrap().is_none(), "the fifth wrong one");
    assert!(codes.check(&bens, &bens.account, code).await.unwrap().is_none(), "no try is left");
    assert!(codes.end_one(right.record).await.unwrap());
}

#[tokio::test]
async fn a_browser_continues_from_either_step() {
    let earlier = earlier();
    let browsers = BrowserSignIns::new(&earlier.records, Arc::new(SystemEntropy));
    let browser = Secret::from("the-browsers-secret");
    let handle = Secret::from(earlier.text("browser_at_provider"));
    let BrowserRecordLookup::Step(step) = browsers.find::<AtProvider>(&handle, &browser).await.unwrap() else {
        panic!("the browser is at the provider")
    };
    assert_eq!((step.card_id.as_str(), step.revision), (earlier.text("card_id"), REVISION));
    assert_eq!(step.channel, Some(ChannelId::new("msteams")));
    assert_eq!((step.nonce.expose(), step.code_verifier.expose()), ("nonce", "verifier"));
    let handle = Secret::from(earlier.text("browser_identified"));
    let other = browsers.find::<Identified>(&handle, &Secret::from("another")).await.unwrap();
    assert!(matches!(other, BrowserRecordLookup::OfAnotherBrowser));
    let BrowserRecordLookup::Step(step) = browsers.find::<Identified>(&handle, &browser).await.unwrap() else {
        panic!("the browser's user is known")
    };
    assert_is(&step.grant.token, "ada-browser", &ada(), &earlier);
    assert_eq!(step.grant.card_id, earlier.text("card_id"));
    assert_eq!(step.channel, Some(ChannelId::new("msteams")));
    assert_eq!((step.object_id.as_deref(), step.tenant_id.as_deref()), (Some(ADAS_OBJECT), Some(TENANT)));
    assert_eq!(step.account_name, "ada@contoso.example");
}
