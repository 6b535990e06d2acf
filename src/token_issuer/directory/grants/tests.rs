#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::refresh_token::RefreshTokenParts;
use super::{GrantOutcome, Grants, NewGrant, UserGrant};
use crate::domain::{EndedAtSignOut as _, TenantId, UserKey};
use crate::records::Records;
use crate::records::testing::{GatedStore, throwaway_replicas};
use crate::token_issuer::directory::testing::{TestDirectory, USER, grant};

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

fn grants_of(test: &TestDirectory) -> Grants {
    Grants::new(&test.storage.records, test.ambient())
}

fn new_grant(id: &str) -> NewGrant {
    NewGrant { grant: grant(id), access_seconds: HOUR, refresh_seconds: Some(DAY) }
}

fn without_refresh(id: &str) -> NewGrant {
    NewGrant { refresh_seconds: None, ..new_grant(id) }
}

/// Begins a grant with a new id. Returns the id and the first refresh token.
async fn begin(grants: &Grants, tenant: &TenantId) -> [String; 2] {
    let id = grants.draw_id();
    let token = grants.begin(tenant, new_grant(&id)).await.unwrap().unwrap().unwrap();
    [id, token.expose().to_owned()]
}

async fn rotate(grants: &Grants, tenant: &TenantId, token: &str) -> GrantOutcome {
    grants.rotate(tenant, "shop", token, DAY).await.unwrap()
}

fn next_token(outcome: GrantOutcome) -> String {
    let GrantOutcome::Rotated { refresh_token, .. } = outcome else { unreachable!("{outcome:?}") };
    refresh_token.expose().to_owned()
}

fn is_unknown(outcome: &GrantOutcome) -> bool {
    matches!(outcome, GrantOutcome::Unknown)
}

fn shown(grant: Option<&UserGrant>) -> String {
    format!("{grant:?}")
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_one_and_keeps_what_was_granted() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let [id, first] = begin(&grants, tenant).await;
    assert_eq!(shown(grants.find(tenant, &id).await.unwrap().as_ref()), shown(Some(&grant(&id))));
    assert_eq!(shown(grants.find_by_refresh_token(tenant, &first).await.unwrap().as_ref()), shown(Some(&grant(&id))));
    let second = next_token(rotate(&grants, tenant, &first).await);
    assert_ne!(first, second);
    assert!(grants.find_by_refresh_token(tenant, &first).await.unwrap().is_none(), "an older token is not the newest");
    let third = next_token(rotate(&grants_of(&test), tenant, &second).await);
    let found = grants.find_by_refresh_token(tenant, &third).await.unwrap().unwrap();
    assert!(found.last_used_at > grant(&id).last_used_at, "a refresh is a use");
    let unused = UserGrant { last_used_at: grant(&id).last_used_at, ..found };
    assert_eq!(shown(Some(&unused)), shown(Some(&grant(&id))));
}

#[tokio::test]
async fn every_older_refresh_token_ends_the_grant() {
    for reused in 0..3 {
        let test = TestDirectory::new();
        let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
        let [id, first] = begin(&grants, tenant).await;
        let mut tokens = vec![first];
        for _ in 0..3 {
            tokens.push(next_token(rotate(&grants, tenant, &tokens[tokens.len() - 1]).await));
        }
        let GrantOutcome::Reused { grant: ended } = rotate(&grants, tenant, &tokens[reused]).await else {
            unreachable!()
        };
        assert_eq!(ended.id, id);
        assert!(grants.find(tenant, &id).await.unwrap().is_none());
        for token in &tokens {
            assert!(is_unknown(&rotate(&grants, tenant, token).await), "the newest token has ended as well");
        }
    }
}

#[tokio::test]
async fn a_stranger_who_knows_the_id_of_a_grant_cannot_end_it() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let [id, first] = begin(&grants, tenant).await;
    let [_, foreign] = begin(&grants, tenant).await;
    let newest = next_token(rotate(&grants, tenant, &first).await);
    let foreign_proof = foreign.rsplit_once('.').unwrap().1;
    let proof = newest.rsplit_once('.').unwrap().1;
    let zeros = "0".repeat(64);
    let made_up = [
        format!("{id}.0.{zeros}"),
        format!("{id}.1.{zeros}"),
        format!("{id}.0.{foreign_proof}"),
        format!("{id}.0.{proof}"),
        format!("{id}.2.{proof}"),
        format!("{id}.01.{proof}"),
        format!("{id}.18446744073709551615.{proof}"),
        format!("{id}.18446744073709551616.{proof}"),
        format!("{id}..{proof}"),
        format!("{id}.{proof}"),
        format!("{id}.1.{}", proof.to_uppercase()),
        format!("{newest}0"),
        id.clone(),
        String::new(),
    ];
    for token in made_up.iter().filter(|token| **token != newest) {
        let outcome = rotate(&grants, tenant, token).await;
        assert!(is_unknown(&outcome), "{token}: {outcome:?}");
    }
    for old in [&first, &newest] {
        let outcome = grants.rotate(tenant, "mail", old, DAY).await.unwrap();
        assert!(is_unknown(&outcome), "another app has no token of this one");
    }
    assert!(is_unknown(&grants.rotate(&test.other.tenant, "shop", &newest, DAY).await.unwrap()));
    next_token(rotate(&grants, tenant, &newest).await);
}

#[tokio::test]
async fn a_grant_lives_as_long_as_the_last_of_its_tokens() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let [id, first] = begin(&grants, tenant).await;
    let short = grants.draw_id();
    assert!(grants.begin(tenant, without_refresh(&short)).await.unwrap().unwrap().is_none());
    let hours = |hours: u64| test.storage.clock.advance(Duration::from_hours(hours));
    assert!(grants.find(tenant, &short).await.unwrap().is_some());
    hours(1);
    assert!(grants.find(tenant, &short).await.unwrap().is_none());
    hours(22);
    let second = next_token(rotate(&grants, tenant, &first).await);
    hours(23);
    assert!(grants.find(tenant, &id).await.unwrap().is_some(), "each use renews the expiry");
    hours(1);
    assert!(grants.find(tenant, &id).await.unwrap().is_none());
    assert!(is_unknown(&rotate(&grants, tenant, &second).await));
}

#[tokio::test]
async fn a_refresh_token_that_has_ended_before_the_access_token_gives_nothing() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let id = grants.draw_id();
    let new = NewGrant { access_seconds: 2 * DAY, ..new_grant(&id) };
    let token = grants.begin(tenant, new).await.unwrap().unwrap().unwrap();
    test.storage.clock.advance(Duration::from_hours(24));
    assert!(grants.find(tenant, &id).await.unwrap().is_some());
    assert!(is_unknown(&rotate(&grants, tenant, token.expose()).await));
    assert!(grants.find_by_refresh_token(tenant, token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_ended_grant_does_not_begin_again() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let [id, token] = begin(&grants, tenant).await;
    grants.end(tenant, &id).await.unwrap();
    assert!(is_unknown(&rotate(&grants, tenant, &token).await));
    let replayed = grants.draw_id();
    grants.end(tenant, &replayed).await.unwrap();
    test.storage.clock.advance(Duration::from_mins(1));
    for id in [&id, &replayed] {
        assert!(grants.begin(tenant, new_grant(id)).await.unwrap().is_none());
        assert!(grants.find(tenant, id).await.unwrap().is_none());
    }
}

fn gated(test: &TestDirectory) -> (Arc<GatedStore>, Grants) {
    let store = GatedStore::new(test.storage.store.clone());
    let records = Records::new(store.clone(), test.storage.sealer.clone(), test.storage.shared_clock.clone());
    (store, Grants::new(&records, test.ambient()))
}

#[tokio::test]
async fn of_two_rotations_at_once_the_second_counts_as_reuse() {
    let test = TestDirectory::new();
    let (store, grants) = gated(&test);
    let tenant = test.directory.tenant.clone();
    let [id, token] = begin(&grants, &tenant).await;
    let gate = store.hold_next_get();
    let slow = tokio::spawn({
        let (grants, tenant, token) = (grants.clone(), tenant.clone(), token.clone());
        async move { rotate(&grants, &tenant, &token).await }
    });
    gate.reached().await;
    next_token(rotate(&grants, &tenant, &token).await);
    gate.open();
    assert!(matches!(slow.await.unwrap(), GrantOutcome::Reused { .. }));
    assert!(grants.find(&tenant, &id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rotation_under_way_does_not_bring_an_ended_grant_back() {
    let test = TestDirectory::new();
    let (store, grants) = gated(&test);
    let tenant = test.directory.tenant.clone();
    let [id, token] = begin(&grants, &tenant).await;
    let gate = store.hold_next_get();
    let slow = tokio::spawn({
        let (grants, tenant) = (grants.clone(), tenant.clone());
        async move { rotate(&grants, &tenant, &token).await }
    });
    gate.reached().await;
    grants.end(&tenant, &id).await.unwrap();
    gate.open();
    assert!(is_unknown(&slow.await.unwrap()));
    assert!(grants.find(&tenant, &id).await.unwrap().is_none());
}

#[tokio::test]
async fn the_grants_of_a_user_are_listed_from_the_newest_on_without_those_that_have_ended() {
    let test = TestDirectory::new();
    let (grants, tenant) = (grants_of(&test), &test.directory.tenant);
    let begun_at = |id: &str, minutes: u64| {
        let mut new = new_grant(id);
        new.grant.begun_at = new.grant.begun_at.plus(Duration::from_mins(minutes));
        new
    };
    for (id, minutes) in [("a", 1), ("b", 3), ("c", 2), ("d", 4)] {
        grants.begin(tenant, begun_at(id, minutes)).await.unwrap();
    }
    let mut of_ben = new_grant("e");
    of_ben.grant.user_id = "ben".to_owned();
    grants.begin(tenant, of_ben).await.unwrap();
    grants.end(tenant, "d").await.unwrap();
    let listed = async |user: &str| {
        let found = grants.list_of_user(tenant, user).await.unwrap();
        found.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(USER).await, ["b", "c", "a"]);
    let other = &test.other.tenant;
    assert!(grants.list_of_user(other, USER).await.unwrap().is_empty(), "another directory's user has the same id");
    let key = UserKey::of_directory(tenant.as_str(), USER);
    assert_eq!(grants.end_for_user(&key).await.unwrap(), 3);
    assert!(listed(USER).await.is_empty());
    assert_eq!(listed("ben").await, ["e"]);
    assert_eq!(grants.end_for_user(&UserKey::entra("a", "t")).await.unwrap(), 0);
}

proptest! {
    #[test]
    fn no_text_is_read_as_a_refresh_token_and_panics(text in any::<String>()) {
        let _ = RefreshTokenParts::read(&text);
    }

    #[test]
    fn a_text_of_the_right_shape_is_taken_apart(id in "[0-9a-f]{32}", number in any::<u64>(), proof in "[0-9a-f]{64}") {
        let text = format!("{id}.{number}.{proof}");
        prop_assert_eq!(RefreshTokenParts::read(&text).map(|parts| parts.grant_id), Some(id.as_str()));
    }
}

/// The grants of two replicas.
async fn two_replicas(test: &TestDirectory) -> [Grants; 2] {
    let shared = throwaway_replicas(2).await;
    [0, 1].map(|number| Grants::new(&shared.replicas[number], test.ambient()))
}

#[tokio::test]
async fn a_refresh_token_that_is_reused_at_one_replica_ends_the_grant_at_the_other() {
    let test = TestDirectory::new();
    let ([here, there], tenant) = (two_replicas(&test).await, &test.directory.tenant);
    let [id, first] = begin(&here, tenant).await;
    let second = next_token(rotate(&there, tenant, &first).await);
    let third = next_token(rotate(&here, tenant, &second).await);
    assert!(matches!(rotate(&there, tenant, &second).await, GrantOutcome::Reused { .. }));
    assert!(here.find(tenant, &id).await.unwrap().is_none());
    assert!(is_unknown(&rotate(&here, tenant, &third).await));
}

#[tokio::test]
async fn a_refresh_token_that_two_replicas_get_at_once_gives_one_token_and_ends_the_grant() {
    let test = TestDirectory::new();
    let ([here, there], tenant) = (two_replicas(&test).await, &test.directory.tenant);
    for _ in 0..10 {
        let [id, token] = begin(&here, tenant).await;
        let (one, other) = tokio::join!(rotate(&here, tenant, &token), rotate(&there, tenant, &token));
        let outcomes = [one, other];
        let rotated = outcomes.iter().filter(|outcome| matches!(outcome, GrantOutcome::Rotated { .. })).count();
        let reused = outcomes.iter().filter(|outcome| matches!(outcome, GrantOutcome::Reused { .. })).count();
        assert_eq!((rotated, reused), (1, 1), "{outcomes:?}");
        assert!(there.find(tenant, &id).await.unwrap().is_none(), "the token was used twice");
    }
}

#[tokio::test]
async fn a_grant_that_one_replica_has_ended_is_begun_by_no_other_one() {
    let test = TestDirectory::new();
    let ([here, there], tenant) = (two_replicas(&test).await, &test.directory.tenant);
    let id = here.draw_id();
    here.end(tenant, &id).await.unwrap();
    assert!(there.begin(tenant, new_grant(&id)).await.unwrap().is_none());
}
