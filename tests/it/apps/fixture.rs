use bot_sso::dev::User;
use bot_sso::domain::{SecretHash, UserKey};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{ADMIN_TOKEN, Answer, Harness, Options};

pub const TOKEN: &str = "service-token-of-app1-secret-of-the-local-stage";
pub const OTHER_TOKEN: &str = "service-token-of-app2-secret-of-the-local-stage";
pub const ORIGIN: &str = "https://app.example.com";
const BACK: &str = "https://app.example.com/back";

/// The application with the apps `app1` and `app2`, whose front ends get our token in the query, and `code-app`, whose front
/// end gets a code.
pub struct Apps {
    pub harness: Harness,
    pub options: Options,
}

/// What a sign-in has given to the front end of an app.
pub struct SignedIn {
    /// Our token for the app's user.
    pub token: String,
    pub user_id: String,
    pub is_new: bool,
}

impl Apps {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// As [`Apps::start`], with these lines in the section of `app1`.
    pub async fn with(of_app1: &str) -> Self {
        let section = |id: &str, token: &str, more: &str| {
            let hash = SecretHash::of(token).to_text();
            format!(
                "[apps.{id}]\nservice_token_sha256 = [\"{hash}\"]\nconnection = \"demo-graph\"\n\
                 login_origins = [\"{ORIGIN}\"]\n{more}\n"
            )
        };
        let query = "redirect_token = \"query\"\n";
        let appended = [
            section("app1", TOKEN, &format!("{query}{of_app1}")),
            section("app2", OTHER_TOKEN, query),
            section("code-app", "service-token-of-code-app-secret-of-the-local-stage", ""),
        ];
        let options =
            Options { appended: appended.concat(), offline_access: true, operations: true, ..Options::default() };
        let harness = Harness::with(Options { ..clone(&options) }).await;
        for app in &harness.stage.directory().apps {
            for id in ["app1", "app2", "code-app"] {
                let callback = format!("http://127.0.0.1:1/api/apps/{id}/auth/sso/callback");
                harness.stage.allow_redirect(app.client_id, &callback);
            }
        }
        Self { harness, options }
    }

    /// Restarts the application with the same store.
    pub async fn restart(&mut self) {
        self.harness.restart(&clone(&self.options)).await;
    }

    /// Signs `user` in to `app` in a browser; returns the address that the browser is sent back to.
    pub async fn sign_in_at(&self, app: &str, user: &str) -> Url {
        let mut browser = self.harness.browser();
        let login = format!("/api/apps/{app}/auth/sso/login?app_id={app}&from_url={}", BACK.replace(':', "%3A"));
        let begun = browser.get(&login).await;
        assert_eq!(begun.status, 302, "{}", begun.text());
        let callback = browser.log_in(&Url::parse(begun.location()).unwrap(), user).await;
        let mut answer = browser.get(&callback).await;
        while answer.status == 302 && !answer.location().starts_with(ORIGIN) {
            answer = browser.get(answer.location()).await;
        }
        assert_eq!(answer.status, 302, "{}", answer.text());
        Url::parse(answer.location()).unwrap()
    }

    /// Signs `user` in to `app`, whose front end gets our token in the query.
    pub async fn sign_in(&self, app: &str, user: &str) -> SignedIn {
        let back = self.sign_in_at(app, user).await;
        let token = parameter(&back, "access_token");
        let me = self.me(app, &token).await;
        assert_eq!(me.status, 200, "{}", me.text());
        let user_id = me.json()["id"].as_str().unwrap().to_owned();
        SignedIn { token, user_id, is_new: parameter(&back, "is_new_user") == "true" }
    }

    pub async fn me(&self, app: &str, token: &str) -> Answer {
        self.get(&format!("/api/apps/{app}/entities/User/me"), token, &[]).await
    }

    pub async fn get(&self, path: &str, bearer: &str, more: &[(&str, &str)]) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend_from_slice(more);
        self.harness.send("GET", path, &headers, Vec::new()).await
    }

    /// Reads the access token of `user_id` of `app1` with its service token.
    pub async fn read(&self, user_id: &str) -> Answer {
        self.get(&access_path("app1", user_id), TOKEN, &[]).await
    }

    /// Reads the access token of `user_id` of `app1` on behalf of the user of `token`.
    pub async fn read_for(&self, user_id: &str, token: &str) -> Answer {
        self.get(&access_path("app1", user_id), TOKEN, &[("on-behalf-of", &format!("Bearer {token}"))]).await
    }

    /// Reads the ID token of `user_id` of `app1`.
    pub async fn read_id_token(&self, user_id: &str) -> Answer {
        self.get(&format!("/api/apps/app1/auth/sso/idtoken/{user_id}"), TOKEN, &[]).await
    }

    /// A call of the operator.
    pub async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.harness.send(method, &format!("{}{path}", self.harness.operations), &headers, body).await
    }

    pub async fn link(&self, app: &str, user_id: &str, user: &str) -> Answer {
        let person = json!({ "user": self.key(user).to_string() });
        self.admin("PUT", &format!("/admin/apps/{app}/users/{user_id}"), &person).await
    }

    pub async fn unlink(&self, app: &str, user_id: &str) -> Answer {
        self.admin("DELETE", &format!("/admin/apps/{app}/users/{user_id}"), &Value::Null).await
    }

    pub fn key(&self, user: &str) -> UserKey {
        let User { oid, tid, .. } = self.harness.user(user);
        UserKey::entra(oid, tid)
    }
}

pub fn access_path(app: &str, user_id: &str) -> String {
    format!("/api/apps/{app}/auth/sso/accesstoken/{user_id}")
}

pub fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found
        .unwrap_or_else(|| panic!("no {name}: {:?}", url.query_pairs().map(|(key, _)| key).collect::<Vec<_>>()))
        .1
        .into()
}

/// Asserts a refusal in the form that all versions of Base44's SDK read.
pub fn assert_refused(case: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    let body = answer.json();
    assert_eq!((&body["error"]["code"], &body["code"]), (&code.into(), &code.into()), "{case}");
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{case}");
    assert_eq!((&body["message"], &body["detail"]), (&body["error"]["message"], &body["error"]["message"]), "{case}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
}

fn clone(options: &Options) -> Options {
    let Options { appended, offline_access, operations, .. } = options;
    Options {
        appended: appended.clone(),
        offline_access: *offline_access,
        operations: *operations,
        ..Options::default()
    }
}
