use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::certificates::write_private;
use super::directory::App;
use super::error::StageError;
use super::keys::SigningKey;
use super::refusal::Refusal;
use super::stage::Stage;
use super::state::State;
use super::verification::{TokenFault, signed_claims, text_claim};

/// What federated credentials and their tokens have as audience (public cloud).
pub(super) const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";
/// The one workload that apps of the stage trust.
pub(super) const WORKLOAD_SUBJECT: &str = "system:serviceaccount:bot-sso:gateway";

/// Whose tokens a federated credential takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FederatedIssuer {
    /// The stage's workload issuer, as a Kubernetes cluster would have one.
    Workload,
    /// The main tenant, for its managed identities.
    Tenant,
}

/// A federated credential of an app: whose word counts as the app's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedCredential {
    /// The app.
    pub client_id: &'static str,
    /// The issuer.
    pub issuer: FederatedIssuer,
    /// `sub`, compared letter by letter.
    pub subject: &'static str,
}

/// What an assertion of the workload issuer says.
#[derive(Clone, Debug)]
pub struct WorkloadClaims {
    /// `iss`; the workload issuer by default.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// Seconds; negative makes one that has expired already.
    pub lifetime: i64,
}

/// The workload issuer's key: made when it is first needed, since few tests need it.
#[derive(Default)]
pub(super) struct WorkloadKey(OnceCell<Arc<SigningKey>>);

impl WorkloadKey {
    async fn get(&self) -> Result<&SigningKey, StageError> {
        let make = || async {
            let keys = SigningKey::generate_many(1).await?;
            keys.into_iter().next().ok_or_else(|| StageError::KeyMaterial("no key was made".to_owned()))
        };
        Ok(self.0.get_or_try_init(make).await?)
    }
}

impl Stage {
    /// What the stage's workload issuer would put into an assertion that every bot's app trusts, for an hour.
    #[must_use]
    pub fn workload_claims(&self) -> WorkloadClaims {
        WorkloadClaims {
            issuer: self.state().workload_issuer(),
            subject: WORKLOAD_SUBJECT.to_owned(),
            audience: EXCHANGE_AUDIENCE.to_owned(),
            lifetime: 3600,
        }
    }

    /// Lets the workload issuer sign `claims` and writes the assertion to `path`, as a cluster would: in one step, so that
    /// no reader sees half of it.
    ///
    /// # Errors
    /// When the key cannot be made or the file cannot be written.
    pub async fn write_assertion(&self, path: &Path, claims: &WorkloadClaims) -> Result<(), StageError> {
        let now = self.state().now_seconds();
        let issued_at = now.min(now.saturating_add(claims.lifetime).saturating_sub(1));
        let assertion = self.state().workload_key.get().await?.sign(&json!({
            "iss": claims.issuer,
            "sub": claims.subject,
            "aud": claims.audience,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": now.saturating_add(claims.lifetime),
        }))?;
        let beside = path.with_extension("new");
        write_private(&beside, &assertion)?;
        std::fs::rename(&beside, path).map_err(|source| StageError::File { path: path.to_owned(), source })
    }
}

impl State {
    /// `iss` of the workload issuer's tokens.
    pub(super) fn workload_issuer(&self) -> String {
        format!("{}/workload", self.https_base)
    }

    /// Workload identity federation as Entra checks it: the record first, then the signature, then the times (which are
    /// the caller's). `claims` are those of `assertion`, unverified.
    pub(super) fn check_federated(&self, app: &App, assertion: &str, claims: &Value) -> Result<(), Refusal> {
        let text = |name| text_claim(claims, name).unwrap_or_default();
        let (issuer, subject) = (text("iss"), text("sub"));
        if issuer == self.v2_issuer(self.directory.main_tenant_id()) && claims.get("scp").is_some() {
            return Err(Refusal::client(
                700_229,
                "Only app-only tokens can be used as Federated Identity Credentials for AAD issuer.",
            ));
        }
        self.check_record(app, issuer, subject, text("aud"))?;
        self.verify_federated(assertion, issuer)
            .map_err(|_| Refusal::client(50_012, "Client assertion contains an invalid signature."))
    }

    /// A federated credential fits by issuer, audience and subject.
    fn check_record(&self, app: &App, issuer: &str, subject: &str, audience: &str) -> Result<(), Refusal> {
        let no_match = |code, what: &str, presented: &str| {
            let text = format!(
                "No matching federated identity record found for presented assertion{what} '{presented}'. Check your \
                 federated identity credential Subject, Audience and Issuer against the presented assertion."
            );
            Err(Refusal::client(code, text))
        };
        let own: Vec<_> =
            self.directory.federated_credentials.iter().filter(|known| known.client_id == app.client_id).collect();
        if own.is_empty() {
            return no_match(70_021, ". Assertion Issuer:", issuer);
        }
        let of_issuer = own.into_iter().filter(|known| self.issuer_of(known.issuer) == issuer);
        let subjects: Vec<_> = of_issuer.map(|known| known.subject).collect();
        if subjects.is_empty() {
            return no_match(700_211, " issuer", issuer);
        }
        if !subjects.contains(&subject) {
            let but_for_case = subjects.iter().any(|known| known.eq_ignore_ascii_case(subject));
            return no_match(if but_for_case { 7_002_138 } else { 700_213 }, " subject", subject);
        }
        if audience == EXCHANGE_AUDIENCE { Ok(()) } else { no_match(700_212, " audience", audience) }
    }

    fn issuer_of(&self, issuer: FederatedIssuer) -> String {
        match issuer {
            FederatedIssuer::Workload => self.workload_issuer(),
            FederatedIssuer::Tenant => self.v2_issuer(self.directory.main_tenant_id()),
        }
    }

    fn verify_federated(&self, assertion: &str, issuer: &str) -> Result<(), TokenFault> {
        if issuer != self.workload_issuer() {
            return self.verify_tenant_signature(assertion).map(drop);
        }
        // Before the first assertion was written there is nothing that the issuer could have signed.
        let key = self.workload_key.0.get().ok_or(TokenFault::Signature)?;
        signed_claims(assertion, key.verification(), &[Algorithm::RS256]).map(drop)
    }
}
