use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use super::visitor::{Visit, Visitor};
use crate::dev::guide::{OperatorListener, StageFacts, app_login_url, app_page};
use crate::dev::tenant::{AppUserEntry, ServiceRoleEntry, User};
use crate::outbound::{Outbound, RelayRequest};

/// The time limit for one call of the operator's listener.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Links the users of the stage's apps at the gateway. The links can be made again: the gateway keeps one of each.
pub(in crate::dev) struct AppUserLinks {
    facts: Arc<StageFacts>,
    outbound: Outbound,
}

impl AppUserLinks {
    pub(in crate::dev) const fn new(facts: Arc<StageFacts>, outbound: Outbound) -> Self {
        Self { facts, outbound }
    }

    /// Links all users of all apps, and signs in those who are to be linked to a token. A failure is logged.
    pub(in crate::dev) async fn link_all(&self, gateway: &str) {
        let Some(listener) = self.facts.find_operator_listener() else { return };
        let directory = &self.facts.directory;
        let links = directory.service_role_apps.iter().flat_map(|app| {
            let users = app.users(&directory.users).into_iter();
            users.filter_map(|entry| directory.find_user(entry.user).map(|user| AppUser { app, user, entry }))
        });
        let (listener, gateway) = (&listener, gateway.trim_end_matches('/'));
        join_all(links.map(|link| async move {
            if let Err(problem) = self.link(&link, listener, gateway).await {
                let (app, user) = (link.app.app_id, link.user.name);
                tracing::warn!(app, user, problem, "a user of an app of the stage could not be linked");
            }
        }))
        .await;
    }

    async fn link(&self, link: &AppUser<'_>, listener: &OperatorListener, gateway: &str) -> Result<(), String> {
        self.put_link(link, listener).await?;
        if link.entry.is_linked { self.sign_in(link, gateway).await } else { Ok(()) }
    }

    /// Tells the gateway, as its operator, who the app's user is.
    async fn put_link(&self, link: &AppUser<'_>, listener: &OperatorListener) -> Result<(), String> {
        let AppUser { app, user, entry } = link;
        let url = format!("http://{}/admin/apps/{}/users/{}", listener.address, app.app_id, entry.user_id);
        let authorization = format!("Bearer {}", listener.admin_token);
        let body = json!({"user": format!("{}@{}", user.oid, user.tid)});
        let request = RelayRequest {
            method: "PUT".to_owned(),
            url: Url::parse(&url).map_err(|error| error.to_string())?,
            headers: [("authorization", &*authorization), ("content-type", "application/json")].into_iter().collect(),
            body: Bytes::from(body.to_string()),
            counted_as: "app users".into(),
        };
        let answer = self.outbound.relay(request, Instant::now() + CALL_TIMEOUT).await;
        let status = answer.map_err(|error| error.to_string())?.status;
        if (200..300).contains(&status) { Ok(()) } else { Err(format!("the operator's listener answered {status}")) }
    }

    /// Signs the user in over the app's login route, as the user would in a browser.
    async fn sign_in(&self, link: &AppUser<'_>, gateway: &str) -> Result<(), String> {
        let mut login = Url::parse(&app_login_url(gateway, link.app)).map_err(|error| error.to_string())?;
        let from_url = app_page(&self.facts, link.app);
        login.query_pairs_mut().append_pair("from_url", &from_url);
        let mut visitor = Visitor::new(self.outbound.clone());
        let Visit::Page { url, text } = visitor.open(&login, &from_url).await? else { return Ok(()) };
        let ticket = find_ticket(&text).ok_or_else(|| format!("{} is not the tenant's login page", url.path()))?;
        let User { name, password, .. } = link.user;
        let form = [("ticket", ticket), ("username", *name), ("password", *password), ("consent", "yes")];
        match visitor.send(&url, &form, &from_url).await? {
            Visit::Led => Ok(()),
            Visit::Page { url, .. } => Err(format!("the sign-in ended at {}", url.path())),
        }
    }
}

/// A user of one app.
struct AppUser<'a> {
    app: &'a ServiceRoleEntry,
    user: &'a User,
    entry: AppUserEntry,
}

/// The ticket in the form of the tenant's login page.
fn find_ticket(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("name=\"ticket\" value=\"")?;
    rest.split_once('"').map(|(ticket, _)| ticket)
}
