//! The routes of [`StageServices`], and the services that each endpoint gets.

use actix_web::web::{Data, ServiceConfig};

use super::channel::{
    self, BOT_TIMEOUT, BotDelivery, ChannelEndpoints, ChatUsers, Connector, DirectLine, DirectLineTokens, Uploads,
};
use super::directories::{self, AppClient, DirectoryAppServices};
use super::playground::{self, PanelServices, PlaygroundFacts, SignOuts, SwitchedServices, Switches};
use super::services::StageServices;
use super::tenant::{
    self, AssertionChecks, AuthorizationEndpoint, ClientAuthenticator, FederationChecks, GrantServices, Graph,
    TenantDiscovery, TokenEndpoint, TrustedIssuer,
};
use super::workload::{self, ManagedIdentities};
use super::{app_users, bots, controls};

impl StageServices {
    /// The routes of all parts of the stage. Routes with a fixed first segment come before those that begin with a tenant.
    pub(super) fn routes(&self) -> impl Fn(&mut ServiceConfig) + Send + Sync + 'static + use<> {
        let (directory, tokens) = (Data::from(self.directory.clone()), Data::from(self.tokens.clone()));
        let (calls, faults) = (Data::from(self.calls.clone()), Data::from(self.faults.clone()));
        let (consents, logins) = (Data::from(self.consents.clone()), Data::from(self.logins.clone()));
        let (sessions, bots) = (Data::from(self.sessions.clone()), Data::from(self.bots.clone()));
        let (discovery, authorization) = (Data::new(self.discovery()), Data::new(self.authorization_endpoint()));
        let (token_endpoint, identities) = (Data::new(self.token_endpoint()), Data::new(self.managed_identities()));
        let (channel, connector) = (Data::new(self.channel_endpoints()), Data::new(self.connector()));
        let (direct_line, page_origins) = (Data::new(self.direct_line()), Data::from(self.page_origins.clone()));
        let (page, libraries) = (Data::new(self.playground_facts()), Data::from(self.web_chat_libraries.clone()));
        let (events, panel) = (Data::from(self.events.clone()), Data::new(self.panel_services()));
        let (graph, directory_apps) = (Data::new(self.graph()), Data::new(self.directory_apps()));
        let uploads = Data::new(Uploads::new(self.channel.addresses.clone(), self.entropy.clone()));
        move |config: &mut ServiceConfig| {
            config
                .app_data(directory.clone())
                .app_data(tokens.clone())
                .app_data(calls.clone())
                .app_data(faults.clone())
                .app_data(consents.clone())
                .app_data(logins.clone())
                .app_data(sessions.clone())
                .app_data(bots.clone())
                .app_data(discovery.clone())
                .app_data(authorization.clone())
                .app_data(token_endpoint.clone())
                .app_data(graph.clone())
                .app_data(identities.clone())
                .app_data(channel.clone())
                .app_data(connector.clone())
                .app_data(direct_line.clone())
                .app_data(page_origins.clone())
                .app_data(page.clone())
                .app_data(libraries.clone())
                .app_data(events.clone())
                .app_data(panel.clone())
                .app_data(uploads.clone())
                .app_data(directory_apps.clone());
            playground::routes(config);
            app_users::routes(config);
            directories::routes(config);
            channel::routes(config);
            bots::routes(config);
            workload::routes(config);
            controls::routes(config);
            tenant::routes(config);
        }
    }

    fn playground_facts(&self) -> PlaygroundFacts {
        PlaygroundFacts {
            addresses: self.channel.addresses.clone(),
            directory: self.directory.clone(),
            gateway_address: self.bots.services.gateway.clone(),
            stage_id: self.entropy.hex_id(),
        }
    }

    fn directory_apps(&self) -> DirectoryAppServices {
        DirectoryAppServices {
            client: AppClient {
                addresses: self.channel.addresses.clone(),
                gateway: self.bots.services.gateway.clone(),
                outbound: self.bots.services.outbound.clone(),
            },
            sessions: self.directory_app_sessions.clone(),
            outbox: self.facts.outbox.clone(),
        }
    }

    fn panel_services(&self) -> PanelServices {
        let switched = SwitchedServices {
            stories: self.stories.clone(),
            consents: self.consents.clone(),
            faults: self.faults.clone(),
            sent_tokens: self.sent_tokens.clone(),
            slowness: self.bots.slowness.clone(),
        };
        PanelServices {
            directory: self.directory.clone(),
            tokens: self.tokens.clone(),
            switches: Switches::new(switched),
            sign_outs: SignOuts { facts: self.facts.clone(), outbound: self.bots.services.outbound.clone() },
        }
    }

    fn discovery(&self) -> TenantDiscovery {
        TenantDiscovery {
            directory: self.directory.clone(),
            tokens: self.tokens.clone(),
            refusals: self.refusals.clone(),
            calls: self.calls.clone(),
            faults: self.faults.clone(),
        }
    }

    fn graph(&self) -> Graph {
        Graph {
            directory: self.directory.clone(),
            tokens: self.tokens.clone(),
            calls: self.calls.clone(),
            faults: self.faults.clone(),
        }
    }

    fn authorization_endpoint(&self) -> AuthorizationEndpoint {
        AuthorizationEndpoint {
            directory: self.directory.clone(),
            redirect_uris: self.redirect_uris.clone(),
            page_origins: self.page_origins.clone(),
            consents: self.consents.clone(),
            stories: self.stories.clone(),
            logins: self.logins.clone(),
        }
    }

    fn token_endpoint(&self) -> TokenEndpoint {
        let workload = TrustedIssuer { issuer: self.workload.issuer.clone(), key: self.workload.key.clone() };
        let federation = FederationChecks { directory: self.directory.clone(), tokens: self.tokens.clone(), workload };
        TokenEndpoint {
            services: GrantServices {
                directory: self.directory.clone(),
                consents: self.consents.clone(),
                stories: self.stories.clone(),
                logins: self.logins.clone(),
                sessions: self.sessions.clone(),
                tokens: self.tokens.clone(),
            },
            clients: ClientAuthenticator {
                directory: self.directory.clone(),
                assertions: AssertionChecks {
                    certificate: self.client_certificate.clone(),
                    federation,
                    clock: self.tokens.clock.clone(),
                },
            },
            refusals: self.refusals.clone(),
            calls: self.calls.clone(),
            faults: self.faults.clone(),
        }
    }

    fn managed_identities(&self) -> ManagedIdentities {
        ManagedIdentities { directory: self.directory.clone(), tokens: self.tokens.clone(), calls: self.calls.clone() }
    }

    fn channel_endpoints(&self) -> ChannelEndpoints {
        ChannelEndpoints {
            issuer: self.channel.clone(),
            refusals: self.refusals.clone(),
            calls: self.calls.clone(),
            faults: self.faults.clone(),
        }
    }

    fn connector(&self) -> Connector {
        Connector {
            sink: self.sink.clone(),
            directory: self.directory.clone(),
            tokens: self.tokens.clone(),
            entropy: self.entropy.clone(),
            conversations: self.conversations.clone(),
        }
    }

    pub(super) fn direct_line(&self) -> DirectLine {
        let entropy = self.entropy.as_ref();
        DirectLine {
            tokens: DirectLineTokens::new(self.tokens.clock.clone(), entropy),
            sent_tokens: self.sent_tokens.clone(),
            users: ChatUsers::new(self.directory.clone(), entropy),
            conversations: self.conversations.clone(),
            bots: BotDelivery {
                gateway: self.bots.services.gateway.clone(),
                issuer: self.channel.clone(),
                outbound: self.bots.services.outbound.clone(),
                timeout: BOT_TIMEOUT,
            },
            entropy: self.entropy.clone(),
        }
    }
}
