//! The operator sees and ends at one replica what users have at all of them.

use serde_json::{Value, json};

use super::{exchange_of, sign_ada_in};
use crate::harness::replicas::Replicas;
use crate::harness::waiting::wait_until;
use crate::harness::{ADMIN_TOKEN, Answer, Options, activities};

async fn call(replicas: &Replicas, replica: usize, method: &str, path: &str) -> Answer {
    let authorization = format!("Bearer {ADMIN_TOKEN}");
    let url = format!("{}{path}", replicas.operations(replica));
    replicas.harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
}

async fn sign_in_on_direct_line(replicas: &Replicas, replica: usize, user: &str) -> u16 {
    let activity = exchange_of(&replicas.harness, user, &format!("{user}-{replica}")).await;
    replicas.post(replica, &activities::on_channel(activity, "directline", "dl_shared")).await.status
}

#[tokio::test]
async fn a_token_and_a_pin_end_at_all_replicas_by_the_ids_that_each_replica_shows() {
    let replicas = Replicas::start(2, Options { operations: true, ..Options::default() }).await;
    let ada = replicas.harness.user("Ada");
    let path = format!("/admin/users/{}@{}", ada.oid, ada.tid);
    sign_ada_in(&replicas, 0).await;
    assert_eq!(sign_in_on_direct_line(&replicas, 0, "Ada").await, 200);
    for replica in 0..2 {
        assert_eq!(replicas.get_token(replica, "29:ada").await.status, 200);
    }
    assert_eq!(sign_in_on_direct_line(&replicas, 1, "Ben").await, 400, "the account is Ada's at both");
    let seen: Vec<Value> =
        vec![call(&replicas, 0, "GET", &path).await.json(), call(&replicas, 1, "GET", &path).await.json()];
    assert_eq!((&seen[0]["pins"], seen[0]["tokens"].as_array().map(Vec::len)), (&seen[1]["pins"], Some(2)), "{seen:?}");
    let tokens = seen[0]["tokens"].as_array().unwrap();
    let on_teams = tokens.iter().find(|token| token["account"]["channel"] == "msteams").unwrap();
    let ended = call(&replicas, 1, "DELETE", &format!("{path}/tokens/{}", on_teams["id"].as_str().unwrap())).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    for replica in 0..2 {
        wait_until("the end of the token", async || replicas.get_token(replica, "29:ada").await.status == 404).await;
    }
    let pin = seen[0]["pins"][0]["id"].as_str().unwrap();
    assert_eq!(call(&replicas, 1, "DELETE", &format!("{path}/pins/{pin}")).await.status, 200);
    wait_until("the end of the pin", async || sign_in_on_direct_line(&replicas, 0, "Ben").await == 200).await;
    let counts = call(&replicas, 0, "GET", "/admin/counts").await;
    let counted = counts.json();
    assert_eq!(
        (counts.status, &counted["usersWithTokens"], &counted["tokens"]),
        (200, &json!(1), &json!(1)),
        "{counted}"
    );
    assert!(counted["storeSizeBytes"].is_null(), "{counted}");
}
