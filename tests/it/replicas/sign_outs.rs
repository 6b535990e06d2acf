//! A sign-out at one replica is one at all.

use super::sign_ada_in;
use crate::harness::Options;
use crate::harness::replicas::Replicas;
use crate::harness::waiting::wait_until;

#[tokio::test]
async fn a_token_that_one_replica_keeps_is_given_by_another() {
    let replicas = Replicas::start(2, Options::default()).await;
    sign_ada_in(&replicas, 0).await;
    let (first, second) = (replicas.get_token(0, "29:ada").await, replicas.get_token(1, "29:ada").await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.json()["token"], second.json()["token"]);
}

#[tokio::test]
async fn a_sign_out_at_one_replica_ends_the_token_that_another_has_in_memory() {
    let replicas = Replicas::start(3, Options::default()).await;
    sign_ada_in(&replicas, 0).await;
    for replica in 0..3 {
        assert_eq!(replicas.get_token(replica, "29:ada").await.status, 200);
    }
    let path = "/api/usertoken/SignOut?userId=29:ada&connectionName=graph&channelId=msteams";
    assert!(replicas.token_service(1, "DELETE", path).await.status < 300);
    for replica in 0..3 {
        wait_until("the sign-out", async || replicas.get_token(replica, "29:ada").await.status == 404).await;
    }
}

#[tokio::test]
async fn a_sign_out_everywhere_at_one_replica_ends_the_tokens_of_all() {
    let replicas = Replicas::start(3, Options { operations: true, ..Options::default() }).await;
    sign_ada_in(&replicas, 0).await;
    for replica in 0..3 {
        assert_eq!(replicas.get_token(replica, "29:ada").await.status, 200);
    }
    let ada = replicas.harness.user("Ada");
    let answer = replicas.sign_out_everywhere(2, &format!("{}@{}", ada.oid, ada.tid)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    for replica in 0..3 {
        wait_until("the sign-out", async || replicas.get_token(replica, "29:ada").await.status == 404).await;
    }
    sign_ada_in(&replicas, 1).await;
    assert_eq!(replicas.get_token(0, "29:ada").await.status, 200, "she may sign in again");
}

#[tokio::test]
async fn a_replica_that_ends_takes_nothing_with_it() {
    let mut replicas = Replicas::start(2, Options::default()).await;
    sign_ada_in(&replicas, 1).await;
    replicas.stop(1).await;
    assert_eq!(replicas.get_token(0, "29:ada").await.status, 200);
}
