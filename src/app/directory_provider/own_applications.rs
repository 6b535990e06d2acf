use url::Url;

use crate::config::{Configuration, ConnectionSection};
use crate::domain::{AppId, Application, Directory, ProviderKind};
use crate::endpoints::page_sign_in::app_sign_in;
use crate::endpoints::sign_in_pages;

/// The applications that stand for connections at `directory`: one for each connection whose users are those of the directory.
/// They have no secret, so nothing outside of this process can redeem their codes.
pub(in crate::app) fn list_own_applications(config: &Configuration, directory: &Directory) -> Vec<Application> {
    let is_of_directory = |section: &&ConnectionSection| {
        let connection = &section.connection;
        connection.provider_kind == ProviderKind::Directory && connection.identity_provider == directory.name
    };
    let of_directory = config.connections.iter().filter(is_of_directory);
    of_directory.map(|section| build_application(section, &config.server.public_url)).collect()
}

fn build_application(section: &ConnectionSection, public_url: &Url) -> Application {
    let (holder, app) = (&section.connection.holder, section.connection.holder.find_app());
    let redirect_uri = match &app {
        Some(app) => app_sign_in::callback_address(public_url, app),
        None => sign_in_pages::redirect_address(public_url),
    };
    let name = app.as_ref().map_or(holder.as_str(), AppId::as_str);
    Application::own(&section.connection.client_id, name, redirect_uri.into())
}
