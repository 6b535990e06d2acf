//! While Redis does not answer, no replica says what it cannot keep, and afterwards all go on without a restart.

use super::{exchange_of, sign_ada_in};
use crate::harness::Options;
use crate::harness::redis::RedisServer;
use crate::harness::replicas::Replicas;
use crate::harness::waiting::wait_until;

#[tokio::test]
async fn while_the_server_is_down_nothing_is_claimed_to_be_kept_and_afterwards_all_go_on() {
    let options = Options { operations: true, ..Options::default() };
    let replicas = Replicas::on(RedisServer::start().await, 2, options).await;
    sign_ada_in(&replicas, 0).await;
    assert_eq!(replicas.readiness(0).await.status, 200);

    replicas.server.stop().await;
    let ben = exchange_of(&replicas.harness, "Ben", "y").await;
    let answer = replicas.post(1, &ben).await;
    assert_eq!(answer.status, 500, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(replicas.readiness(0).await.status, 503);
    assert_eq!(replicas.get_token(1, "29:ben").await.status, 503);

    replicas.server.restart().await;
    for replica in 0..2 {
        wait_until("the store", async || replicas.readiness(replica).await.status == 200).await;
        wait_until("the token", async || replicas.get_token(replica, "29:ada").await.status == 200).await;
    }
    wait_until("the exchange", async || replicas.post(1, &ben).await.status == 200).await;
}

#[tokio::test]
async fn while_the_server_hangs_a_token_in_memory_is_served_and_every_wait_ends() {
    let options = Options { operations: true, ..Options::default() };
    let replicas = Replicas::on(RedisServer::start().await, 2, options).await;
    sign_ada_in(&replicas, 0).await;
    assert_eq!(replicas.get_token(0, "29:ada").await.status, 200);
    let ben = exchange_of(&replicas.harness, "Ben", "y").await;

    replicas.server.signal("STOP");
    assert_eq!(replicas.get_token(0, "29:ada").await.status, 200, "it is in memory, and the grace is not over");
    assert_eq!(replicas.post(0, &ben).await.status, 500);
    assert_eq!(replicas.readiness(0).await.status, 503);

    replicas.server.signal("CONT");
    wait_until("the store", async || replicas.readiness(0).await.status == 200).await;
    wait_until("the exchange", async || replicas.post(1, &ben).await.status == 200).await;
}
