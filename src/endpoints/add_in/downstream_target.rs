use actix_web::http::Method;
use url::Url;

use super::downstream_path::BelowBase;

/// What is called at a downstream API.
pub(super) struct DownstreamTarget {
    pub(super) method: Method,
    pub(super) url: Url,
}

/// The address of `path` below `base`, whose own path has no slash at its end.
pub(super) fn below(base: &Url, path: &BelowBase) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), path.escaped()));
    url
}
