//! A browser that keeps cookies with their paths, and follows redirects only where it is told to.

use reqwest::redirect::Policy;
use url::Url;

use super::fixture::{Person, TestApp, encoded};
use super::forms::{Form, forms};
use crate::harness::Answer;

/// A browser. [`Clone`] is another browser with the same cookies, as a stolen profile would be; a tab shares the cookies with
/// the browser, so tests use the same browser for it.
#[derive(Clone)]
pub struct Browser {
    base: String,
    http: reqwest::Client,
    /// The cookies of this machine: browsers do not tell its ports apart.
    pub cookies: Vec<Cookie>,
}

/// A cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub path: String,
}

/// A page that a browser shows.
pub struct Page {
    pub url: Url,
    pub answer: Answer,
}

/// What a browser brings to an app's redirect URI.
#[derive(Debug)]
pub struct Arrival {
    /// The whole address.
    pub url: Url,
    /// `code`, empty if there is none.
    pub code: String,
    /// `error`, empty if there is none.
    pub error: String,
}

impl Browser {
    pub fn new(base: &str) -> Self {
        // A connection of its own for each request: none is left over from before a restart.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).redirect(Policy::none());
        Self { base: base.to_owned(), http: http.build().unwrap(), cookies: Vec::new() }
    }

    /// The cookie whose name begins with `prefix`.
    pub fn cookie(&self, prefix: &str) -> Option<&Cookie> {
        self.cookies.iter().find(|cookie| cookie.name.starts_with(prefix))
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        self.request("GET", url, &[], None).await
    }

    /// Sends a form of the page at `page`, filled with `typed`, as a person who presses its button.
    pub async fn send_form(&mut self, page: &str, form: &Form, typed: &[(&str, &str)]) -> Answer {
        let action = self.absolute(page).join(&form.action).unwrap();
        self.post(action.as_str(), &form.filled(typed)).await
    }

    /// Posts these fields, with the `Origin` of the application's own pages.
    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.base.clone();
        self.request("POST", url, &[("origin", &origin)], Some(fields)).await
    }

    /// Opens `url`, and follows redirects to the page that they lead to.
    pub async fn visit(&mut self, url: &str) -> Page {
        let url = self.absolute(url);
        let answer = self.get(url.as_str()).await;
        self.follow(Page { url, answer }).await
    }

    /// Follows the redirects with which a page may have been answered.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        while (301..=308).contains(&page.answer.status) {
            page.url = page.url.join(page.answer.location()).unwrap();
            page.answer = self.get(page.url.as_str()).await;
        }
        page
    }

    /// Fills in the login page that the browser shows, and follows redirects to the page that it leads to.
    pub async fn log_in_at(&mut self, page: Page, person: &Person) -> Page {
        let Page { url, answer } = page;
        let answer = self.log_in(url.as_str(), &answer, person.email, person.password).await;
        self.follow(Page { url, answer }).await
    }

    /// Any request. `url`: a path of the application, or an address of this machine.
    pub async fn request(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let url = self.absolute(url);
        assert_eq!(url.host_str(), Some("127.0.0.1"), "{url}");
        let mut request = self.http.request(method.parse().unwrap(), url.clone());
        let cookies: Vec<_> = self.cookies.iter().filter(|cookie| cookie.fits(url.path())).map(Cookie::pair).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded(form));
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(cookie);
        }
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Makes an authorization request of `app` with `more` parameters. The answer is the login page, or a redirect.
    pub async fn authorize(&mut self, app: &TestApp, more: &[(&str, &str)]) -> Answer {
        self.get(&app.authorization(more)).await
    }

    /// Signs `person` in to `app`, whose request gets the login page.
    pub async fn sign_in(&mut self, app: &TestApp, person: &Person) -> Arrival {
        self.sign_in_with(app, person, &[]).await
    }

    /// As [`Browser::sign_in`], with `more` parameters of the authorization request.
    pub async fn sign_in_with(&mut self, app: &TestApp, person: &Person, more: &[(&str, &str)]) -> Arrival {
        let page = self.authorize(app, more).await;
        let answer = self.log_in(&app.authorization(more), &page, person.email, person.password).await;
        Arrival::of(&answer, app)
    }

    /// Fills in and sends the login page that was opened at `url`.
    pub async fn log_in(&mut self, url: &str, page: &Answer, login: &str, password: &str) -> Answer {
        assert_eq!(page.status, 200, "{}", page.text());
        let form = login_form(page);
        let typed = [(form.login_field(), login), (form.password_field(), password)];
        self.send_form(url, &form, &typed).await
    }

    /// Goes through an authorization request of `app` that must not show a page.
    pub async fn sign_in_silently(&mut self, app: &TestApp) -> Arrival {
        let answer = self.authorize(app, &[]).await;
        Arrival::of(&answer, app)
    }

    fn absolute(&self, url: &str) -> Url {
        Url::parse(&self.base).unwrap().join(url).unwrap()
    }

    fn keep(&mut self, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let attribute = |name: &str| attributes.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let path = attribute("path").map_or("/", |(_, path)| path).to_owned();
        self.cookies.retain(|cookie| cookie.name != name || cookie.path != path);
        if attribute("max-age").is_none_or(|(_, seconds)| *seconds != "0") {
            self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), path });
        }
    }
}

impl Cookie {
    fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    /// Whether it is sent to `path` (RFC 6265 §5.1.4).
    fn fits(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.path);
        rest.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }
}

impl Arrival {
    /// Reads a redirect to the redirect URI of `app`.
    pub fn of(answer: &Answer, app: &TestApp) -> Self {
        assert!(matches!(answer.status, 302 | 303), "{} {}", answer.status, answer.text());
        let location = answer.location();
        assert!(location.starts_with(app.redirect_uri), "{location}");
        let url = Url::parse(location).unwrap();
        let find = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let (code, error) = (find("code").unwrap_or_default(), find("error").unwrap_or_default());
        Self { url, code, error }
    }

    /// A parameter of the address.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// The form of the login page.
pub fn login_form(page: &Answer) -> Form {
    let found = forms(&page.text()).into_iter().find(|form| form.fields.iter().any(|field| field.kind == "password"));
    found.unwrap_or_else(|| panic!("no login page: {} {}", page.status, page.text()))
}
