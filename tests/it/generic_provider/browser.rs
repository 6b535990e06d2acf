//! A browser that does only what sign-in pages need: it keeps cookies, follows redirects on request and submits forms.

use std::collections::BTreeMap;

use url::Url;

/// A page as the browser received it.
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub location: Option<Url>,
    pub text: String,
}

/// One browser. It keeps the cookies of each host apart.
pub struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
}

/// The browser takes a longer chain of redirects for a loop.
const MAX_REDIRECTS: usize = 10;

impl Browser {
    pub fn new() -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, cookies: BTreeMap::new() }
    }

    /// Follows redirects from `page` until a page has none or redirects to an address that begins with `until`.
    pub async fn follow(&mut self, mut page: Page, until: &str) -> Page {
        for _ in 0..MAX_REDIRECTS {
            match page.location.clone() {
                Some(next) if !next.as_str().starts_with(until) => page = self.get(next).await,
                _ => return page,
            }
        }
        panic!("too many redirects, the last one from {}", page.url)
    }

    pub async fn get(&mut self, url: Url) -> Page {
        self.send(self.http.get(url.clone()), url).await
    }

    /// Submits the page's only form with its hidden fields and with `fields`.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.text.split("<form").nth(1).unwrap_or_else(|| panic!("no form on {}", page.url));
        let form = form.split("</form>").next().unwrap();
        let target = page.url.join(&attribute(form, "action").unwrap_or_default()).unwrap();
        let hidden = form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
        let hidden: Vec<_> = hidden
            .map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap_or_default()))
            .collect();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&hidden).extend_pairs(fields);
        let request = self.http.post(target.clone()).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body.finish()), target).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder, url: Url) -> Page {
        let host = url.host_str().unwrap().to_owned() + &url.port().map(|port| port.to_string()).unwrap_or_default();
        let cookies = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
        }
        let location = response.headers().get("location").map(|it| url.join(it.to_str().unwrap()).unwrap());
        Page { status: response.status().as_u16(), location, text: response.text().await.unwrap(), url }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let rest = &tag[start..];
    Some(rest[..rest.find('"')?].replace("&amp;", "&"))
}
