#![allow(clippy::unwrap_used)]
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{AppTokenOwner, AppUserTokens};
use crate::domain::{
    Account, AppId, BotName, ChannelId, Clock as _, ConnectionName, EndedAtSignOut as _, HolderName, SystemEntropy,
    TokenSlot, UserKey,
};
use crate::records::Records;
use crate::records::testing::{throwaway_records, throwaway_replicas};

fn tokens_in(records: &Records) -> AppUserTokens {
    AppUserTokens::new(records, Arc::new(SystemEntropy))
}

fn person(name: &str) -> UserKey {
    UserKey::entra(name, "t")
}

fn owner(name: &str) -> AppTokenOwner {
    AppTokenOwner { user_id: format!("u-{name}"), user: person(name) }
}

fn slots_at(app: &AppId, user: &UserKey) -> [TokenSlot; 1] {
    let account = Account::of_app(HolderName::from(app), user);
    [TokenSlot::new(&account, &ConnectionName::new("graph"))]
}

#[tokio::test]
async fn a_token_is_good_for_its_own_app_for_an_hour_and_across_a_restart() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let issued = tokens_in(&storage.records).issue(&app, "u-ada", &person("ada")).await.unwrap();
    let lifetime = storage.clock.now().until(issued.expires_at);
    assert!(lifetime <= Duration::from_hours(1) && lifetime > Duration::from_mins(59), "{lifetime:?}");
    let (token, tokens) = (issued.token.expose(), tokens_in(&storage.reopened()));
    assert_eq!(tokens.find(&app, token).await.unwrap(), Some(owner("ada")));
    assert_eq!(tokens.find(&AppId::new("app2"), token).await.unwrap(), None);
    let upper = token.to_uppercase();
    let altered = ["", &token[1..], &format!("{token}0"), &"0".repeat(64), &upper].map(str::to_owned);
    for wrong in altered.iter().filter(|wrong| *wrong != token) {
        assert_eq!(tokens.find(&app, wrong).await.unwrap(), None, "{wrong}");
    }
    storage.clock.advance(Duration::from_hours(1));
    assert_eq!(tokens.find(&app, token).await.unwrap(), None);
}

#[tokio::test]
async fn a_sign_out_at_an_app_ends_what_was_issued_for_the_person_at_that_app_alone() {
    let (storage, app, other) = (throwaway_records(), AppId::new("app1"), AppId::new("app2"));
    let tokens = tokens_in(&storage.records);
    let issue = async |app: &AppId, name: &str| {
        tokens.issue(app, &format!("u-{name}"), &person(name)).await.unwrap().token.expose().to_owned()
    };
    let (ada, ben, elsewhere) = (issue(&app, "ada").await, issue(&app, "ben").await, issue(&other, "ada").await);
    let code = tokens.issue_code(&app, "u-ada", &person("ada"), false).await.unwrap();
    tokens.end(&slots_at(&app, &person("ada"))).await.unwrap();
    assert_eq!(tokens.find(&app, &ada).await.unwrap(), None);
    assert!(tokens.redeem_code(&app, code.expose()).await.unwrap().is_none());
    assert_eq!(tokens.find(&app, &ben).await.unwrap(), Some(owner("ben")));
    assert_eq!(tokens.find(&other, &elsewhere).await.unwrap(), Some(owner("ada")));
    let later = issue(&app, "ada").await;
    assert_eq!(tokens.find(&app, &later).await.unwrap(), Some(owner("ada")));
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_tokens_and_codes_of_every_app_and_a_restart_does_not_undo_it() {
    let (storage, app, other) = (throwaway_records(), AppId::new("app1"), AppId::new("app2"));
    let tokens = tokens_in(&storage.records);
    let here = tokens.issue(&app, "u-ada", &person("ada")).await.unwrap().token;
    let there = tokens.issue(&other, "u-ada", &person("ada")).await.unwrap().token;
    let code = tokens.issue_code(&app, "u-ada", &person("ada"), true).await.unwrap();
    let bens = tokens.issue(&app, "u-ben", &person("ben")).await.unwrap().token;
    tokens.end_for_user(&person("ada")).await.unwrap();
    let tokens = tokens_in(&storage.reopened());
    assert_eq!(tokens.find(&app, here.expose()).await.unwrap(), None);
    assert_eq!(tokens.find(&other, there.expose()).await.unwrap(), None);
    assert!(tokens.redeem_code(&app, code.expose()).await.unwrap().is_none());
    assert_eq!(tokens.find(&app, bens.expose()).await.unwrap(), Some(owner("ben")));
}

#[tokio::test]
async fn a_sign_out_of_an_account_that_is_no_apps_ends_no_token() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let tokens = tokens_in(&storage.records);
    let token = tokens.issue(&app, "u-ada", &person("ada")).await.unwrap().token;
    let account = Account::of_channel(&BotName::new("app/app1"), ChannelId::new("msteams"), &person("ada").to_string());
    tokens.end(&[TokenSlot::new(&account, &ConnectionName::new("graph"))]).await.unwrap();
    tokens.end(&[]).await.unwrap();
    assert_eq!(tokens.find(&app, token.expose()).await.unwrap(), Some(owner("ada")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_gives_one_token_however_many_redeem_it_at_once() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let tokens = tokens_in(&storage.records);
    let code = tokens.issue_code(&app, "u-ada", &person("ada"), true).await.unwrap();
    assert!(tokens.redeem_code(&AppId::new("app2"), code.expose()).await.unwrap().is_none());
    assert_eq!(tokens.find(&app, code.expose()).await.unwrap(), None, "a code is no token");
    let redemptions: Vec<_> = (0..16)
        .map(|_| {
            let (tokens, app, code) = (tokens.clone(), app.clone(), code.clone());
            tokio::spawn(async move { tokens.redeem_code(&app, code.expose()).await.unwrap() })
        })
        .collect();
    let mut given = Vec::new();
    for redemption in redemptions {
        given.extend(redemption.await.unwrap());
    }
    let [redeemed] = given.as_slice() else { unreachable!("{} tokens", given.len()) };
    assert_eq!((redeemed.owner.clone(), redeemed.is_new_user), (owner("ada"), true));
    assert_eq!(tokens.find(&app, redeemed.issued.token.expose()).await.unwrap(), Some(owner("ada")));
}

#[tokio::test]
async fn a_code_ends_after_two_minutes_and_every_secret_is_drawn_anew() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let tokens = tokens_in(&storage.records);
    let code = tokens.issue_code(&app, "u-ada", &person("ada"), false).await.unwrap();
    storage.clock.advance(Duration::from_mins(2));
    assert!(tokens.redeem_code(&app, code.expose()).await.unwrap().is_none());
    let mut drawn = HashSet::new();
    for _ in 0..20 {
        assert!(drawn.insert(tokens.issue(&app, "u-ada", &person("ada")).await.unwrap().token.expose().to_owned()));
    }
}

#[tokio::test]
async fn a_code_that_two_replicas_take_at_once_is_redeemed_by_one_and_a_sign_out_at_one_ends_its_token_at_the_other() {
    let (shared, app) = (throwaway_replicas(2).await, AppId::new("app1"));
    let [here, there] = [0, 1].map(|number| tokens_in(shared.replicas.get(number).unwrap()));
    for _ in 0..10 {
        let code = here.issue_code(&app, "u-ada", &person("ada"), false).await.unwrap();
        let (one, other) = tokio::join!(here.redeem_code(&app, code.expose()), there.redeem_code(&app, code.expose()));
        let redeemed: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
        assert_eq!(redeemed.len(), 1);
        let token = redeemed.into_iter().next().unwrap().issued.token;
        assert_eq!(there.find(&app, token.expose()).await.unwrap(), Some(owner("ada")));
        let ada = person("ada");
        let (one, other) = tokio::join!(here.end_for_user(&ada), there.end_for_user(&ada));
        one.unwrap();
        other.unwrap();
        assert_eq!(there.find(&app, token.expose()).await.unwrap(), None);
    }
}
