//! `bot-sso dev` has one of each caller that is no bot: what its manifest says of add-ins, back ends and apps is true.

mod add_ins;
mod apps;
mod back_ends;
mod walkthrough;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::harness::Answer;
use crate::harness::development::Development;

/// The stage in a process of its own, its manifest, and a client that follows no redirects.
struct RunningStage {
    development: Development,
    manifest: Value,
    http: reqwest::Client,
}

/// How a request authenticates.
#[derive(Clone, Copy)]
enum Proof<'p> {
    None,
    Bearer(&'p str),
    Basic { client_id: &'p str, secret: &'p str },
}

impl RunningStage {
    async fn start() -> Self {
        let development = Development::start_with(&[]);
        let manifest = development.manifest().await;
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { development, manifest, http }
    }

    async fn send(&self, request: reqwest::RequestBuilder, proof: Proof<'_>) -> Answer {
        let request = match proof {
            Proof::None => request,
            Proof::Bearer(token) => request.bearer_auth(token),
            Proof::Basic { client_id, secret } => {
                request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}"))))
            }
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    async fn get(&self, url: &str, proof: Proof<'_>) -> Answer {
        self.send(self.http.get(url), proof).await
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)], proof: Proof<'_>) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(request, proof).await
    }

    /// The user of the manifest with this name.
    fn user(&self, name: &str) -> &Value {
        find(&self.manifest["users"], |user| user["name"] == name)
    }

    /// A token of the user `name` for `scope`, by the password grant with the client `office`.
    async fn office_token(&self, name: &str, scope: &str) -> String {
        let (user, office) = (self.user(name), find(&self.manifest["clients"], |client| client["name"] == "office"));
        let endpoint = text(&self.manifest["tenant"]["token_endpoint"]);
        let endpoint = endpoint.replace(text(&self.manifest["tenant"]["id"]), text(&user["tid"]));
        let fields = [
            ("grant_type", "password"),
            ("client_id", text(&office["client_id"])),
            ("username", text(&user["name"])),
            ("password", text(&user["password"])),
            ("scope", scope),
        ];
        let answer = self.post(&endpoint, &fields, Proof::None).await;
        text(&answer.json()["access_token"]).to_owned()
    }

    /// The base address of the stage.
    fn stage(&self) -> &str {
        text(&self.manifest["tenant"]["token_endpoint"]).split_once("/8c1e").unwrap().0
    }
}

fn find(list: &Value, fits: impl Fn(&Value) -> bool) -> &Value {
    list.as_array().unwrap().iter().find(|entry| fits(entry)).unwrap_or_else(|| panic!("none fits: {list}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The claims of a JWT, unverified.
fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: {token}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whether `token` is one of the stage's Graph for the user.
fn is_graph_token_of(token: &Value, user: &Value) -> bool {
    let claims = claims_of(text(token));
    claims["aud"] == "https://graph.microsoft.com" && claims["oid"] == user["oid"] && claims["tid"] == user["tid"]
}
