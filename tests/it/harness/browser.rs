//! A browser that keeps cookies, follows no redirect by itself, and reaches the application by its public address.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::{Answer, Harness};

/// The application's address for browsers, as the configuration states it.
const PUBLIC: &str = "http://127.0.0.1:1";

pub struct Browser<'h> {
    harness: &'h Harness,
    http: reqwest::Client,
    /// Where requests to the application go.
    base: String,
    /// The application's cookies, by name.
    pub cookies: BTreeMap<String, String>,
}

impl Harness {
    /// A browser without cookies.
    pub fn browser(&self) -> Browser<'_> {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Browser { harness: self, http, base: self.base.clone(), cookies: BTreeMap::new() }
    }
}

impl Browser<'_> {
    pub async fn get(&mut self, url: &str) -> Answer {
        self.request("GET", url, &[], None).await
    }

    /// Submits a form, and gets the page that the answer leads to if it is 303.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.submit(url, form).await;
        if answer.status == 303 { self.get(answer.location()).await } else { answer }
    }

    /// Submits a form, and follows no redirect.
    pub async fn submit(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        self.request("POST", url, &[("origin", PUBLIC)], Some(form)).await
    }

    pub async fn head(&mut self, url: &str) -> Answer {
        self.request("HEAD", url, &[], None).await
    }

    /// Another tab: what it sends has the same cookies.
    pub fn tab(&self) -> Self {
        let mut tab = self.harness.browser();
        tab.cookies.clone_from(&self.cookies);
        tab.base.clone_from(&self.base);
        tab
    }

    /// From here on, requests to the application go to the replica at `base`.
    pub fn go_to(&mut self, base: &str) -> &mut Self {
        base.clone_into(&mut self.base);
        self
    }

    pub async fn request(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let url = if url.starts_with('/') { format!("{PUBLIC}{url}") } else { url.to_owned() };
        let ours = url.starts_with(PUBLIC);
        let mut request = self.http.request(method.parse().unwrap(), url.replacen(PUBLIC, &self.base, 1));
        if ours && !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        if ours {
            for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Follows a card's link; returns the identity provider's address that the application redirects to.
    pub async fn begin(&mut self, resource: &Value) -> Url {
        let answer = self.get(resource["signInLink"].as_str().unwrap()).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        Url::parse(answer.location()).unwrap()
    }

    /// Signs `user`, who consents to everything, in to the local tenant; returns the address that the browser is sent
    /// back to.
    pub async fn log_in(&mut self, authorize: &Url, user: &str) -> String {
        let user = self.harness.user(user);
        let fields = [("username", user.name), ("password", user.password), ("consent", "yes")];
        self.at_login_page(authorize, &fields).await
    }

    /// Cancels the sign-in at the local tenant; returns the address that the browser is sent back to.
    pub async fn give_up(&mut self, authorize: &Url) -> String {
        self.at_login_page(authorize, &[("username", ""), ("password", ""), ("cancel", "yes")]).await
    }

    async fn at_login_page(&mut self, authorize: &Url, fields: &[(&str, &str)]) -> String {
        let page = self.get(authorize.as_str()).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let text = page.text();
        let ticket = text.split_once("name=\"ticket\" value=\"").unwrap().1.split('"').next().unwrap();
        let mut form = vec![("ticket", ticket)];
        form.extend_from_slice(fields);
        let answer = self.post(authorize.as_str(), &form).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.location().to_owned()
    }

    /// Signs `user` in from a card's link on; returns the address of the application's last page.
    pub async fn arrive(&mut self, resource: &Value, user: &str) -> String {
        let authorize = self.begin(resource).await;
        let callback = self.log_in(&authorize, user).await;
        let answer = self.get(&callback).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.location().to_owned()
    }

    /// Signs `user` in from a card's link on and confirms on the last page; returns the page with the code.
    pub async fn finish(&mut self, resource: &Value, user: &str) -> Answer {
        let last = self.arrive(resource, user).await;
        let asked = self.get(&last).await;
        assert_eq!(asked.status, 200, "{}", asked.text());
        self.post(&last, &[("decision", "continue")]).await
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no Location: {} {}", self.status, self.text()))
    }

    /// The six-digit code on a page.
    pub fn code(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("id=\"code\">").unwrap_or_else(|| panic!("no code: {} {text}", self.status));
        rest.split('<').next().unwrap().to_owned()
    }
}
