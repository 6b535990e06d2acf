/// The scope of an app token: all application permissions at one resource. Only `config` creates an `AppScope`, so that
/// no request can choose the resource that we request a token for (docs/protocols/bot-auth-and-skills.md §3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppScope {
    scope: String,
}

/// The suffix that the client credentials grant requires in every scope (docs/protocols/entra-obo.md §2).
const DEFAULT_SUFFIX: &str = "/.default";

impl AppScope {
    /// The scope of a configured resource: an app id, or an audience such as `https://api.botframework.com`.
    #[must_use]
    pub fn configured_for(resource: &str) -> Self {
        Self { scope: format!("{resource}{DEFAULT_SUFFIX}") }
    }

    /// The value of the `scope` parameter of a token request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.scope
    }

    /// The value of the `resource` parameter of a managed identity request: the scope without its suffix.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.scope.strip_suffix(DEFAULT_SUFFIX).unwrap_or(&self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::AppScope;

    #[test]
    fn a_scope_and_its_resource_differ_by_the_suffix() {
        let scope = AppScope::configured_for("https://api.botframework.com");
        assert_eq!(scope.as_str(), "https://api.botframework.com/.default");
        assert_eq!(scope.resource(), "https://api.botframework.com");
    }
}
