#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use std::sync::atomic::Ordering;

use super::SignUp;
use crate::accounts::directory_users::test_samples::{
    ADA, RIGHT, SHOP, Stage, assert_refused, is_accepted, profile, stage,
};
use crate::accounts::directory_users::{PasswordCheck, RefusedSignIn, UserChangeError, UserProfile};
use crate::accounts::passwords::PasswordFault;
use crate::domain::{AddressConfirmation, DirectoryUser, Secret, UserEmail, UserNames, UserStatus};

impl Stage {
    async fn sign_up(&self, profile: UserProfile) -> Result<SignUp, UserChangeError> {
        self.users.sign_up(&self.directories().await, &SHOP, profile, &Secret::from(RIGHT)).await
    }

    async fn confirm(&self, id: &str, address: &str) -> Option<DirectoryUser> {
        self.users.confirm_address(&SHOP, id, address).await.unwrap()
    }
}

#[track_caller]
fn created(outcome: Result<SignUp, UserChangeError>) -> DirectoryUser {
    match outcome {
        Ok(SignUp::Created(user)) => *user,
        other => panic!("{other:?}"),
    }
}

fn with_addresses(primary: &str, other: &str) -> UserProfile {
    let email = |value: &str, primary| UserEmail { value: value.to_owned(), primary };
    UserProfile { emails: vec![email(primary, true), email(other, false)], ..profile("ada") }
}

#[tokio::test]
async fn who_signs_up_is_an_active_user_without_a_confirmed_address_whatever_was_written() {
    let stage = stage();
    let written = UserProfile { active: Some(false), status: Some(UserStatus::Confirmed), ..profile("ada") };
    let ada = created(stage.sign_up(written).await);
    assert_eq!((ada.active, ada.status, ada.has_password), (true, UserStatus::Pending, true));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await), "no address has to be confirmed");
    let weak = stage.users.sign_up(&stage.directories().await, &SHOP, profile("ben"), &Secret::from("short")).await;
    assert!(matches!(weak, Err(UserChangeError::BadPassword(PasswordFault::Length))));
}

#[tokio::test]
async fn where_an_address_has_to_be_confirmed_only_the_right_password_learns_of_it() {
    let mut stage = stage();
    stage.settings.self_service.confirmation = AddressConfirmation::Required;
    let ada = created(stage.sign_up(profile("ada")).await);
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    let check = stage.sign_in(ADA, RIGHT).await;
    assert!(matches!(check, PasswordCheck::Unconfirmed { user_id } if user_id == ada.id));
    assert_eq!(stage.confirm(&ada.id, "ADA@example.com").await.unwrap().status, UserStatus::Confirmed);
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn a_sign_up_with_a_taken_name_or_address_creates_no_user_and_says_which_it_is() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let same_address = UserProfile { user_name: Some("other".to_owned()), ..profile("ADA") };
    match stage.sign_up(same_address).await.unwrap() {
        SignUp::AddressTaken(owner) => assert_eq!(owner.id, ada.id),
        other => panic!("{other:?}"),
    }
    let same_name = UserProfile { emails: profile("ben").emails, ..profile("Ada") };
    assert!(matches!(stage.sign_up(same_name).await.unwrap(), SignUp::NameTaken));
    let both = stage.sign_up(profile("ada")).await.unwrap();
    assert!(matches!(both, SignUp::NameTaken), "the name has to be told in any case");
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 1);
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn a_sign_up_with_a_taken_address_costs_the_reads_and_writes_of_one_that_creates_a_user() {
    let (stage, store) = stage().gated();
    stage.create("ada", RIGHT).await;
    let directories = stage.directories().await;
    let mut costs = Vec::new();
    for name in ["ada", "ben"] {
        let written = UserProfile { user_name: None, ..profile(name) };
        let before = store.reads.load(Ordering::SeqCst);
        let outcome = stage.users.sign_up(&directories, &SHOP, written.clone(), &Secret::from(RIGHT)).await.unwrap();
        costs.push(store.reads.load(Ordering::SeqCst) - before);
        assert_eq!(matches!(outcome, SignUp::Created(_)), name == "ben");
    }
    assert_eq!(costs[0], costs[1]);
    store.puts_fail.store(true, Ordering::SeqCst);
    for name in ["ada", "carl"] {
        let outcome = stage.users.sign_up(&directories, &SHOP, profile(name), &Secret::from(RIGHT)).await;
        assert!(matches!(outcome, Err(UserChangeError::Store(_))), "{name} writes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sign_ups_at_once_with_one_address_one_creates_a_user() {
    let stage = stage();
    let directories = stage.directories().await;
    let sign_ups: Vec<_> = (0..8)
        .map(|number| {
            let (users, directories) = (stage.users.clone(), directories.clone());
            let written = UserProfile { user_name: Some(format!("u{number}")), ..profile("ada") };
            let sign_up =
                async move { users.sign_up(&directories, &SHOP, written, &Secret::from(RIGHT)).await.unwrap() };
            tokio::spawn(sign_up)
        })
        .collect();
    let mut owners = Vec::new();
    let mut created = Vec::new();
    for sign_up in sign_ups {
        match sign_up.await.unwrap() {
            SignUp::Created(user) => created.push(user.id),
            SignUp::AddressTaken(owner) => owners.push(owner.id),
            SignUp::NameTaken => panic!("the names differ"),
        }
    }
    assert_eq!((created.len(), owners.len()), (1, 7));
    assert!(owners.iter().all(|owner| *owner == created[0]));
}

#[tokio::test]
async fn only_the_primary_address_of_a_user_can_be_confirmed() {
    let stage = stage();
    let ada = created(stage.sign_up(with_addresses("ada@example.com", "old@example.com")).await);
    for address in ["old@example.com", "eve@example.com", ""] {
        assert_eq!(stage.confirm(&ada.id, address).await, None, "{address}");
    }
    assert_eq!(stage.confirm("unknown", ADA).await, None);
    assert_eq!(stage.find(&ada.id).await.unwrap().status, UserStatus::Pending);
    let swapped = with_addresses("new@example.com", "ada@example.com");
    let swapped = UserProfile { status: None, ..swapped };
    stage.users.replace(&SHOP, &stage.settings, &ada.id, swapped, None).await.unwrap();
    assert_eq!(stage.confirm(&ada.id, ADA).await, None, "a link to the address of before");
    assert!(stage.confirm(&ada.id, "new@example.com").await.is_some());
}

#[tokio::test]
async fn an_address_that_is_replaced_while_it_is_confirmed_is_not_confirmed() {
    let (stage, store) = stage().gated();
    let ada = created(stage.sign_up(profile("ada")).await);
    let gate = store.hold_next_get();
    let (users, id) = (stage.users.clone(), ada.id.clone());
    let confirmation = tokio::spawn(async move { users.confirm_address(&SHOP, &id, ADA).await.unwrap() });
    gate.reached().await;
    let moved = UserProfile { status: None, ..profile("moved") };
    stage.users.replace(&SHOP, &stage.settings, &ada.id, moved, None).await.unwrap();
    gate.open();
    assert_eq!(confirmation.await.unwrap(), None);
    assert_eq!(stage.find(&ada.id).await.unwrap().status, UserStatus::Pending);
}

#[tokio::test]
async fn names_change_alone_and_only_to_what_a_user_can_have() {
    let mut stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let names = UserNames { display: Some(" Ada L. ".to_owned()), given: Some(String::new()), family: None };
    let changed = stage.users.change_names(&SHOP, &ada.id, names).await.unwrap();
    assert_eq!(changed.names, UserNames { display: Some("Ada L.".to_owned()), ..UserNames::default() });
    stage.restart();
    let expected = DirectoryUser { names: changed.names.clone(), modified_at: changed.modified_at, ..ada.clone() };
    assert_eq!(stage.find(&ada.id).await, Some(expected));
    for bad in ["a\nb".to_owned(), "x".repeat(255)] {
        let names = UserNames { family: Some(bad), ..UserNames::default() };
        let refused = stage.users.change_names(&SHOP, &ada.id, names).await;
        assert!(matches!(refused, Err(UserChangeError::BadProfile(_))), "{refused:?}");
    }
    let unknown = stage.users.change_names(&SHOP, "unknown", UserNames::default()).await;
    assert!(matches!(unknown, Err(UserChangeError::Unknown)));
}
