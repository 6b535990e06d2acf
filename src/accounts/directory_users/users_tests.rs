#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::BTreeSet;

use super::UserChangeError;
use super::test_samples::{SHOP, profile, stage};
use crate::domain::{DirectorySettings, EndedAtSignOut as _, IdentityField, Secret, TenantId, UserKey};

#[tokio::test]
async fn a_user_is_found_by_id_and_by_address_or_name_in_any_letter_case_also_after_a_restart() {
    let mut stage = stage();
    let ada = stage.create("Ada", "correct horse").await;
    stage.restart();
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()));
    let by_name = DirectorySettings { identity_field: IdentityField::UserName, ..DirectorySettings::default() };
    let by_email = DirectorySettings::default();
    for (settings, login, is_found) in [
        (&by_email, "ada@example.com", true),
        (&by_email, "  ADA@Example.COM ", true),
        (&by_email, "ada", false),
        (&by_email, "", false),
        (&by_email, "ada@example.com\n.", false),
        (&by_name, "aDA", true),
        (&by_name, "ada@example.com", false),
    ] {
        let found = stage.users.find_by_login(&SHOP, settings, login).await.unwrap();
        assert_eq!(found.is_some_and(|found| found == ada), is_found, "{login}");
    }
    let other = TenantId::new("other");
    assert_eq!(stage.users.find(&other, &ada.id).await.unwrap(), None, "another directory");
    assert_eq!(stage.users.find_by_login(&other, &by_email, "ada@example.com").await.unwrap(), None);
}

#[tokio::test]
async fn the_pages_of_a_list_have_each_user_once_in_the_order_of_ids_with_the_total() {
    let stage = stage();
    let mut ids = BTreeSet::new();
    for number in 0..7 {
        ids.insert(stage.create(&format!("u{number}"), "correct horse").await.id);
    }
    let list = async |start, count, query| stage.users.list(&SHOP, start, count, query).await.unwrap();
    let (first, second) = (list(0, 4, None).await, list(4, 4, None).await);
    assert_eq!((first.total, second.total), (7, 7));
    let listed: Vec<_> = first.users.iter().chain(&second.users).map(|user| user.id.clone()).collect();
    assert_eq!(listed, ids.into_iter().collect::<Vec<_>>());
    let found = list(0, 4, Some("U3@EXAMPLE")).await;
    assert_eq!((found.total, found.users[0].user_name.as_deref()), (1, Some("u3")));
    assert_eq!((list(0, 0, None).await.users.len(), list(9, 4, None).await.users.len()), (0, 0));
    assert_eq!(list(3, 4, Some("@example.com")).await.users.len(), 4);
    assert_eq!(list(0, 4, Some("nobody")).await.total, 0);
    assert_eq!(stage.users.list(&TenantId::new("other"), 0, 4, None).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_list_shows_users_that_were_created_changed_and_deleted_since() {
    let mut stage = stage();
    let (ada, ben) = (stage.create("ada", "correct horse").await, stage.create("ben", "correct horse").await);
    for is_restarted in [false, true] {
        if is_restarted {
            stage.restart();
        }
        assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 2);
    }
    let eve = stage.create("eve", "correct horse").await;
    stage.users.delete(&SHOP, &ben.id).await.unwrap();
    stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("adele"), None).await.unwrap();
    for is_restarted in [false, true] {
        if is_restarted {
            stage.restart();
        }
        let page = stage.users.list(&SHOP, 0, 9, Some("ad")).await.unwrap();
        assert_eq!((page.total, page.users[0].user_name.as_deref()), (1, Some("adele")));
        let all = stage.users.list(&SHOP, 0, 9, None).await.unwrap();
        let ids: BTreeSet<_> = all.users.iter().map(|user| user.id.as_str()).collect();
        assert_eq!(ids, BTreeSet::from([ada.id.as_str(), eve.id.as_str()]));
    }
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_sessions_and_refresh_tokens_of_that_user() {
    let mut stage = stage();
    let (ada, ben) = (stage.create("ada", "correct horse").await, stage.create("ben", "correct horse").await);
    stage.users.end_for_user(&UserKey::of_directory("shop", &ada.id)).await.unwrap();
    stage.users.end_for_user(&UserKey::of_directory("other", &ben.id)).await.unwrap();
    stage.users.end_for_user(&UserKey::of_directory("shop", "unknown")).await.unwrap();
    stage.users.end_for_user(&UserKey::entra(&ben.id, "shop")).await.unwrap();
    stage.restart();
    let ended = stage.find(&ada.id).await.unwrap();
    assert_eq!((ended.ended_sessions, ended.revoked_grants), (ada.ended_sessions + 1, ada.revoked_grants + 1));
    assert_eq!(stage.find(&ben.id).await, Some(ben));
}

#[tokio::test]
async fn sessions_and_refresh_tokens_end_by_calls_of_their_own() {
    let mut stage = stage();
    let ada = stage.create("ada", "correct horse").await;
    assert!(stage.users.end_sessions(&SHOP, &ada.id).await.unwrap());
    assert!(stage.users.end_sessions(&SHOP, &ada.id).await.unwrap());
    assert!(stage.users.revoke_grants(&SHOP, &ada.id).await.unwrap());
    stage.restart();
    let user = stage.find(&ada.id).await.unwrap();
    assert_eq!((user.ended_sessions, user.revoked_grants), (2, 1));
    assert!(!stage.users.end_sessions(&SHOP, "unknown").await.unwrap());
    assert!(!stage.users.revoke_grants(&TenantId::new("other"), &ada.id).await.unwrap());
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_another_one_gets_the_name_but_not_the_id() {
    let mut stage = stage();
    let ada = stage.create("ada", "correct horse").await;
    let again = stage.users.create(&SHOP, &stage.settings, profile("ADA"), &Secret::from("correct horse")).await;
    assert!(matches!(again, Err(UserChangeError::Taken)));
    assert!(stage.users.delete(&SHOP, &ada.id).await.unwrap());
    assert!(!stage.users.delete(&SHOP, &ada.id).await.unwrap());
    assert_eq!(stage.find(&ada.id).await, None);
    stage.restart();
    assert_eq!(stage.users.find_by_login(&SHOP, &stage.settings, "ada@example.com").await.unwrap(), None);
    let new = stage.create("ada", "correct horse").await;
    assert_ne!(new.id, ada.id);
    assert_eq!(stage.find(&ada.id).await, None);
}
