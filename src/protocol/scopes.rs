/// Scopes that clients of Entra, such as MSAL, add to every request. They say how a user signs in, and name no permission of an
/// API (`OpenID` Connect Core §5.4, §11).
pub const PROTOCOL_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
