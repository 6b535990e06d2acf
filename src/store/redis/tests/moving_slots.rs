//! A slot of a cluster that moves from one server to another.

use super::{open, record};
use crate::domain::RecordKey;
use crate::store::Store;
use crate::store::testing::{RedisServer, cluster_settings, shared_cluster};

/// A key whose slot has no keys of other tests, which have other prefixes but perhaps the same record keys.
const KEY: RecordKey = RecordKey(*b"a key that no other test writes.");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_found_and_written_while_and_after_its_slot_moves() {
    let store = open(&cluster_settings()).await.unwrap();
    store.put(KEY, record(b"one", None)).await.unwrap();
    let (name, servers) = (store.names.record(KEY), &shared_cluster().servers);
    let slot: u16 = servers[0].query(&["CLUSTER", "KEYSLOT", &name]);
    let slot = slot.to_string();
    let has_it =
        |server: &&RedisServer| server.query::<Vec<String>>(&["CLUSTER", "GETKEYSINSLOT", &slot, "9"]).contains(&name);
    let from = servers.iter().find(has_it).unwrap();
    let to = servers.iter().find(|server| server.port != from.port).unwrap();
    let id = |server: &RedisServer| server.query::<String>(&["CLUSTER", "MYID"]);
    let (from_id, to_id) = (id(from), id(to));

    let () = to.query(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
    let () = from.query(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
    assert_eq!(store.get(KEY).await.unwrap().as_deref(), Some(b"one".as_slice()), "it is still there");
    let port = to.port.to_string();
    let () = from.query(&["MIGRATE", "127.0.0.1", &port, &name, "0", "5000"]);
    assert_eq!(store.get(KEY).await.unwrap().as_deref(), Some(b"one".as_slice()), "it has moved before its slot");
    store.put(KEY, record(b"two", None)).await.unwrap();
    assert_eq!(store.take(KEY).await.unwrap().as_deref(), Some(b"two".as_slice()));
    store.put(KEY, record(b"three", None)).await.unwrap();

    // The server that gets the slot is told first.
    for server in [to, from].into_iter().chain(servers) {
        let () = server.query(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
    }
    assert_eq!(store.get(KEY).await.unwrap().as_deref(), Some(b"three".as_slice()));
    assert!(store.compare_and_put(KEY, Some("three".into()), record(b"four", None)).await.unwrap());
    assert_eq!(store.get(KEY).await.unwrap().as_deref(), Some(b"four".as_slice()));
}
