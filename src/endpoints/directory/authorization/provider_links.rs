use super::PROVIDER_LOGIN_PATH;
use super::request::SignInRequest;

/// The button of another identity provider on the sign-in page. It is a link, so it works without scripts.
pub(super) struct ProviderLink {
    /// It states the application's whole request.
    pub(super) address: String,
    pub(super) label: String,
}

/// The buttons of the other identity providers of the request's directory.
pub(super) fn list_provider_links(request: &SignInRequest) -> Vec<ProviderLink> {
    let providers = request.view.directory.login_providers.iter();
    let link =
        |name: &str, label: &str| ProviderLink { address: login_address(request, name), label: label.to_owned() };
    providers.map(|provider| link(&provider.name, &provider.label)).collect()
}

/// Where the sign-in of `request` begins at the provider `name`.
pub(super) fn login_address(request: &SignInRequest, name: &str) -> String {
    let path = PROVIDER_LOGIN_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    format!("{}?{}", path.replace("{provider}", name), request.to_sign_in_query())
}
