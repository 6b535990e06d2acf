use std::collections::BTreeMap;

use crate::config::review::{Context, OpenIdOptions, Place, Review, RevisedSettings};
use crate::domain::{Application, Connection, ConnectionRevision, GRANTED_SCOPES, OPTIONAL_SCOPES, ProviderKind};

use super::connection::{ConnectionNames, ConnectionSection};
use super::raw::RawConnection;
use super::token_exchange::build_policy;

/// The words of `prompt` that a directory knows and that show a page.
const PROMPTS: [&str; 2] = ["login", "select_account"];

/// A connection whose users are those of the directory `names.identity_provider`. It is an application of the directory, which
/// nothing outside of this process can act as, so it has neither a client id nor credentials to write.
pub(super) fn validate(
    mut raw: RawConnection,
    names: ConnectionNames,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<ConnectionSection> {
    refuse_other_keys(&raw, review, place);
    let scopes = requested_scopes(raw.scopes.take().unwrap_or_default(), review, &place.key("scopes"));
    let prompt = raw.prompt.take().map(|text| prompt(text, review, &place.key("prompt")));
    let openid =
        OpenIdOptions { prompt: prompt.map_or(Some(None), |valid| valid.map(Some))?, ..OpenIdOptions::default() };
    let (holder, name, directory) = (names.holder?, names.name?, names.identity_provider?);
    let client_id = Application::id_of_connection(&holder, &name);
    let connection = Connection {
        revision: derive_revision(&directory, &client_id, &scopes, context),
        holder,
        name,
        identity_provider: directory,
        provider_kind: ProviderKind::Directory,
        exchange: build_policy(None, Vec::new()),
        token_exchange_uri: None,
        exchange_uris: Vec::new(),
        aad_resources: Vec::new(),
        client_id,
        scopes,
        continuous_access: false,
        allow_other_accounts: false,
        asks_offline_by_parameter: false,
        required_granted_scopes: Vec::new(),
    };
    Some(ConnectionSection {
        table: names.table,
        key: names.key,
        connection,
        credentials: Vec::new(),
        openid,
        derived_from: None,
    })
}

/// The revision of a connection to `directory`. Tokens of another tenant, or of another public address, are not reused: their
/// issuer is another one.
pub(super) fn derive_revision(
    directory: &str,
    client_id: &str,
    scopes: &[String],
    context: &Context,
) -> ConnectionRevision {
    let issuer = context.directories.get(directory).map_or("", |written| written.issuer.as_str());
    RevisedSettings {
        provider: &format!("directory {directory} {issuer}"),
        client_id,
        scopes,
        continuous_access: false,
        required_granted_scopes: &[],
        authorize_params: &BTreeMap::new(),
    }
    .derive_revision()
}

fn refuse_other_keys(raw: &RawConnection, review: &mut Review<'_>, place: &Place) {
    const OURS: &str = "bot-sso is the application of the directory that the connection stands for";
    const SILENT: &str =
        "clients have no token of a directory's users that could be exchanged: they sign in through the card";
    const GRANTED: &str = "a directory grants every scope that it knows, and those are its own";
    let written = [
        ("client_id", raw.client_id.is_some(), OURS),
        ("client_secret", raw.client_secret.is_some(), OURS),
        ("credentials", raw.credentials.is_some(), OURS),
        ("client_auth", raw.client_auth.is_some(), OURS),
        ("token_exchange_uri", raw.token_exchange_uri.is_some(), SILENT),
        ("token_exchange", raw.token_exchange.is_some(), SILENT),
        ("tenants", raw.tenants.is_some(), SILENT),
        ("required_scopes", raw.required_scopes.is_some(), SILENT),
        ("authorized_clients", !raw.authorized_clients.is_empty(), SILENT),
        ("allow_v1", raw.allow_v1, SILENT),
        ("required_granted_scopes", !raw.required_granted_scopes.is_empty(), GRANTED),
        ("exchange_uris", !raw.exchange_uris.is_empty(), "its tokens are exchanged for no others"),
        ("aad_resources", !raw.aad_resources.is_empty(), "its tokens are exchanged for no others"),
        (
            "authorize_params",
            raw.authorize_params.is_some(),
            "prompt is the only parameter that a directory takes here",
        ),
        ("continuous_access", raw.continuous_access, "Entra alone has it"),
        ("allow_other_accounts", raw.allow_other_accounts, "Teams states no account of a directory"),
    ];
    for (key, _, why) in written.iter().filter(|(_, is_written, _)| *is_written) {
        let message = format!("cannot be set where identity_provider is a directory, since {why}: leave it out");
        review.report(&place.key(key), message);
    }
}

/// What the connection asks for beyond what a directory grants in any case.
fn requested_scopes(written: Vec<String>, review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let known = || GRANTED_SCOPES.iter().chain(&OPTIONAL_SCOPES);
    for (index, scope) in written.iter().enumerate() {
        if known().any(|known| known == scope) || review.refuse_several(&written, index, place) {
            continue;
        }
        let message = match scope.as_str() {
            "offline_access" => {
                "\"offline_access\" asks a directory for nothing: its tokens are refreshed if tokens.refresh_enabled \
                                 of the directory says so. Leave it out"
                    .to_owned()
            }
            _ => format!(
                "{scope:?} is no scope of a directory: leave it out, or write {}",
                OPTIONAL_SCOPES.map(|scope| format!("{scope:?}")).join(" or ")
            ),
        };
        review.report(&place.index(index), message);
    }
    written
}

fn prompt(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let is_known = text.is_empty() || PROMPTS.contains(&text.as_str());
    if !is_known {
        let message = format!(
            "{text:?} asks a directory for nothing: write \"login\" for a page at each sign-in, \"select_account\", or \"\" for none"
        );
        review.report(place, message);
    }
    is_known.then_some(text)
}
