use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use url::Url;

use super::calls::Calls;
use super::certificates::ClientCertificate;
use super::channel::ChannelKeys;
use super::connector_sink::Sink;
use super::demo_bot::Inboxes;
use super::directory::{App, Directory, Story, User};
use super::faults::FaultSwitches;
use super::federation::WorkloadKey;
use super::keys::KeyChain;
use super::login_state::LoginState;
use super::sessions::SessionSwitches;
use crate::domain::{SharedClock, SharedEntropy};
use crate::outbound::Outbound;

/// Where the gateway's operator calls, and with which bearer.
#[derive(Clone)]
pub(super) struct OperationsDoor {
    /// `127.0.0.1:port`.
    pub(super) listen: String,
    pub(super) admin_token: String,
}

/// Everything the stage's handlers share; built once, before the listeners open.
pub(super) struct State {
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    pub(super) http_base: String,
    pub(super) https_base: String,
    pub(super) ca_file: PathBuf,
    pub(super) directory: Directory,
    pub(super) tenant_keys: KeyChain,
    pub(super) channel_keys: ChannelKeys,
    pub(super) client_certificate: ClientCertificate,
    pub(super) workload_key: WorkloadKey,
    pub(super) consents: Mutex<BTreeSet<(String, String)>>,
    pub(super) redirects: Mutex<BTreeMap<String, BTreeSet<String>>>,
    pub(super) gateway: Mutex<Option<Url>>,
    pub(super) login: LoginState,
    pub(super) faults: FaultSwitches,
    pub(super) sessions: SessionSwitches,
    pub(super) operations: Mutex<Option<OperationsDoor>>,
    pub(super) calls: Calls,
    pub(super) sink: Sink,
    pub(super) inboxes: Inboxes,
    /// The demo bots talk with the emulator on this machine, too, which shows no token.
    pub(super) anonymous: AtomicBool,
    pub(super) outbound: Outbound,
}

/// A handle that actix clones into every worker.
pub(super) type SharedState = actix_web::web::Data<State>;

/// Takes a lock; a panic elsewhere does not make the stage's simple maps inconsistent.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The time in whole seconds, as tokens carry it.
    pub(super) fn now_seconds(&self) -> i64 {
        self.clock.now().unix_seconds()
    }

    /// The base URL of the listener this request came in on.
    pub(super) fn base_of(&self, request: &HttpRequest) -> &str {
        if request.app_config().secure() { &self.https_base } else { &self.http_base }
    }

    /// v2 issuer of a tenant; `{tenantid}` gives the template of the multi-tenant documents.
    pub(super) fn v2_issuer(&self, tid: &str) -> String {
        format!("{}/{tid}/v2.0", self.https_base)
    }

    /// v1 issuer of a tenant, with its trailing slash.
    pub(super) fn v1_issuer(&self, tid: &str) -> String {
        format!("{}/sts/{tid}/", self.https_base)
    }

    /// Issuer of channel tokens.
    pub(super) fn channel_issuer(&self) -> String {
        format!("{}/channel", self.https_base)
    }

    /// Where bots post activities; what channel tokens carry as `serviceurl`.
    pub(super) fn service_url(&self) -> String {
        format!("{}/connector/", self.http_base)
    }

    /// Records that `user` agreed to what `client_id` asks for.
    pub(super) fn consent(&self, user: &User, client_id: &str) {
        locked(&self.consents).insert((user.oid.to_owned(), client_id.to_ascii_lowercase()));
    }

    /// Whether `app` may act for `user` as far as consent goes.
    pub(super) fn has_consent(&self, user: &User, app: &App) -> bool {
        user.story != Story::LacksConsent
            || locked(&self.consents).contains(&(user.oid.to_owned(), app.client_id.to_owned()))
    }

    /// Registers an exact redirect URI for an app.
    pub(super) fn allow_redirect(&self, client_id: &str, uri: &str) {
        locked(&self.redirects).entry(client_id.to_ascii_lowercase()).or_default().insert(uri.to_owned());
    }

    /// Whether `uri` is registered for the app, byte for byte.
    pub(super) fn redirect_allowed(&self, client_id: &str, uri: &str) -> bool {
        locked(&self.redirects).get(&client_id.to_ascii_lowercase()).is_some_and(|known| known.contains(uri))
    }

    /// The gateway in front of the demo bots, once it is known.
    pub(super) fn find_gateway(&self) -> Option<Url> {
        locked(&self.gateway).clone()
    }

    /// The operator's door of the gateway, once it is known.
    pub(super) fn find_operations(&self) -> Option<OperationsDoor> {
        locked(&self.operations).clone()
    }

    /// The handle for actix.
    pub(super) fn shared(state: &Arc<Self>) -> SharedState {
        SharedState::from(Arc::clone(state))
    }
}
