//! Cases 48 to 52 on Teams: the token's user is the activity's user.

use serde_json::Value;

use super::{Change, Scenario, assert_mismatch, exchange_of, is_kept, success};
use crate::harness::{Harness, Options};

/// Writes a tenant into an activity.
type TenantChange = fn(&mut Value, &str);

fn with_identity(lines: &str) -> Options {
    Options { identity: lines.to_owned(), ..Options::default() }
}

fn without_tenant(activity: &mut Value) {
    activity["conversation"].as_object_mut().unwrap().remove("tenantId");
    activity.as_object_mut().unwrap().remove("channelData");
}

#[tokio::test]
async fn case_48_another_users_token_is_refused_and_logged_for_the_operator() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    activity["value"]["token"] = scenario.harness.user_token("Ben", "graph").await.into();
    let answer = scenario.harness.post(&activity).await;
    assert_mismatch("48", &answer, "oid");
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(!is_kept(&scenario.harness, &activity, "graph").await);
    assert!(scenario.harness.received_once_settled().await.is_empty());
    let own = scenario.harness.post(&scenario.exchange()).await;
    assert_eq!((own.status, own.json()), (200, success()), "the user's own token with the same id goes through");
}

#[tokio::test]
async fn a_duplicate_with_another_users_token_or_an_invalid_token_is_refused() {
    let scenario = Scenario::start().await;
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    let mut activity = scenario.exchange();
    activity["value"]["token"] = scenario.harness.user_token("Ben", "graph").await.into();
    assert_mismatch("duplicate with another's token", &scenario.harness.post(&activity).await, "oid");
    activity["value"]["token"] = scenario.token_with(|claims| claims["scp"] = "other".into()).into();
    super::assert_refused(
        "duplicate with a bad token",
        &scenario.harness.post(&activity).await,
        400,
        "assertion_rejected:scp",
    );
}

#[tokio::test]
async fn the_object_id_is_compared_ignoring_letter_case() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    activity["from"]["aadObjectId"] = scenario.harness.user("Ada").oid.to_uppercase().into();
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
}

#[tokio::test]
async fn case_50_a_user_of_another_tenant_is_refused_unless_that_tenant_is_listed() {
    let changes: [(&str, TenantChange); 3] = [
        ("both", |activity, tenant| {
            activity["conversation"]["tenantId"] = tenant.into();
            activity["channelData"]["tenant"]["id"] = tenant.into();
        }),
        ("conversation only", |activity, tenant| activity["conversation"]["tenantId"] = tenant.into()),
        ("channelData only", |activity, tenant| activity["channelData"]["tenant"]["id"] = tenant.into()),
    ];
    let mut harness = Harness::start().await;
    let (host, guest) = (harness.user("Ada").tid, harness.user("Fay").tid);
    assert_ne!(host, guest);
    let fay = exchange_of(&harness, "Fay", "x").await;
    for (case, change) in changes {
        let mut activity = fay.clone();
        change(&mut activity, host);
        assert_mismatch(&format!("50, {case}"), &harness.post(&activity).await, "tid");
    }
    assert_eq!(harness.exchanges(), 0);
    harness.restart(&with_identity(&format!("cross_tenants = [\"{host}\"]"))).await;
    let mut activity = fay.clone();
    changes[0].1(&mut activity, host);
    assert_mismatch("50, the other way round", &harness.post(&activity).await, "tid");
    harness.restart(&with_identity(&format!("cross_tenants = [\"{guest}\"]"))).await;
    for (case, change) in changes {
        let mut activity = fay.clone();
        change(&mut activity, host);
        let answer = harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()), "50, listed, {case}");
    }
}

#[tokio::test]
async fn a_teams_activity_without_object_id_or_tenant_is_refused_unless_the_operator_allows_it() {
    let changes: [(&str, Change); 3] = [
        ("no aadObjectId", |activity| drop(activity["from"].as_object_mut().unwrap().remove("aadObjectId"))),
        ("empty aadObjectId", |activity| activity["from"]["aadObjectId"] = "".into()),
        ("no tenant", without_tenant),
    ];
    let mut scenario = Scenario::start().await;
    for (case, change) in changes {
        let mut activity = scenario.exchange();
        change(&mut activity);
        assert_mismatch(case, &scenario.harness.post(&activity).await, "unidentified");
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    scenario.harness.restart(&with_identity("allow_unidentified_teams_users = true")).await;
    for (case, change) in changes {
        let mut activity = scenario.exchange();
        change(&mut activity);
        let answer = scenario.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()), "allowed, {case}");
    }
    // The gateway still checks the members that the channel states, and the account stays pinned to its first identity.
    let mut stated = scenario.exchange();
    without_tenant(&mut stated);
    stated["value"]["token"] = scenario.harness.user_token("Ben", "graph").await.into();
    assert_mismatch("allowed, another's token", &scenario.harness.post(&stated).await, "oid");
    stated["from"].as_object_mut().unwrap().remove("aadObjectId");
    assert_mismatch("allowed, pinned", &scenario.harness.post(&stated).await, "pin");
}

#[tokio::test]
async fn case_52_a_card_issued_to_one_user_cannot_be_answered_by_another() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    let mut ben = exchange_of(harness, "Ben", "").await;
    let card = harness.card(&ben, "graph").await;
    ben["value"]["id"] = card.clone().into();
    let mut ada = scenario.exchange();
    ada["value"]["id"] = card.clone().into();
    assert_mismatch("52", &harness.post(&ada).await, "card");
    // The card is refused even in the conversation that the card was sent to.
    ada["conversation"]["id"] = ben["conversation"]["id"].clone();
    assert_mismatch("52, same conversation", &harness.post(&ada).await, "card");
    assert_eq!(harness.exchanges(), 0);
    assert!(!is_kept(harness, &ada, "graph").await);
    let answer = harness.post(&ben).await;
    assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some(card.as_str())));
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json()["from"]["id"], "29:ben");
}
