//! The methods of [`Stage`] that tell it of the gateway, and the gateway of its users.

use url::Url;

use super::stage::Stage;

impl Stage {
    /// Tells the demo bots the gateway's address, and registers the gateway's redirect URIs for every confidential app. A URL
    /// that cannot be parsed is ignored.
    pub fn attach_gateway(&self, gateway: &str) {
        let Ok(url) = Url::parse(gateway) else { return };
        let directory = &self.services.directory;
        let register = |client_id: &str, path: &str| {
            if let Ok(redirect) = url.join(path) {
                self.services.redirect_uris.register(client_id, redirect.as_str());
            }
        };
        for app in directory.apps.iter().filter(|app| app.secret.is_some()) {
            register(app.client_id, "/.auth/web/redirect");
        }
        for add_in in &directory.add_ins {
            register(add_in.client_id, &format!("/api/add-ins/{}/sign-in/callback", add_in.name));
        }
        for app in &directory.service_role_apps {
            if let Some(connection) = directory.find_shared_connection(app.connection) {
                register(connection.client_id, &format!("/api/apps/{}/auth/sso/callback", app.app_id));
            }
        }
        self.services.bots.services.gateway.set(url);
    }

    /// Links the users of the stage's apps at the gateway, and signs in those whose tokens the apps may read. From the call on,
    /// readers of the manifest wait for it. The playground does not list what it does, and the call log does not count it.
    pub fn link_app_users(&self, gateway: &str) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (services, gateway) = (self.services.clone(), gateway.to_owned());
        services.app_user_links.begin();
        services.events.pause(true);
        async move {
            services.app_user_links.link_all(&gateway).await;
            services.events.pause(false);
            services.calls.reset();
            services.app_user_links.finish();
        }
    }
}
