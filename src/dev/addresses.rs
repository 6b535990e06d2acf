use actix_web::HttpRequest;

/// How a listener of the stage is served. The application of a listener has it as application data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Plain http.
    Plain,
    /// TLS.
    Tls,
}

impl Transport {
    /// How the listener is served that received `request`.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(Self::Plain)
    }

    /// The scheme of the listener's URLs.
    pub(super) const fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }
}

/// The path at which the gateway serves the module that answers sign-in cards in Web Chat.
pub(super) const SINGLE_SIGN_ON_MODULE: &str = "/web-chat/single-sign-on.js";

/// The base URLs of the stage's listeners, and the issuers and URLs that start with them.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// Base URL of the plain listener, `http://127.0.0.1:port`.
    pub(super) http_base: String,
    /// Base URL of the TLS listener, `https://localhost:port`.
    pub(super) https_base: String,
}

impl Addresses {
    /// The base URL of the listener that received `request`.
    pub(super) fn base_url_for(&self, request: &HttpRequest) -> &str {
        if Transport::of(request) == Transport::Tls { &self.https_base } else { &self.http_base }
    }

    /// The v2 issuer of the tenant `tid`. With `{tenantid}` in place of an id, the template in the multi-tenant metadata.
    pub(super) fn v2_issuer(&self, tid: &str) -> String {
        format!("{}/{tid}/v2.0", self.https_base)
    }

    /// The v1 issuer of the tenant `tid`, with its trailing slash.
    pub(super) fn v1_issuer(&self, tid: &str) -> String {
        format!("{}/sts/{tid}/", self.https_base)
    }

    /// The issuer of channel tokens.
    pub(super) fn channel_issuer(&self) -> String {
        format!("{}/channel", self.https_base)
    }

    /// The issuer of the workload's assertions.
    pub(super) fn workload_issuer(&self) -> String {
        format!("{}/workload", self.https_base)
    }

    /// The URL to which bots post activities; channel tokens carry it as `serviceurl`.
    pub(super) fn service_url(&self) -> String {
        format!("{}/connector/", self.http_base)
    }

    /// The address at which the demo bot `name` takes activities.
    pub(super) fn demo_bot(&self, name: &str) -> String {
        format!("{}/demo-bots/{name}/api/messages", self.http_base)
    }

    /// The address that lists the activities which the demo bot `name` has received.
    pub(super) fn received_by(&self, name: &str) -> String {
        format!("{}/demo-bots/{name}/received", self.http_base)
    }

    /// The `serviceUrl` of what the demo assistant `name` sends to its skills.
    pub(super) fn skill_host(&self, name: &str) -> String {
        format!("{}/demo-bots/{name}/skill-host/", self.http_base)
    }

    /// The base URL of Direct Line, to which clients append `/conversations` and `/tokens`.
    pub(super) fn direct_line(&self) -> String {
        format!("{}/v3/directline", self.http_base)
    }

    /// The address of the playground's page.
    pub(super) fn playground(&self) -> String {
        format!("{}/", self.http_base)
    }

    /// The URL at which the stage's own site gives a user a Direct Line token.
    pub(super) fn web_chat_token_url(&self) -> String {
        format!("{}/web-chat/token", self.http_base)
    }
}
