//! The methods of [`Stage`] that concern the gateway: its address, its configuration, the manifest and what is printed, and
//! the users that the stage signs in there.

use std::path::Path;

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use url::Url;

use super::admission::{RequestHead, host_header, is_loopback_host};
use super::directories::DIRECTORIES;
use super::guide::{GatewayReplicas, OperatorListener, configuration, manifest, secrets, walkthrough, welcome};
use super::stage::Stage;

impl Stage {
    /// A bot-sso configuration (TOML) with every bot and connection of the stage. Also attaches the gateway to the
    /// stage.
    #[must_use]
    pub fn configuration(&self, gateway: &str, listen: &str, data_directory: &Path) -> String {
        self.attach_gateway(gateway);
        configuration(&self.services.facts, gateway, listen, data_directory)
    }

    /// Adds a listener for the operator on `listen` (`127.0.0.1:port`), with a new admin token, to the configuration. The
    /// manifest and the printed texts then name its address and its token.
    pub fn add_operator_listener(&self, listen: &str) {
        let admin_token = format!("{}-secret-of-the-local-stage", self.services.entropy.hex_id());
        self.services.facts.set_operator_listener(OperatorListener { address: listen.to_owned(), admin_token });
    }

    /// Puts replicas beside the gateway. The configuration then names the store that they share, the manifest lists them, and the
    /// stage's channel and bots call each in turn. An address that cannot be parsed is ignored.
    pub fn add_replicas(&self, replicas: GatewayReplicas) {
        let others = replicas.others.iter().filter_map(|base| Url::parse(base).ok()).collect();
        self.services.bots.services.gateway.set_others(others);
        self.services.facts.set_replicas(replicas);
    }

    /// The environment variables to which the configuration refers for secrets, with their values.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        secrets(&self.services.facts)
    }

    /// The manifest for programs that play the client and the channel.
    #[must_use]
    pub fn manifest(&self, gateway: &str) -> Value {
        manifest(&self.services.facts, gateway)
    }

    /// The route `GET /dev/manifest.json` for the gateway's own listener. Also tells the stage the gateway's address
    /// ([`Stage::attach_gateway`]).
    pub fn routes(&self, gateway: &str) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
        self.attach_gateway(gateway);
        let (services, gateway) = (self.services.clone(), gateway.to_owned());
        move |config: &mut ServiceConfig| {
            let (services, gateway) = (services.clone(), gateway.clone());
            config.route(
                "/dev/manifest.json",
                web::get().to(move |request: HttpRequest| {
                    let (path, query) = (request.path(), request.query_string());
                    let head = RequestHead { method: request.method(), path, query, headers: request.headers() };
                    let is_local = is_loopback_host(host_header(head.headers));
                    let is_admitted = is_local && !head.is_from_foreign_page(&services.page_origins);
                    let (services, gateway) = (services.clone(), gateway.clone());
                    async move {
                        if !is_admitted {
                            return HttpResponse::Forbidden().finish();
                        }
                        services.preparation.wait().await;
                        HttpResponse::Ok().json(manifest(&services.facts, &gateway))
                    }
                }),
            );
        }
    }

    /// What `bot-sso dev` prints first: one line with the address of the page, the addresses of all listeners, and the
    /// settings of bots that run elsewhere.
    #[must_use]
    pub fn welcome(&self, gateway: &str) -> String {
        welcome(&self.services.facts, gateway)
    }

    /// Commands to paste into a shell, which show a sign-in step by step. `None` if the stage has no demo bot with a
    /// connection, no user who signs in or no user who lacks consent.
    #[must_use]
    pub fn walkthrough(&self, gateway: &str) -> Option<String> {
        walkthrough(&self.services.facts, gateway)
    }

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
        for entry in &DIRECTORIES {
            let Some(provider) = entry.provider else { continue };
            if let Some(connection) = directory.find_shared_connection(provider.connection) {
                let (tenant, name) = (entry.tenant_id, provider.name);
                register(connection.client_id, &format!("/oauth/v4/{tenant}/providers/{name}/callback"));
            }
        }
        self.services.bots.services.gateway.set(url);
    }

    /// Prepares users at the gateway: links those of the stage's apps, signs in those whose tokens the apps may read, and makes the
    /// users of directories. From the call on, readers of the manifest wait for it. The playground does not list what it does,
    /// and the call log does not count it.
    pub fn prepare_users(&self, gateway: &str) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (services, gateway) = (self.services.clone(), gateway.to_owned());
        services.preparation.begin();
        services.events.pause(true);
        async move {
            tokio::join!(services.app_user_links.link_all(&gateway), services.directory_users.make_all(&gateway));
            services.events.pause(false);
            services.calls.reset();
            services.preparation.finish();
        }
    }
}
