/// The differences between a harness and the plain one.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing about the configuration")]
pub struct Options {
    /// `after_exchange` of the bot `demo`; `notify` if empty. With `preset` the key is not written.
    pub after_exchange: &'static str,
    /// TOML at the end of the file; it begins inside the sub-tables of `[bots.demo]`.
    pub appended: String,
    /// Lines put into `[bots.demo.identity]`.
    pub identity: String,
    /// Lines put into every connection.
    pub connection: String,
    /// Whether the connections ask for `offline_access`.
    pub offline_access: bool,
    /// Whether the application has an operator's listener.
    pub operations: bool,
    /// The endpoint of the bot `demo` if it is not the recording bot.
    pub endpoint: Option<String>,
    /// Lines put into `[bots.demo]`.
    pub bot: &'static str,
    /// Lines put into `[channels]`.
    pub channels: &'static str,
    /// Lines put into `[token_service]`.
    pub token_service: &'static str,
    /// Whether the application runs in development mode and admits callers without a token.
    pub anonymous: bool,
    /// A wrong client secret.
    pub client_secret: Option<&'static str>,
    /// The text between the brackets of `credentials` of the connection `graph` of `demo`, which replace its secret.
    pub credentials: String,
    /// The environment variables that override the configuration.
    pub environment: Vec<(String, String)>,
    /// Whether `public_url` is the application's real address, so that browsers can return to it. Otherwise no server
    /// listens on `public_url`.
    pub reachable: bool,
    /// The lines of `[store]`; if empty, those of a store in a file of the harness.
    pub store: String,
}
