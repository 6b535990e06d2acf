use actix_web::HttpRequest;

/// Where the stage listens, and the names that its issuers make from that.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// Base URL of the plain listener, `http://127.0.0.1:port`.
    pub(super) http_base: String,
    /// Base URL of the TLS listener, `https://localhost:port`.
    pub(super) https_base: String,
}

impl Addresses {
    /// The base URL of the listener this request came in on.
    pub(super) fn base_url_for(&self, request: &HttpRequest) -> &str {
        if request.app_config().secure() { &self.https_base } else { &self.http_base }
    }

    /// v2 issuer of a tenant; `{tenantid}` gives the template of the multi-tenant documents.
    pub(super) fn v2_issuer(&self, tid: &str) -> String {
        format!("{}/{tid}/v2.0", self.https_base)
    }

    /// v1 issuer of a tenant, with its trailing slash.
    pub(super) fn v1_issuer(&self, tid: &str) -> String {
        format!("{}/sts/{tid}/", self.https_base)
    }

    /// Issuer of channel tokens.
    pub(super) fn channel_issuer(&self) -> String {
        format!("{}/channel", self.https_base)
    }

    /// Issuer of the workload's assertions.
    pub(super) fn workload_issuer(&self) -> String {
        format!("{}/workload", self.https_base)
    }

    /// Where bots post activities; what channel tokens carry as `serviceurl`.
    pub(super) fn service_url(&self) -> String {
        format!("{}/connector/", self.http_base)
    }
}
