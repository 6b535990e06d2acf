#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::sync::Arc;

use super::{AppUserData, AppUsers, LinkOutcome, is_app_user_id};
use crate::domain::{AppId, DataSubject, EndedAtSignOut as _, PersonalData as _, SystemEntropy, UserKey};
use crate::records::Records;
use crate::records::testing::{GatedStore, throwaway_records};

fn users_in(records: &Records) -> AppUsers {
    AppUsers::new(records, Arc::new(SystemEntropy))
}

fn person(name: &str) -> UserKey {
    UserKey::entra(name, "t")
}

#[test]
fn a_user_id_has_the_letters_of_a_path_segment_and_is_no_word_for_a_missing_value() {
    let longest = "x".repeat(128);
    for id in ["a", "68f0c1d2e3a4b5c6d7e8f901", "A-b_9", "undefined1", "Null", longest.as_str()] {
        assert!(is_app_user_id(id), "{id}");
    }
    let too_long = "x".repeat(129);
    for text in
        ["", "undefined", "null", "NaN", "a/b", "..", "a.b", "a b", "ä", "a%2f", "a\n", "[object Object]", &too_long]
    {
        assert!(!is_app_user_id(text), "{text}");
    }
}

#[tokio::test]
async fn a_person_gets_one_drawn_id_at_each_app_and_keeps_it_across_a_restart() {
    let (storage, app, other) = (throwaway_records(), AppId::new("app1"), AppId::new("app2"));
    let users = users_in(&storage.records);
    let first = users.find_or_create(&app, &person("ada")).await.unwrap();
    assert!(first.is_new && first.user_id.len() == 24);
    assert!(first.user_id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
    let restarted = users_in(&storage.reopened());
    let second = restarted.find_or_create(&app, &person("ada")).await.unwrap();
    assert_eq!((second.user_id.as_str(), second.is_new), (first.user_id.as_str(), false));
    assert_eq!(restarted.find(&app, &first.user_id).await.unwrap(), Some(person("ada")));
    assert_eq!(restarted.find(&other, &first.user_id).await.unwrap(), None);
    assert_ne!(restarted.find_or_create(&other, &person("ada")).await.unwrap().user_id, first.user_id);
    assert_ne!(restarted.find_or_create(&app, &person("ben")).await.unwrap().user_id, first.user_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_of_one_new_person_at_once_get_one_id_and_one_of_them_is_the_first() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let users = users_in(&storage.records);
    let sign_ins: Vec<_> = (0..16)
        .map(|_| {
            let (users, app) = (users.clone(), app.clone());
            tokio::spawn(async move { users.find_or_create(&app, &person("ada")).await.unwrap() })
        })
        .collect();
    let (mut ids, mut new) = (HashSet::new(), 0);
    for sign_in in sign_ins {
        let user = sign_in.await.unwrap();
        new += usize::from(user.is_new);
        ids.insert(user.user_id);
    }
    assert_eq!((ids.len(), new), (1, 1));
    assert_eq!(users.list(&app, None).await.unwrap().users.len(), 1);
}

#[tokio::test]
async fn a_link_is_made_once_and_is_not_given_to_another_person() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let users = users_in(&storage.records);
    let link = async |id: &str, name: &str| users.link(&app, id, &person(name)).await.unwrap();
    assert_eq!(link("u-1", "ada").await, LinkOutcome::Linked);
    assert_eq!(link("u-1", "ada").await, LinkOutcome::AlreadyLinked);
    assert_eq!(link("u-1", "ben").await, LinkOutcome::LinkedToAnother);
    assert_eq!(link("../u", "ben").await, LinkOutcome::NoUserId);
    assert_eq!(users.find(&app, "u-1").await.unwrap(), Some(person("ada")));
    let signed_in = users.find_or_create(&app, &person("ada")).await.unwrap();
    assert_eq!((signed_in.user_id.as_str(), signed_in.is_new), ("u-1", false), "a sign-in takes the operator's id");
    for number in 2..=32 {
        assert_eq!(link(&format!("u-{number}"), "ada").await, LinkOutcome::Linked);
    }
    assert_eq!(link("u-33", "ada").await, LinkOutcome::TooManyIds);
}

#[tokio::test]
async fn an_id_that_was_unlinked_is_free_and_the_persons_other_id_is_found() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let users = users_in(&storage.records);
    users.link(&app, "u-1", &person("ada")).await.unwrap();
    users.link(&app, "u-2", &person("ada")).await.unwrap();
    assert_eq!(users.unlink(&app, "u-1").await.unwrap(), Some(person("ada")));
    assert_eq!(users.unlink(&app, "u-1").await.unwrap(), None);
    assert_eq!(users.find(&app, "u-1").await.unwrap(), None);
    assert_eq!(users.find_or_create(&app, &person("ada")).await.unwrap().user_id, "u-2");
    assert_eq!(users.link(&app, "u-1", &person("ben")).await.unwrap(), LinkOutcome::Linked);
    users.unlink(&app, "u-2").await.unwrap();
    assert!(users.find_or_create(&app, &person("ada")).await.unwrap().is_new);
}

#[tokio::test]
async fn the_pages_of_an_apps_users_have_each_of_them_once() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let users = users_in(&storage.records);
    for number in 0..250 {
        users.link(&app, &format!("u-{number}"), &person(&format!("p{number}"))).await.unwrap();
    }
    users.link(&AppId::new("app2"), "foreign", &person("p0")).await.unwrap();
    let (mut seen, mut from, mut pages) = (HashSet::new(), None, 0);
    loop {
        let page = users.list(&app, from).await.unwrap();
        assert!(page.users.len() < 200 && page.users.is_sorted_by(|one, other| one.user_id < other.user_id));
        pages += 1;
        for link in page.users {
            assert_eq!(link.user_id.trim_start_matches("u-"), link.user.subject().trim_start_matches('p'));
            assert!(seen.insert(link.user_id));
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 250);
    assert!(pages >= 2, "{pages}");
}

#[tokio::test]
async fn a_sign_out_everywhere_during_a_persons_first_sign_in_is_not_lost() {
    let (storage, app) = (throwaway_records(), AppId::new("app1"));
    let store = GatedStore::new(storage.store.clone());
    let users = users_in(&Records::new(store.clone(), storage.sealer.clone(), storage.shared_clock.clone()));
    let gate = store.hold_next_put();
    let first = {
        let (users, app) = (users.clone(), app.clone());
        tokio::spawn(async move { users.find_or_create(&app, &person("ada")).await.unwrap() })
    };
    gate.reached().await;
    let ada = person("ada");
    let (ended, ()) = tokio::join!(users.end_for_user(&ada), async {
        // The sign-out reads what it ends, unless it waits for the sign-in.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        gate.open();
    });
    ended.unwrap();
    assert!(first.await.unwrap().is_new);
    assert!(!users.has_signed_in(&app, &ada).await.unwrap());
}

#[tokio::test]
async fn an_erasure_removes_the_ids_of_a_person_at_all_apps_and_leaves_those_of_others() {
    let (storage, app, removed_app) = (throwaway_records(), AppId::new("app1"), AppId::new("app2"));
    let users = users_in(&storage.records);
    let own = users.find_or_create(&app, &person("ada")).await.unwrap().user_id;
    users.link(&app, "crm-7", &person("ada")).await.unwrap();
    // An app that is configured no more is found by what the record says.
    let elsewhere = users.find_or_create(&removed_app, &person("ada")).await.unwrap().user_id;
    let of_ben = users.find_or_create(&app, &person("ben")).await.unwrap().user_id;
    let data = AppUserData::new(users.clone(), vec![app.clone()]);
    let ada = DataSubject { user: person("ada"), accounts: Vec::new() };
    let exported = data.export(&ada).await.unwrap();
    assert_eq!(exported.len(), 2);
    let at_app = exported.iter().find(|object| object["app"] == "app1").unwrap();
    assert_eq!(at_app["userIds"], serde_json::json!([own, "crm-7"]));
    assert_eq!(data.erase(&ada).await.unwrap(), 5);
    for (app, user_id) in [(&app, own.as_str()), (&app, "crm-7"), (&removed_app, elsewhere.as_str())] {
        assert_eq!(users.find(app, user_id).await.unwrap(), None, "{user_id}");
    }
    assert_eq!(users.find(&app, &of_ben).await.unwrap(), Some(person("ben")));
    assert_eq!((data.export(&ada).await.unwrap().len(), data.erase(&ada).await.unwrap()), (0, 0));
}
