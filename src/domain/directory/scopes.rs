/// What every grant of a directory has, as App ID's tokens do: `APIStrategy` of its SDK demands `appid_default`
/// (docs/protocols/app-id.md §Tokens).
pub const GRANTED_SCOPES: [&str; 6] = [
    "openid",
    "appid_default",
    "appid_readprofile",
    "appid_readuserattr",
    "appid_writeuserattr",
    "appid_authenticated",
];

/// What an application of a directory may ask for beyond that.
pub const OPTIONAL_SCOPES: [&str; 2] = ["profile", "email"];
