use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::dev::error::StageError;
use crate::dev::private_file::write_private_file;
use crate::dev::signing_key::SigningKeyOnDemand;
use crate::dev::tenant::{FEDERATION_AUDIENCE, WORKLOAD_SUBJECT};
use crate::domain::SharedClock;

/// The claims of an assertion that the workload issuer signs.
#[derive(Clone, Debug)]
pub struct WorkloadClaims {
    /// `iss`; the workload issuer by default.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// Lifetime in seconds. A negative number gives an assertion that has expired already.
    pub lifetime: i64,
}

/// The workload issuer, such as a Kubernetes cluster has: signs the assertions with which the gateway's process proves
/// who it is.
pub(in crate::dev) struct WorkloadIssuer {
    /// `iss` of its assertions.
    pub(in crate::dev) issuer: String,
    /// The key that the tenant trusts for this issuer.
    pub(in crate::dev) key: Arc<SigningKeyOnDemand>,
    /// The stage's time.
    pub(in crate::dev) clock: SharedClock,
}

impl WorkloadIssuer {
    /// The claims of an assertion that every bot's app trusts, valid for an hour.
    pub(in crate::dev) fn trusted_claims(&self) -> WorkloadClaims {
        WorkloadClaims {
            issuer: self.issuer.clone(),
            subject: WORKLOAD_SUBJECT.to_owned(),
            audience: FEDERATION_AUDIENCE.to_owned(),
            lifetime: 3600,
        }
    }

    /// Signs `claims` and writes the assertion to `path`. The file is replaced in one step, as a cluster does it, so that
    /// no reader sees half of it.
    pub(in crate::dev) async fn write_assertion(&self, path: &Path, claims: &WorkloadClaims) -> Result<(), StageError> {
        let now = self.clock.now().unix_seconds();
        let issued_at = now.min(now.saturating_add(claims.lifetime).saturating_sub(1));
        let assertion = self.key.get_or_generate().await?.sign(&json!({
            "iss": claims.issuer,
            "sub": claims.subject,
            "aud": claims.audience,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": now.saturating_add(claims.lifetime),
        }))?;
        let temporary = path.with_extension("new");
        write_private_file(&temporary, &assertion)?;
        std::fs::rename(&temporary, path).map_err(|source| StageError::File { path: path.to_owned(), source })
    }
}
