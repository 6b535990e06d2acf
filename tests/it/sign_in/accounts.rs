//! Whose account it is: the tenant that the browser is sent to, and "not this account" (docs/connections.md
//! §Which account signs in).

use std::time::Duration;

use bot_sso::dev::GrantKind;
use serde_json::Value;
use url::Url;

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner, web_chat};
use crate::harness::{Harness, Options, activities, write_private};

const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const CANCEL: &[(&str, &str)] = &[("decision", "cancel")];

/// The tenant segment of an address at Entra.
fn segment(url: &Url) -> &str {
    url.path_segments().unwrap().next().unwrap()
}

fn prompt(url: &Url) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == "prompt").map(|(_, value)| value.into_owned())
}

/// The tenants at which codes were redeemed, in turn.
fn redeemed_at(harness: &Harness) -> Vec<String> {
    let codes =
        harness.stage.calls().snapshot().requests.into_iter().filter(|call| call.grant == GrantKind::AuthorizationCode);
    codes.map(|call| call.tenant).collect()
}

/// A harness whose bot `demo` has one more connection, `other`, for these tenants.
async fn with_tenants(directory: &tempfile::TempDir, tenants: &str) -> Harness {
    let secret = directory.path().join("secret");
    write_private(&secret, "demo-app-secret-of-the-local-stage");
    let appended = format!(
        "[connections.demo-other]\nname = \"other\"\nbot = \"demo\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"https://graph.microsoft.com/User.Read\"]\ntenants = {tenants}\n",
        secret.display()
    );
    Harness::with(Options { appended, ..Options::default() }).await
}

async fn other_card(harness: &Harness, activity: &Value) -> Value {
    harness.sign_in_resource(activity, "other").await
}

/// A Teams activity of Ada in a conversation of this tenant.
fn in_tenant(harness: &Harness, tenant: &str) -> Value {
    let mut activity = activities::teams(harness, &harness.user("Ada"));
    activity["conversation"]["tenantId"] = tenant.into();
    activity
}

#[tokio::test]
async fn the_browser_and_its_code_go_to_the_tenant_of_the_chat() {
    let harness = Harness::start().await;
    let fay = harness.user("Fay");
    let mut browser = harness.browser();
    let authorize = browser.begin(&teams_card(&harness, "Fay").await).await;
    assert_eq!(segment(&authorize), fay.tid);
    let callback = browser.log_in(&authorize, "Fay").await;
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(redeemed_at(&harness), [fay.tid]);
    let page = browser.get(&last).await;
    assert!(page.text().contains("You are signed in"), "the channel has named her: {}", page.text());
    assert_eq!(token_owner(&harness.get_token("msteams", "29:fay", "graph").await), fay.oid);
}

#[tokio::test]
async fn a_link_that_is_opened_again_after_a_try_that_never_came_back_goes_where_the_connection_says() {
    let harness = Harness::start().await;
    let (ada, fay) = (harness.user("Ada"), harness.user("Fay"));
    // A shared channel states the host's tenant, in which Ada has no account.
    let resource = harness.sign_in_resource(&in_tenant(&harness, fay.tid), "graph").await;
    let mut browser = harness.browser();
    for _ in 0..2 {
        assert_eq!(segment(&browser.begin(&resource).await), fay.tid, "a double click goes to one place");
    }
    harness.clock.advance(Duration::from_mins(1));
    for _ in 0..2 {
        assert_eq!(segment(&browser.begin(&resource).await), "organizations");
    }
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(redeemed_at(&harness), ["organizations"], "where the browser was");
    let asked = browser.get(&last).await;
    assert!(!asked.text().contains("id=\"other-account\""), "she is who the chat names: {}", asked.text());
    assert_eq!(segment(&browser.begin(&resource).await), fay.tid, "the last try came back");
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:ada", &code).await), ada.oid);
}

#[tokio::test]
async fn a_try_that_returned_with_an_error_counts_as_returned() {
    let harness = Harness::start().await;
    let resource = teams_card(&harness, "Fay").await;
    let mut browser = harness.browser();
    for _ in 0..2 {
        let authorize = browser.begin(&resource).await;
        assert_eq!(segment(&authorize), harness.user("Fay").tid);
        let given_up = browser.give_up(&authorize).await;
        browser.get(&given_up).await;
    }
}

#[tokio::test]
async fn head_does_not_count_as_a_try() {
    let harness = Harness::start().await;
    let resource = teams_card(&harness, "Fay").await;
    for _ in 0..2 {
        let head = harness.browser().head(resource["signInLink"].as_str().unwrap()).await;
        assert_eq!(segment(&Url::parse(head.location()).unwrap()), harness.user("Fay").tid);
    }
    assert_eq!(segment(&harness.browser().begin(&resource).await), harness.user("Fay").tid);
}

#[tokio::test]
async fn the_browser_is_not_sent_to_a_tenant_that_is_not_admitted_or_is_no_guid() {
    let directory = tempfile::tempdir().unwrap();
    let contoso = Harness::start().await.user("Ada").tid;
    let harness = with_tenants(&directory, &format!("[\"{contoso}\"]")).await;
    let fabrikam = in_tenant(&harness, harness.user("Fay").tid);
    assert_eq!(segment(&harness.browser().begin(&other_card(&harness, &fabrikam).await).await), contoso);
    for stated in [PERSONAL, "../../evil", "organizations", "99999999-9999-4999-8999-999999999999"] {
        let resource = harness.sign_in_resource(&in_tenant(&harness, stated), "graph").await;
        assert_eq!(segment(&harness.browser().begin(&resource).await), "organizations", "{stated}");
    }
    let mut users_own = in_tenant(&harness, harness.user("Fay").tid);
    users_own["from"]["tenantId"] = contoso.into();
    let resource = harness.sign_in_resource(&users_own, "graph").await;
    assert_eq!(segment(&harness.browser().begin(&resource).await), contoso, "the user's own is nearer than the chat's");
}

#[tokio::test]
async fn the_guid_of_zeros_counts_as_no_stated_tenant() {
    let directory = tempfile::tempdir().unwrap();
    let harness = with_tenants(&directory, "\"any_organization\"").await;
    for nil in ["00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"] {
        let card = other_card(&harness, &in_tenant(&harness, nil)).await;
        assert_eq!(segment(&harness.browser().begin(&card).await), "organizations", "{nil}");
        let contoso = harness.user("Ada").tid;
        let mut of_chat = in_tenant(&harness, contoso);
        of_chat["from"]["tenantId"] = nil.into();
        let card = other_card(&harness, &of_chat).await;
        assert_eq!(segment(&harness.browser().begin(&card).await), contoso, "{nil}: the chat's is stated");
    }
}

#[tokio::test]
async fn personal_accounts_sign_in_where_they_are_admitted() {
    let directory = tempfile::tempdir().unwrap();
    let contoso = Harness::start().await.user("Ada").tid;
    for (tenants, expected) in [
        ("\"any_organization\"".to_owned(), "organizations"),
        ("\"any_account\"".to_owned(), "common"),
        (format!("[\"{contoso}\", \"{PERSONAL}\"]"), "common"),
        (format!("[\"{PERSONAL}\"]"), "consumers"),
    ] {
        let harness = with_tenants(&directory, &tenants).await;
        let resource = other_card(&harness, &web_chat(&harness, WEB_CHAT_USER)).await;
        let mut browser = harness.browser();
        let authorize = browser.begin(&resource).await;
        assert_eq!(segment(&authorize), expected, "{tenants}");
        if expected == "consumers" {
            continue;
        }
        let callback = browser.log_in(&authorize, "Ada").await;
        assert_eq!(browser.get(&callback).await.status, 302, "{tenants}");
        assert_eq!(redeemed_at(&harness), [expected]);
        let authorize = browser.begin(&resource).await;
        let callback = browser.log_in(&authorize, "Fay").await;
        let fays = browser.get(&callback).await.status;
        assert_eq!(fays == 302, !tenants.starts_with('['), "{tenants}: the list still counts at common");
    }
}

#[tokio::test]
async fn a_user_who_cancels_can_choose_an_account_the_next_time_also_with_a_new_card() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    assert_eq!(prompt(&authorize), None);
    let callback = browser.log_in(&authorize, "Ben").await;
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(prompt(&browser.begin(&resource).await), None, "the question was not answered yet");
    browser.post(&last, CANCEL).await;
    for resource in [&resource, &card(&harness).await] {
        assert_eq!(prompt(&browser.begin(resource).await).as_deref(), Some("select_account"));
    }
    let mail = harness.sign_in_resource(&web_chat(&harness, WEB_CHAT_USER), "mail").await;
    assert_eq!(prompt(&browser.begin(&mail).await), None, "of another connection nothing is known");

    let code = browser.finish(&resource, "Ada").await.code();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_user_who_cancels_at_the_provider_can_choose_an_account_the_next_time() {
    let harness = Harness::start().await;
    let resource = teams_card(&harness, "Ada").await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let given_up = browser.give_up(&authorize).await;
    browser.get(&given_up).await;
    assert_eq!(prompt(&browser.begin(&resource).await).as_deref(), Some("select_account"));
}

#[tokio::test]
async fn a_user_with_an_account_of_a_refused_tenant_can_choose_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let contoso = Harness::start().await.user("Ada").tid;
    let tenants = format!("[\"{contoso}\", \"99999999-9999-4999-8999-999999999999\"]");
    let harness = with_tenants(&directory, &tenants).await;
    let resource = other_card(&harness, &web_chat(&harness, WEB_CHAT_USER)).await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Fay").await;
    for _ in 0..2 {
        let page = browser.get(&callback).await;
        assert_notice("Fay's tenant", &page, 403, "TenantNotAllowed");
        let text = page.text();
        let again = text.split_once("id=\"again\" href=\"").unwrap().1.split('"').next().unwrap();
        assert_eq!(browser.get(again).await.status, 302, "{text}");
    }
    let authorize = browser.begin(&resource).await;
    assert_eq!(prompt(&authorize).as_deref(), Some("select_account"));
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_eq!(browser.get(&callback).await.status, 302);
}

#[tokio::test]
async fn a_user_other_than_the_one_teams_names_sees_that_and_is_offered_another_account() {
    let harness = Harness::start().await;
    let ada = harness.user("Ada");
    let mut browser = harness.browser();
    let resource = teams_card(&harness, "Ada").await;
    let last = browser.arrive(&resource, "Ben").await;
    let asked = browser.get(&last).await.text();
    assert!(asked.contains("This is not the account of your chat") && asked.contains("ben@contoso.example"), "{asked}");
    let (_, rest) = asked.split_once("<a href=\"").unwrap();
    let again = rest.split('"').next().unwrap().to_owned();
    assert_eq!(prompt(&browser.begin(&resource).await).as_deref(), Some("select_account"), "the link of the card, too");

    assert_notice("no cookie", &harness.browser().get(&again).await, 403, "OtherBrowser");
    let mut stranger = harness.browser();
    stranger.begin(&card(&harness).await).await;
    assert_notice("another browser", &stranger.get(&again).await, 403, "OtherBrowser");
    assert_eq!((browser.head(&again).await.status, harness.browser().head(&again).await.status), (302, 403));
    let answer = browser.get(&again).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let authorize = Url::parse(answer.location()).unwrap();
    assert_eq!(prompt(&authorize).as_deref(), Some("select_account"));
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    assert!(browser.get(&last).await.text().contains("You are signed in"));
    assert_eq!(token_owner(&harness.get_token("msteams", "29:ada", "graph").await), ada.oid);
    assert_notice("of a step that was never", &browser.get("/api/oauth/signin?again=x").await, 410, "StateUnknown");
}

#[tokio::test]
async fn a_user_whom_the_channel_does_not_name_sees_no_offer_of_another_account() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let mut unnamed = activities::teams(&harness, &harness.user("Ada"));
    unnamed["from"].as_object_mut().unwrap().remove("aadObjectId");
    let unnamed = harness.sign_in_resource(&unnamed, "graph").await;
    for resource in [card(&harness).await, unnamed] {
        let last = browser.arrive(&resource, "Ben").await;
        let asked = browser.get(&last).await.text();
        assert!(asked.contains("<form") && !asked.contains("other-account"), "{asked}");
    }
}
