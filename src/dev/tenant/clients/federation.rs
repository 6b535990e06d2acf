use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use crate::dev::jwt::{TokenProblem, signed_claims, text_member};
use crate::dev::signing_key::SigningKeyOnDemand;
use crate::dev::tenant::directory::{App, Directory, FederatedIssuer};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::FEDERATION_AUDIENCE;
use crate::dev::tenant::tokens::TokenIssuer;

/// An issuer outside the tenant. Federated credentials can accept its assertions.
pub(in crate::dev) struct TrustedIssuer {
    /// `iss` of its assertions.
    pub(in crate::dev) issuer: String,
    /// The key that signs its assertions.
    pub(in crate::dev) key: Arc<SigningKeyOnDemand>,
}

/// Checks assertions of other issuers with which an app authenticates.
pub(in crate::dev) struct FederationChecks {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) workload: TrustedIssuer,
}

impl FederationChecks {
    /// Checks the assertion as Entra does: first whether a federated credential fits, then the signature. The caller
    /// checks the times afterwards. `claims` are the unverified claims of `assertion`.
    pub(in crate::dev) fn check(&self, app: &App, assertion: &str, claims: &Value) -> Result<(), EntraRefusal> {
        let text = |name| text_member(claims, name).unwrap_or_default();
        let (issuer, subject) = (text("iss"), text("sub"));
        if issuer == self.tenant_issuer() && claims.get("scp").is_some() {
            return Err(EntraRefusal::invalid_client(
                700_229,
                "Only app-only tokens can be used as Federated Identity Credentials for AAD issuer.",
            ));
        }
        self.check_record(app, issuer, subject, text("aud"))?;
        self.verify_signature(assertion, issuer)
            .map_err(|_| EntraRefusal::invalid_client(50_012, "Client assertion contains an invalid signature."))
    }

    /// Checks that a federated credential of `app` has this issuer, subject and audience.
    fn check_record(&self, app: &App, issuer: &str, subject: &str, audience: &str) -> Result<(), EntraRefusal> {
        let no_match = |code, what: &str, presented: &str| {
            let text = format!(
                "No matching federated identity record found for presented assertion{what} '{presented}'. Check your \
                 federated identity credential Subject, Audience and Issuer against the presented assertion."
            );
            Err(EntraRefusal::invalid_client(code, text))
        };
        let own: Vec<_> =
            self.directory.federated_credentials.iter().filter(|known| known.client_id == app.client_id).collect();
        if own.is_empty() {
            return no_match(70_021, ". Assertion Issuer:", issuer);
        }
        let of_issuer = own.into_iter().filter(|known| self.issuer_url(known.issuer) == issuer);
        let subjects: Vec<_> = of_issuer.map(|known| known.subject).collect();
        if subjects.is_empty() {
            return no_match(700_211, " issuer", issuer);
        }
        if !subjects.contains(&subject) {
            let but_for_case = subjects.iter().any(|known| known.eq_ignore_ascii_case(subject));
            return no_match(if but_for_case { 7_002_138 } else { 700_213 }, " subject", subject);
        }
        if audience == FEDERATION_AUDIENCE { Ok(()) } else { no_match(700_212, " audience", audience) }
    }

    fn issuer_url(&self, issuer: FederatedIssuer) -> String {
        match issuer {
            FederatedIssuer::Workload => self.workload.issuer.clone(),
            FederatedIssuer::Tenant => self.tenant_issuer(),
        }
    }

    fn tenant_issuer(&self) -> String {
        self.tokens.addresses.v2_issuer(self.directory.main_tenant_id())
    }

    fn verify_signature(&self, assertion: &str, issuer: &str) -> Result<(), TokenProblem> {
        if issuer != self.workload.issuer {
            return self.tokens.verify_signature(assertion).map(drop);
        }
        // The key is generated with the first assertion. Without a key, the issuer cannot have signed this one.
        let key = self.workload.key.find().ok_or(TokenProblem::Signature)?;
        signed_claims(assertion, key.verification_key(), &[Algorithm::RS256]).map(drop)
    }
}
