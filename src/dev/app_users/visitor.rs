use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::Instant;
use url::Url;

use crate::outbound::{Outbound, RelayHeaders, RelayRequest};

/// The time limit for one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of a page that is read, in bytes.
const MAX_PAGE_BYTES: usize = 256 * 1024;
/// How many redirects are followed in a row.
const MAX_REDIRECTS: usize = 8;

/// A browser without a person: it follows redirects, keeps cookies, and sends forms.
pub(super) struct Visitor {
    outbound: Outbound,
    cookies: Vec<(String, String)>,
}

/// Where a visit has led to.
pub(super) enum Visit {
    /// A page, with its address.
    Page {
        /// The address.
        url: Url,
        /// The page's text.
        text: String,
    },
    /// A redirect to an address that begins as it was asked for. It is not visited.
    Led,
}

/// What a page is asked for.
#[derive(Clone, Copy)]
struct PageRequest<'r> {
    url: &'r Url,
    /// The fields of a form; `None` for GET.
    form: Option<&'r [(&'r str, &'r str)]>,
}

/// An answer to a page's request.
struct PageAnswer {
    status: u16,
    location: Option<Url>,
    text: String,
}

impl Visitor {
    pub(super) const fn new(outbound: Outbound) -> Self {
        Self { outbound, cookies: Vec::new() }
    }

    /// Opens `url`, and follows redirects until one leads to an address that begins with `end`.
    ///
    /// # Errors
    /// A sentence on the page that could not be opened.
    pub(super) async fn open(&mut self, url: &Url, end: &str) -> Result<Visit, String> {
        self.visit(PageRequest { url, form: None }, end).await
    }

    /// Sends a form to `url`, and goes on as [`Self::open`].
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) async fn send(&mut self, url: &Url, form: &[(&str, &str)], end: &str) -> Result<Visit, String> {
        self.visit(PageRequest { url, form: Some(form) }, end).await
    }

    async fn visit(&mut self, first: PageRequest<'_>, end: &str) -> Result<Visit, String> {
        let mut url = first.url.clone();
        let mut answer = self.request(first).await?;
        for _ in 0..MAX_REDIRECTS {
            match answer.location {
                Some(next) if next.as_str().starts_with(end) => return Ok(Visit::Led),
                Some(next) => {
                    answer = self.request(PageRequest { url: &next, form: None }).await?;
                    url = next;
                }
                None if answer.status == 200 => return Ok(Visit::Page { url, text: answer.text }),
                None => return Err(format!("{} answered {}", url.path(), answer.status)),
            }
        }
        Err(format!("{} led to too many redirects", url.path()))
    }

    async fn request(&mut self, page: PageRequest<'_>) -> Result<PageAnswer, String> {
        let mut headers = RelayHeaders::default();
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.append("cookie", pairs.join("; ").as_bytes());
        }
        let body = page.form.map(|fields| {
            headers.append("content-type", b"application/x-www-form-urlencoded");
            Bytes::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
        });
        let request = RelayRequest {
            method: if body.is_some() { "POST" } else { "GET" }.to_owned(),
            url: page.url.clone(),
            headers,
            body: body.unwrap_or_default(),
            counted_as: "app users".into(),
        };
        let relayed = self.outbound.relay(request, Instant::now() + PAGE_TIMEOUT).await;
        let relayed = relayed.map_err(|error| error.to_string())?;
        let mut location = None;
        for (name, value) in relayed.headers.iter() {
            let value = String::from_utf8_lossy(value);
            match name {
                "location" => location = page.url.join(&value).ok(),
                "set-cookie" => self.keep_cookie(&value),
                _ => {}
            }
        }
        let status = relayed.status;
        let mut text = Vec::new();
        let mut chunks = std::pin::pin!(relayed.into_stream());
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            if text.len() > MAX_PAGE_BYTES {
                return Err(format!("{} is too long", page.url.path()));
            }
        }
        Ok(PageAnswer { status, location, text: String::from_utf8_lossy(&text).into_owned() })
    }

    /// Keeps the cookie of a `Set-Cookie` header. All hosts are this machine, so each host gets all cookies.
    fn keep_cookie(&mut self, header: &str) {
        let pair = header.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            self.cookies.retain(|(known, _)| known != name.trim());
            self.cookies.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
}
