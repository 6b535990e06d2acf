#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::domain::{BotName, ChannelId, ConnectionName};
use crate::records::testing::{ThrowawayRecords, throwaway_records, throwaway_replicas};

fn ada() -> Account {
    Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), "29:ada")
}

fn identity(tenant: &str) -> StatedIdentity {
    StatedIdentity { object_id: Some("oid".to_owned()), tenant_ids: vec![tenant.to_owned()], ..Default::default() }
}

fn statements(beneath: &ThrowawayRecords) -> Arc<ChannelStatements> {
    Arc::new(ChannelStatements::new(&beneath.records))
}

/// Waits until no background write is left, and returns what another process would find.
async fn stored(beneath: &ThrowawayRecords, statements: &Arc<ChannelStatements>) -> Option<StatedIdentity> {
    while Arc::strong_count(statements) > 1 {
        tokio::task::yield_now().await;
    }
    self::statements(beneath).find(&ada()).await.unwrap()
}

#[tokio::test]
async fn a_statement_counts_for_an_hour_after_it_was_last_made() {
    let beneath = throwaway_records();
    let statements = statements(&beneath);
    statements.note(&ada(), &identity("t")).await;
    assert_eq!(statements.find(&ada()).await.unwrap(), Some(identity("t")), "before it is written");
    assert_eq!(stored(&beneath, &statements).await, Some(identity("t")));
    beneath.clock.advance(Duration::from_mins(10));
    statements.note(&ada(), &identity("t")).await;
    beneath.clock.advance(Duration::from_mins(55));
    assert_eq!(statements.find(&ada()).await.unwrap(), Some(identity("t")));
    assert_eq!(stored(&beneath, &statements).await, None, "it was written once");
    beneath.clock.advance(Duration::from_mins(6));
    assert_eq!(statements.find(&ada()).await.unwrap(), None);
}

#[tokio::test]
async fn a_statement_is_written_again_after_a_quarter_of_an_hour_or_when_it_changes() {
    let beneath = throwaway_records();
    let statements = statements(&beneath);
    statements.note(&ada(), &identity("t")).await;
    statements.note(&ada(), &identity("u")).await;
    assert_eq!(stored(&beneath, &statements).await, Some(identity("u")));
    beneath.clock.advance(Duration::from_mins(16));
    statements.note(&ada(), &identity("u")).await;
    stored(&beneath, &statements).await;
    beneath.clock.advance(Duration::from_mins(50));
    assert_eq!(stored(&beneath, &statements).await, Some(identity("u")));
}

#[tokio::test]
async fn an_incomplete_statement_is_not_noted_and_a_sign_out_ends_a_statement() {
    let beneath = throwaway_records();
    let statements = statements(&beneath);
    statements.note(&ada(), &StatedIdentity { tenant_ids: Vec::new(), ..identity("t") }).await;
    statements.note(&ada(), &StatedIdentity { object_id: None, ..identity("t") }).await;
    assert_eq!(statements.find(&ada()).await.unwrap(), None);
    statements.note(&ada(), &identity("t")).await;
    stored(&beneath, &statements).await;
    statements.end(&[TokenSlot::new(&ada(), &ConnectionName::new("graph"))]).await.unwrap();
    assert_eq!(statements.find(&ada()).await.unwrap(), None);
    assert_eq!(stored(&beneath, &statements).await, None);
}

#[tokio::test]
async fn a_statement_is_of_the_entra_user_of_one_of_its_tenants_and_of_nobody_else() {
    let beneath = throwaway_records();
    let statements = statements(&beneath);
    let stated = StatedIdentity { tenant_ids: vec!["host".to_owned(), "Home".to_owned()], ..identity("") };
    statements.note(&ada(), &stated).await;
    stored(&beneath, &statements).await;
    let subject = |user: &UserKey| DataSubject { user: user.clone(), accounts: Vec::new() };
    for other in [
        UserKey::entra("oid", "elsewhere"),
        UserKey::entra("other", "home"),
        UserKey::from_parts("https://issuer.example", "oid"),
        UserKey::of_directory("home", "oid"),
    ] {
        assert!(statements.export(&subject(&other)).await.unwrap().is_empty(), "{other}");
        assert_eq!(statements.erase(&subject(&other)).await.unwrap(), 0, "{other}");
    }
    assert_eq!(statements.find(&ada()).await.unwrap(), Some(stated.clone()));
    assert_eq!(stored(&beneath, &statements).await, Some(stated));
    let user = UserKey::entra("OID", "HOME");
    assert_eq!(statements.export(&subject(&user)).await.unwrap().len(), 1);
    assert_eq!(statements.end_for_user(&user).await.unwrap(), 1);
    assert_eq!(statements.find(&ada()).await.unwrap(), None);
    assert_eq!(stored(&beneath, &statements).await, None);
}

#[tokio::test]
async fn what_is_stated_at_one_replica_is_found_at_another_until_a_third_signs_the_user_out() {
    let beneath = throwaway_replicas(3).await;
    let replicas: Vec<_> = beneath.replicas.iter().map(|records| Arc::new(ChannelStatements::new(records))).collect();
    replicas[0].note(&ada(), &identity("t")).await;
    assert_eq!(replicas[1].find(&ada()).await.unwrap(), Some(identity("t")));
    replicas[1].note(&ada(), &identity("u")).await;
    assert_eq!(replicas[0].find(&ada()).await.unwrap(), Some(identity("u")), "the record counts, and no memory");
    replicas[2].end(&[TokenSlot::new(&ada(), &ConnectionName::new("graph"))]).await.unwrap();
    for replica in &replicas {
        assert_eq!(replica.find(&ada()).await.unwrap(), None);
    }
    // The replicas that stated before have learnt that they have to write again.
    while replicas[1].recent.by_account.get(&ada()).is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    replicas[1].note(&ada(), &identity("u")).await;
    assert_eq!(replicas[0].find(&ada()).await.unwrap(), Some(identity("u")));
    assert_eq!(replicas[2].end_for_user(&UserKey::entra("oid", "u")).await.unwrap(), 1);
    assert_eq!(replicas[1].find(&ada()).await.unwrap(), None);
}
