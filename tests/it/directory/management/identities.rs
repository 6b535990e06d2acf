//! Who users are at other identity providers, as administrators set it.

use serde_json::{Value, json};

use crate::directory::fixture::{ADA, BEN, Directories, MARKET};
use crate::directory::providers::fixture::Federation;
use crate::harness::Answer;

async fn change(directories: &Directories, method: &str, id: &str, person: &Value) -> Answer {
    directories.manage(&MARKET, method, &format!("/cloud_directory/Users/{id}/identities"), person).await
}

async fn identities_of(directories: &Directories, id: &str) -> Value {
    let read = directories.manage(&MARKET, "GET", &format!("/cloud_directory/Users/{id}"), &Value::Null).await;
    read.json()["identities"].clone()
}

#[tokio::test]
async fn a_person_linked_by_an_administrator_signs_in_as_the_user_until_the_link_is_taken_away() {
    let federation = Federation::start("managed-identities").await;
    let directories = &federation.directories;
    let (ada, ben) = (directories.create_user(&MARKET, &ADA).await, directories.create_user(&MARKET, &BEN).await);
    let person = json!({ "provider": "staff", "issuer": federation.staff.issuer, "id": "ada" });
    let linked = change(directories, "PUT", &ada, &person).await;
    assert_eq!((linked.status, &linked.json()["identities"]), (200, &json!([person])), "{}", linked.text());
    assert_eq!(federation.claims_of("ada").await["sub"], json!(ada));
    let taken = change(directories, "PUT", &ben, &person).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    assert_eq!(identities_of(directories, &ben).await, Value::Null);
    let again = change(directories, "PUT", &ada, &person).await;
    assert_eq!((again.status, &again.json()["identities"]), (200, &json!([person])), "{}", again.text());

    assert_eq!(change(directories, "DELETE", &ben, &person).await.status, 404, "it is another user's");
    let unlinked = change(directories, "DELETE", &ada, &person).await;
    assert_eq!((unlinked.status, unlinked.json().get("identities")), (200, None), "{}", unlinked.text());
    assert_eq!(change(directories, "DELETE", &ada, &person).await.status, 404);
    let stranger = federation.claims_of("ada").await["sub"].clone();
    assert!(stranger != json!(ada) && stranger != json!(ben), "{stranger}");
    for event in ["directory_identity_linked", "directory_identity_unlinked"] {
        assert_eq!(directories.audited(event, Some(&ada)).await["administrator"], "manager-of-market", "{event}");
    }
}

#[tokio::test]
async fn the_only_way_by_which_a_user_signs_in_is_not_taken_away() {
    let federation = Federation::start("managed-last-identity").await;
    let directories = &federation.directories;
    let id = federation.claims_of("ada").await["sub"].as_str().unwrap().to_owned();
    let person = identities_of(directories, &id).await[0].clone();
    assert_eq!(person, json!({ "provider": "staff", "issuer": federation.staff.issuer, "id": "ada" }));
    let refused = change(directories, "DELETE", &id, &person).await;
    assert_eq!((refused.status, &refused.json()["scimType"]), (400, &json!("invalidValue")), "{}", refused.text());
    assert_eq!(federation.claims_of("ada").await["sub"], json!(id));
}

#[tokio::test]
async fn an_identity_names_a_provider_of_the_directory_an_issuer_and_an_id() {
    let federation = Federation::start("managed-bad-identities").await;
    let directories = &federation.directories;
    let id = directories.create_user(&MARKET, &ADA).await;
    let issuer = federation.staff.issuer.as_str();
    let person = |provider: &str, issuer: &str, id: &str| json!({ "provider": provider, "issuer": issuer, "id": id });
    for bad in [
        person("elsewhere", issuer, "ada"),
        person("cloud_directory", issuer, "ada"),
        person("staff", "", "ada"),
        person("staff", "entra:contoso", "ada"),
        person("staff", "cloud_directory:market", &id),
        person("staff", issuer, ""),
        json!({ "provider": "staff", "id": "ada" }),
        json!({ "provider": "staff", "issuer": issuer }),
        json!([]),
    ] {
        let refused = change(directories, "PUT", &id, &bad).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text());
    }
    let good = person("staff", issuer, "ada");
    assert_eq!(change(directories, "PUT", "nobody", &good).await.status, 404);
    let path = format!("/cloud_directory/Users/{id}/identities");
    for method in ["PUT", "DELETE"] {
        assert_eq!(directories.manage_as(MARKET.caller("reader"), method, &path, &good).await.status, 403);
    }
    let profile = json!({ "emails": [{ "value": ADA.email }], "identities": [good] });
    let path = format!("/cloud_directory/Users/{id}");
    let written = directories.manage(&MARKET, "PUT", &path, &profile).await;
    assert_eq!(
        (written.status, written.json().get("identities")),
        (200, None),
        "a profile sets none: {}",
        written.text()
    );
}
