#![allow(clippy::unwrap_used)]
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{LinkPurpose, SelfServiceContext, SelfServiceLink, SelfServiceLinks, is_drawn};
use crate::domain::{ClockAndEntropy, SystemEntropy, TenantId};
use crate::records::testing::{ThrowawayRecords, throwaway_records};

const PURPOSES: [LinkPurpose; 3] =
    [LinkPurpose::ConfirmAddress, LinkPurpose::ResetPassword, LinkPurpose::ChangeDetails];

fn links_in(storage: &ThrowawayRecords) -> SelfServiceLinks {
    let ambient = ClockAndEntropy { clock: storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    SelfServiceLinks::new(&storage.records, ambient)
}

fn link(purpose: LinkPurpose) -> SelfServiceLink {
    SelfServiceLink {
        purpose,
        user_id: "ada".to_owned(),
        address: Some("ada@example.com".to_owned()),
        password_changes: 7,
        client_id: Some("shop".to_owned()),
        return_to: None,
        grant_id: None,
    }
}

#[tokio::test]
async fn a_link_is_found_as_often_as_asked_and_taken_once_for_its_purpose_and_directory_alone() {
    let storage = throwaway_records();
    let (links, shop, other) = (links_in(&storage), TenantId::new("shop"), TenantId::new("other"));
    for purpose in PURPOSES {
        let secret = links.draw(&shop, &link(purpose)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(links.find(&shop, purpose, secret.expose()).await.unwrap(), Some(link(purpose)));
        }
        for another in PURPOSES.into_iter().filter(|another| *another != purpose) {
            assert_eq!(links.take(&shop, another, secret.expose()).await.unwrap(), None, "{another:?}");
        }
        assert_eq!(links.take(&other, purpose, secret.expose()).await.unwrap(), None);
        assert_eq!(links.take(&shop, purpose, &secret.expose().to_uppercase()).await.unwrap(), None);
        assert_eq!(links.take(&shop, purpose, secret.expose()).await.unwrap(), Some(link(purpose)));
        assert_eq!(links.take(&shop, purpose, secret.expose()).await.unwrap(), None);
        assert_eq!(links.find(&shop, purpose, secret.expose()).await.unwrap(), None);
    }
}

fn context(purpose: LinkPurpose) -> SelfServiceContext {
    SelfServiceContext {
        purpose,
        user_id: "ada".to_owned(),
        address: "ada@example.com".to_owned(),
        password_changes: 1,
    }
}

#[tokio::test]
async fn a_link_and_a_context_end_after_an_hour() {
    let storage = throwaway_records();
    let (links, shop) = (links_in(&storage), TenantId::new("shop"));
    let purpose = LinkPurpose::ResetPassword;
    let secret = links.draw(&shop, &link(purpose)).await.unwrap();
    let context = context(purpose);
    let drawn = links.draw_context(&shop, &context).await.unwrap();
    storage.clock.advance(Duration::from_mins(59));
    assert!(links.find(&shop, purpose, secret.expose()).await.unwrap().is_some());
    storage.clock.advance(Duration::from_mins(2));
    assert_eq!(links.find(&shop, purpose, secret.expose()).await.unwrap(), None);
    assert_eq!(links.take(&shop, purpose, secret.expose()).await.unwrap(), None);
    assert_eq!(links.take_context(&shop, purpose, drawn.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn a_context_is_told_once_for_its_purpose_and_is_no_link() {
    let storage = throwaway_records();
    let (links, shop) = (links_in(&storage), TenantId::new("shop"));
    let purpose = LinkPurpose::ConfirmAddress;
    let context = context(purpose);
    let drawn = links.draw_context(&shop, &context).await.unwrap();
    assert_eq!(links.take(&shop, purpose, drawn.expose()).await.unwrap(), None);
    assert_eq!(links.take_context(&shop, LinkPurpose::ResetPassword, drawn.expose()).await.unwrap(), None);
    assert_eq!(links.take_context(&shop, purpose, drawn.expose()).await.unwrap(), Some(context));
    assert_eq!(links.take_context(&shop, purpose, drawn.expose()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_callers_who_take_one_link_at_once_one_gets_it() {
    let storage = throwaway_records();
    let (links, shop) = (links_in(&storage), TenantId::new("shop"));
    let purpose = LinkPurpose::ResetPassword;
    let secret = links.draw(&shop, &link(purpose)).await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (links, shop, secret) = (links.clone(), shop.clone(), secret.clone());
            tokio::spawn(async move { links.take(&shop, purpose, secret.expose()).await.unwrap().is_some() })
        })
        .collect();
    let mut taken = 0;
    for caller in callers {
        taken += u32::from(caller.await.unwrap());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn every_drawn_secret_differs_and_has_the_form_that_is_looked_up() {
    let storage = throwaway_records();
    let (links, shop) = (links_in(&storage), TenantId::new("shop"));
    let mut drawn = HashSet::new();
    for _ in 0..64 {
        let secret = links.draw(&shop, &link(LinkPurpose::ConfirmAddress)).await.unwrap();
        assert!(is_drawn(secret.expose()));
        drawn.insert(secret.expose().to_owned());
    }
    assert_eq!(drawn.len(), 64);
}

#[test]
fn the_name_of_each_purpose_is_read_and_no_other_text() {
    for purpose in PURPOSES {
        assert_eq!(LinkPurpose::parse(purpose.name()), Some(purpose));
        assert_eq!(LinkPurpose::parse(&purpose.name().to_uppercase()), None);
    }
    assert_eq!(LinkPurpose::parse(""), None);
}

proptest! {
    #[test]
    fn no_text_of_another_form_is_looked_up(text in "[0-9a-f]{0,63}|[0-9a-f]{65,80}|[0-9A-F]{63}[G-Z]|\\PC{0,80}") {
        let has_form = text.len() == 64 && text.chars().all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit));
        prop_assert_eq!(is_drawn(&text), has_form);
    }
}
