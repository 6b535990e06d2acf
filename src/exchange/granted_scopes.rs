use crate::domain::{Connection, ProviderKind};
use crate::identity_provider::RedeemedToken;

/// The scopes of [`Connection::required_granted_scopes`] that `token` was not granted, in their order.
///
/// A response without `scope` grants what was requested (RFC 6749 §5.1). `is_refresh` says that the request named no
/// scope; then it is what was granted before, which was checked then (RFC 6749 §6).
pub(super) fn missing_scopes<'a>(connection: &'a Connection, token: &RedeemedToken, is_refresh: bool) -> Vec<&'a str> {
    let required = connection.required_granted_scopes.iter().map(String::as_str);
    let granted: Vec<&str> = match &token.granted_scope {
        Some(granted) => granted.split(' ').filter(|scope| !scope.is_empty()).collect(),
        None if is_refresh => return Vec::new(),
        None => connection.scopes.iter().map(String::as_str).collect(),
    };
    required.filter(|required| !granted.iter().any(|granted| is_same(connection, required, granted))).collect()
}

/// Scopes are compared with regard to letter case (RFC 6749 §3.3). Entra disregards it, and names a scope with or
/// without its resource.
fn is_same(connection: &Connection, required: &str, granted: &str) -> bool {
    if connection.provider_kind == ProviderKind::OpenIdConnect {
        return required == granted;
    }
    let names_one_resource = |left: &str, right: &str| left.contains("://") != right.contains("://");
    let last = |scope: &str| scope.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    required.eq_ignore_ascii_case(granted) || names_one_resource(required, granted) && last(required) == last(granted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BotName, ConnectionName, ConnectionRevision, ExchangePolicy, Secret, TenantPolicy, Timestamp};

    fn missing(kind: ProviderKind, required: &[&str], granted: Option<&str>, is_refresh: bool) -> Vec<String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let connection = Connection {
            bot: BotName::new("bot"),
            name: ConnectionName::new("tickets"),
            identity_provider: "corp".to_owned(),
            provider_kind: kind,
            client_id: "client".to_owned(),
            scopes: owned(&["openid", "tickets.read"]),
            required_granted_scopes: owned(required),
            continuous_access: false,
            allow_other_accounts: false,
            asks_offline_by_parameter: false,
            token_exchange_uri: None,
            exchange_uris: Vec::new(),
            aad_resources: Vec::new(),
            exchange: ExchangePolicy {
                tenants: TenantPolicy::AnyOrganization,
                audiences: Vec::new(),
                required_scopes: Vec::new(),
                authorized_clients: Vec::new(),
                allow_v1: false,
            },
            revision: ConnectionRevision([0; 16]),
        };
        let token = RedeemedToken {
            access_token: Secret::from("a"),
            expires_at: Timestamp::from_unix_seconds(0),
            granted_scope: granted.map(str::to_owned),
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        owned(&missing_scopes(&connection, &token, is_refresh))
    }

    #[test]
    fn scopes_of_other_providers_are_compared_exactly() {
        let missing = |required: &[&str], granted| missing(ProviderKind::OpenIdConnect, required, granted, false);
        assert!(missing(&["tickets.read"], Some("openid  tickets.read")).is_empty());
        assert_eq!(missing(&["tickets.read", "openid"], Some("openid Tickets.read")), ["tickets.read"]);
        assert_eq!(missing(&["tickets.read"], Some("")), ["tickets.read"]);
        assert!(missing(&[], Some("")).is_empty());
    }

    #[test]
    fn a_response_without_scope_grants_what_was_requested() {
        assert!(missing(ProviderKind::OpenIdConnect, &["tickets.read"], None, false).is_empty());
        assert_eq!(missing(ProviderKind::OpenIdConnect, &["tickets.write"], None, false), ["tickets.write"]);
        assert!(missing(ProviderKind::OpenIdConnect, &["tickets.write"], None, true).is_empty());
    }

    #[test]
    fn entras_scopes_are_compared_without_their_resource_where_one_side_has_none() {
        let missing = |required: &[&str], granted| missing(ProviderKind::Entra, required, Some(granted), false);
        let full = "profile https://graph.microsoft.com/User.Read";
        assert!(missing(&["user.read"], full).is_empty());
        assert!(missing(&["https://graph.microsoft.com/user.read"], "User.Read openid").is_empty());
        assert_eq!(missing(&["api://other/User.Read"], full), ["api://other/User.Read"]);
        assert_eq!(missing(&["Mail.Read"], full), ["Mail.Read"]);
    }
}
