/// How a harness differs from the plain one.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing about the configuration")]
pub struct Options {
    /// `after_exchange` of the bot `demo`; `notify` if empty.
    pub after_exchange: &'static str,
    /// More TOML inside `[bots.demo]`'s sub-tables or at the end of the file.
    pub appended: String,
    /// Lines put into `[bots.demo.identity]`.
    pub identity: String,
    /// Lines put into every connection.
    pub connection: String,
    /// Whether the connections ask for `offline_access`.
    pub offline_access: bool,
    /// Whether the operator has a listener.
    pub operations: bool,
    /// A bot endpoint other than the recorder.
    pub endpoint: Option<String>,
    /// Lines put into `[bots.demo]`.
    pub bot: &'static str,
    /// Lines put into `[channels]`.
    pub channels: &'static str,
    /// Lines put into `[token_service]`.
    pub token_service: &'static str,
    /// In development mode, in which who calls without a token is let in.
    pub anonymous: bool,
    /// A client secret other than the right one.
    pub client_secret: Option<&'static str>,
    /// `credentials` of the connection `graph` of `demo`, in the place of its secret: what stands between the brackets.
    pub credentials: String,
    /// The environment that the configuration is read in.
    pub environment: Vec<(String, String)>,
    /// Whether `public_url` leads here, so that browsers can be sent back; it leads nowhere otherwise.
    pub reachable: bool,
}
