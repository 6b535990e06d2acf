/// What an app token of ours is for: everything that the application may do at one resource. Only `config` makes one,
/// so that no request can choose what we ask a token for (bot-auth §3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppScope {
    scope: String,
}

/// Client credentials are always asked for with this (entra-obo §2).
const DEFAULT: &str = "/.default";

impl AppScope {
    /// The scope of a configured resource: an app id, or an audience as `https://api.botframework.com`.
    #[must_use]
    pub fn configured_for(resource: &str) -> Self {
        Self { scope: format!("{resource}{DEFAULT}") }
    }

    /// As a token endpoint wants it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.scope
    }

    /// As a managed identity's endpoint wants it: the resource alone.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.scope.strip_suffix(DEFAULT).unwrap_or(&self.scope)
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
