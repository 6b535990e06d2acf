#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::{LinkPurpose, SelfServiceLink, SelfServiceLinks};
use crate::domain::{ClockAndEntropy, SystemEntropy, TenantId};
use crate::records::testing::throwaway_records;

fn link() -> SelfServiceLink {
    SelfServiceLink {
        purpose: LinkPurpose::ResetPassword,
        user_id: "ada".to_owned(),
        address: Some("ada@contoso.example".to_owned()),
        password_changes: 1,
        client_id: Some("shop".to_owned()),
        return_to: Some("client_id=shop".to_owned()),
        grant_id: None,
    }
}

#[tokio::test]
async fn a_link_that_has_done_its_work_is_found_as_such_and_cannot_be_used_again() {
    let storage = throwaway_records();
    let ambient = ClockAndEntropy { clock: storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let links = SelfServiceLinks::new(&storage.records, ambient);
    let (tenant, link, purpose) = (TenantId::new("market"), link(), LinkPurpose::ResetPassword);
    let secret = links.draw(&tenant, &link).await.unwrap();
    assert_eq!(links.find_used(&tenant, purpose, secret.expose()).await.unwrap(), None);
    assert_eq!(links.take(&tenant, purpose, secret.expose()).await.unwrap().as_ref(), Some(&link));
    assert_eq!(links.take(&tenant, purpose, secret.expose()).await.unwrap(), None);
    links.note_used(&tenant, &link, secret.expose()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(links.take(&tenant, purpose, secret.expose()).await.unwrap(), None);
        assert_eq!(links.find(&tenant, purpose, secret.expose()).await.unwrap(), None);
        assert_eq!(links.find_used(&tenant, purpose, secret.expose()).await.unwrap().as_ref(), Some(&link));
    }
    let other = LinkPurpose::ConfirmAddress;
    assert_eq!(links.find_used(&tenant, other, secret.expose()).await.unwrap(), None, "another purpose");
    assert_eq!(links.find_used(&TenantId::new("campus"), purpose, secret.expose()).await.unwrap(), None);
}
