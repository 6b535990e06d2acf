#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::atomic::Ordering;

use crate::accounts::directory_users::UserChangeError;
use crate::accounts::directory_users::test_samples::{RIGHT, SHOP, Stage, profile, stage};
use crate::domain::{
    DirectoryUser, PasswordPolicy, ProviderIdentity, Secret, TenantId, UserKey, UserNames, UserStatus,
};

fn identity(name: &str) -> ProviderIdentity {
    ProviderIdentity {
        provider: "contoso".to_owned(),
        key: UserKey::from_parts("https://login.example", name),
        is_proven: true,
    }
}

impl Stage {
    async fn first_sign_in(&self, name: &str) -> DirectoryUser {
        self.users.create_for_identity(&SHOP, identity(name), UserNames::default()).await.unwrap()
    }

    async fn owner(&self, name: &str) -> Option<String> {
        self.users.find_by_identity(&SHOP, &identity(name).key).await.unwrap().map(|user| user.id)
    }
}

#[tokio::test]
async fn a_first_sign_in_makes_a_user_without_password_name_and_address_who_is_found_again() {
    let mut stage = stage();
    let long = "x".repeat(255);
    let names = UserNames { display: Some(" Ada ".to_owned()), given: Some(long), family: Some("a\nb".to_owned()) };
    let ada = stage.users.create_for_identity(&SHOP, identity("ada"), names).await.unwrap();
    assert_eq!(ada.names, UserNames { display: Some("Ada".to_owned()), ..UserNames::default() });
    assert_eq!((ada.emails.len(), ada.user_name.as_deref(), ada.has_password), (0, None, false));
    assert_eq!((ada.active, ada.status), (true, UserStatus::Pending));
    assert_eq!(ada.identities, [identity("ada")]);
    stage.restart();
    assert_eq!(stage.users.find_by_identity(&SHOP, &identity("ada").key).await.unwrap(), Some(ada.clone()));
    assert_eq!(stage.first_sign_in("ada").await, ada);
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 1);
    let elsewhere = TenantId::new("other");
    assert_eq!(stage.users.find_by_identity(&elsewhere, &identity("ada").key).await.unwrap(), None);
    let of_another_issuer = UserKey::from_parts("https://other.example", "ada");
    assert_eq!(stage.users.find_by_identity(&SHOP, &of_another_issuer).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_sign_ins_of_one_person_at_once_make_one_user() {
    let stage = stage();
    let sign_ins: Vec<_> = (0..8)
        .map(|_| {
            let users = stage.users.clone();
            let names = UserNames::default();
            tokio::spawn(async move { users.create_for_identity(&SHOP, identity("ada"), names).await.unwrap().id })
        })
        .collect();
    let mut ids = Vec::new();
    for sign_in in sign_ins {
        ids.push(sign_in.await.unwrap());
    }
    ids.dedup();
    assert_eq!((ids.len(), stage.users.list(&SHOP, 0, 9, None).await.unwrap().total), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_identity_that_several_users_link_at_once_is_that_of_one() {
    let stage = stage();
    let mut links = Vec::new();
    for number in 0..6 {
        let (users, id) = (stage.users.clone(), stage.create(&format!("u{number}"), RIGHT).await.id);
        links.push(tokio::spawn(async move { users.link_identity(&SHOP, &id, identity("ada")).await }));
    }
    let mut winners = Vec::new();
    for link in links {
        match link.await.unwrap() {
            Ok(user) => winners.push(user.id),
            Err(error) => assert!(matches!(error, UserChangeError::Taken), "{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(stage.owner("ada").await, winners.pop());
}

#[tokio::test]
async fn an_identity_that_is_anothers_cannot_be_linked_and_ones_own_is_linked_once() {
    let stage = stage();
    let (ada, ben) = (stage.create("ada", RIGHT).await, stage.first_sign_in("ben").await);
    let taken = stage.users.link_identity(&SHOP, &ada.id, identity("ben")).await;
    assert!(matches!(taken, Err(UserChangeError::Taken)));
    assert_eq!(stage.owner("ben").await, Some(ben.id));
    for _ in 0..2 {
        let linked = stage.users.link_identity(&SHOP, &ada.id, identity("ada")).await.unwrap();
        assert_eq!(linked.identities, [identity("ada")]);
    }
    let unknown = stage.users.link_identity(&SHOP, "unknown", identity("eve")).await;
    assert!(matches!(unknown, Err(UserChangeError::Unknown)));
    assert_eq!(stage.owner("eve").await, None);
    for number in 1..10 {
        stage.users.link_identity(&SHOP, &ada.id, identity(&format!("ada{number}"))).await.unwrap();
    }
    let eleventh = stage.users.link_identity(&SHOP, &ada.id, identity("one more")).await;
    assert!(matches!(eleventh, Err(UserChangeError::BadProfile(_))));
    assert!(stage.users.link_identity(&SHOP, &ada.id, identity("ada1")).await.is_ok());
}

#[tokio::test]
async fn a_session_that_has_ended_links_nothing() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    assert!(stage.users.end_sessions(&SHOP, &ada.id).await.unwrap());
    let late = stage.users.link_own_identity(&SHOP, &ada, identity("eve")).await;
    assert!(matches!(late, Err(UserChangeError::ChangedMeanwhile)), "{late:?}");
    assert_eq!(stage.owner("eve").await, None);
    let present = stage.find(&ada.id).await.unwrap();
    assert!(present.identities.is_empty());
    let linked = stage.users.link_own_identity(&SHOP, &present, identity("ada")).await.unwrap();
    assert_eq!(linked.identities, [identity("ada")]);
}

#[tokio::test]
async fn an_identity_is_given_up_unless_the_user_could_then_not_sign_in() {
    let stage = stage();
    let ada = stage.first_sign_in("ada").await;
    let unlink = async |name: &str| stage.users.unlink_identity(&SHOP, &ada.id, &identity(name).key).await;
    assert!(matches!(unlink("ada").await, Err(UserChangeError::LastIdentity)));
    stage.users.link_identity(&SHOP, &ada.id, identity("other")).await.unwrap();
    assert_eq!(unlink("ada").await.unwrap().unwrap().identities, [identity("other")]);
    assert!(unlink("ada").await.unwrap().is_none(), "it is no more the user's");
    assert_eq!(stage.owner("ada").await, None);
    assert!(matches!(unlink("other").await, Err(UserChangeError::LastIdentity)));
    let password = RIGHT.into();
    stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("ada"), Some(&password)).await.unwrap();
    assert!(unlink("other").await.unwrap().unwrap().identities.is_empty());
    let anew = stage.first_sign_in("ada").await;
    assert_ne!(anew.id, ada.id, "the person signs in for the first time");
    assert!(stage.users.unlink_identity(&SHOP, "unknown", &identity("ada").key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_users_identities_are_free() {
    let stage = stage();
    let ada = stage.first_sign_in("ada").await;
    assert!(stage.users.delete(&SHOP, &ada.id).await.unwrap());
    assert_eq!(stage.owner("ada").await, None);
    let anew = stage.first_sign_in("ada").await;
    assert_ne!(anew.id, ada.id);
}

#[tokio::test]
async fn a_user_who_is_deleted_while_an_identity_is_linked_does_not_come_back() {
    let (stage, store) = stage().gated();
    let ada = stage.create("ada", RIGHT).await;
    let gate = store.hold_next_put();
    let (users, id) = (stage.users.clone(), ada.id.clone());
    let linking = tokio::spawn(async move { users.link_identity(&SHOP, &id, identity("ada")).await });
    gate.reached().await;
    let (users, id) = (stage.users.clone(), ada.id.clone());
    let deletion = tokio::spawn(async move { users.delete(&SHOP, &id).await.unwrap() });
    gate.open();
    assert!(linking.await.unwrap().is_ok());
    assert!(deletion.await.unwrap());
    assert_eq!((stage.find(&ada.id).await, stage.owner("ada").await), (None, None));
}

#[tokio::test]
async fn a_first_sign_in_that_the_store_refuses_half_way_leaves_no_user_and_succeeds_later() {
    let (stage, store) = stage().gated();
    let gate = store.hold_next_put();
    let users = stage.users.clone();
    let sign_in =
        tokio::spawn(async move { users.create_for_identity(&SHOP, identity("ada"), UserNames::default()).await });
    gate.reached().await;
    let second = store.hold_next_put();
    gate.open();
    second.reached().await;
    store.puts_fail.store(true, Ordering::SeqCst);
    second.open();
    assert!(matches!(sign_in.await.unwrap(), Err(UserChangeError::Store(_))));
    assert_eq!(stage.owner("ada").await, None);
    store.puts_fail.store(false, Ordering::SeqCst);
    let ada = stage.first_sign_in("ada").await;
    assert_eq!(stage.owner("ada").await, Some(ada.id));
}

#[tokio::test]
async fn an_administrator_changes_a_user_who_signs_in_at_another_provider_without_a_login_of_ours() {
    let stage = stage();
    let ada = stage.first_sign_in("ada").await;
    let mut written = profile("ada");
    (written.user_name, written.emails, written.active) = (None, Vec::new(), Some(false));
    let disabled = stage.users.replace(&SHOP, &stage.settings, &ada.id, written.clone(), None).await.unwrap();
    assert!(!disabled.active && disabled.ended_sessions > ada.ended_sessions);
    assert_eq!(disabled.identities, ada.identities);
    let password = RIGHT.into();
    let with_password = stage.users.replace(&SHOP, &stage.settings, &ada.id, written, Some(&password)).await;
    assert!(matches!(with_password, Err(UserChangeError::BadProfile(_))), "a password needs a login");
}

#[tokio::test]
async fn an_identity_that_an_administrator_has_written_is_proven_by_a_sign_in_and_doubted_after_a_new_password() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let written = ProviderIdentity { is_proven: false, ..identity("ada") };
    stage.users.link_identity(&SHOP, &ada.id, written).await.unwrap();
    let has_proven = async || {
        let user = stage.users.find_by_identity(&SHOP, &identity("ada").key).await.unwrap().unwrap();
        user.has_proven(&identity("ada").key)
    };
    assert!(!has_proven().await, "it serves to sign in alone");
    stage.users.prove_identity(&SHOP, &ada.id, &identity("ada").key).await.unwrap();
    assert!(has_proven().await);
    let password = Secret::from("another long password");
    stage.users.set_password(&SHOP, &PasswordPolicy::default(), &ada.id, &password).await.unwrap();
    assert!(!has_proven().await, "the administrator knows the password");
}
