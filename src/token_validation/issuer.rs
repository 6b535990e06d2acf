use std::sync::Arc;

use super::claims::Claims;
use super::key_set::KeySet;
use super::verification_key::VerificationKey;
use crate::domain::TenantPolicy;

/// Entra's placeholder in multi-tenant issuers.
const TENANT_PLACEHOLDER: &str = "{tenantid}";
/// The length of a GUID in its hyphenated form.
const GUID_BYTES: usize = 36;

/// A channel issuer and the keys that prove its tokens.
#[derive(Clone)]
pub struct ChannelTrust {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// Its keys, endorsed for channels.
    pub key_set: Arc<KeySet>,
}

/// An Entra cloud: the forms of its tenants' issuers and the keys that prove their tokens.
#[derive(Clone)]
pub struct EntraTrust {
    /// The issuer of v2.0 tokens, `{tenantid}` standing for the tenant:
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`.
    pub v2_issuer: String,
    /// The issuer of v1.0 tokens: `https://sts.windows.net/{tenantid}/`.
    pub v1_issuer: String,
    /// The keys of v2.0 tokens, and of v1.0 tokens unless these have keys of their own.
    pub key_set: Arc<KeySet>,
    /// The keys of v1.0 tokens, where they are published elsewhere.
    pub v1_key_set: Option<Arc<KeySet>>,
}

/// The token format, as `ver` and the issuer's form say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IssuerVersion {
    V1,
    V2,
}

/// The issuer and the tenant of an Entra token, after a check that they agree.
#[derive(Clone, Debug)]
pub(super) struct EntraOrigin {
    pub(super) version: IssuerVersion,
    /// Lower-case.
    pub(super) tenant_id: String,
    /// As the token spells it.
    issuer: String,
}

impl EntraTrust {
    /// Reads the issuer and the tenant of a token; the error names the failed check. Compares issuer, `tid` and form only
    /// (docs/protocols/entra-obo.md §1 rules 8–10); the caller checks `ver`.
    pub(super) fn origin(&self, claims: &Claims) -> Result<EntraOrigin, &'static str> {
        let issuer = claims.text("iss").ok_or("iss")?;
        let (version, segment) = tenant_segment(&self.v2_issuer, issuer)
            .map(|segment| (IssuerVersion::V2, segment))
            .or_else(|| tenant_segment(&self.v1_issuer, issuer).map(|segment| (IssuerVersion::V1, segment)))
            .ok_or("iss")?;
        let tenant = claims.text("tid").filter(|tenant| is_guid(tenant)).ok_or("tid")?;
        if segment.is_some_and(|segment| segment != tenant) {
            return Err("tid");
        }
        Ok(EntraOrigin { version, tenant_id: tenant.to_ascii_lowercase(), issuer: issuer.to_owned() })
    }

    /// The keys for tokens of this form.
    pub(super) fn key_set_for(&self, version: IssuerVersion) -> &Arc<KeySet> {
        match (version, &self.v1_key_set) {
            (IssuerVersion::V1, Some(key_set)) => key_set,
            _ => &self.key_set,
        }
    }

    /// Whether the signing key may sign for this issuer: Entra names a key's issuer beside it, and the keys of one
    /// tenant (personal accounts, say) must not sign another's tokens (docs/protocols/entra-obo.md §1 rule 11).
    pub(super) fn key_may_sign(&self, key: &VerificationKey, origin: &EntraOrigin) -> bool {
        let Some(key_issuer) = &key.issuer else { return true };
        let key_issuer = key_issuer.replace(TENANT_PLACEHOLDER, &origin.tenant_id);
        // The keys of v1.0 tokens carry the v2.0 form.
        key_issuer == origin.issuer || key_issuer == self.v2_issuer.replace(TENANT_PLACEHOLDER, &origin.tenant_id)
    }
}

impl EntraOrigin {
    /// `ver` must say what the issuer's form says.
    pub(super) fn fits_version(&self, claims: &Claims) -> bool {
        match self.version {
            IssuerVersion::V1 => claims.text("ver") == Some("1.0"),
            IssuerVersion::V2 => claims.text("ver") == Some("2.0"),
        }
    }

    /// Whether a connection takes this tenant's users.
    pub(super) fn is_admitted_by(&self, tenants: &TenantPolicy) -> bool {
        tenants.admits(&self.tenant_id)
    }
}

/// The application that obtained the token: `azp` (v2.0) or `appid` (v1.0), lower-case. If both are there they must
/// agree (docs/protocols/bot-auth-and-skills.md §2 rule 20).
pub(super) fn read_client_id(claims: &Claims, version: IssuerVersion) -> Result<Option<String>, &'static str> {
    let (azp, appid) = (claims.text("azp"), claims.text("appid"));
    let agree = matches!((azp, appid), (Some(azp), Some(appid)) if azp.eq_ignore_ascii_case(appid));
    if claims.has("azp") && claims.has("appid") && !agree {
        return Err("azp");
    }
    let client = match version {
        IssuerVersion::V1 => appid,
        IssuerVersion::V2 => azp,
    };
    Ok(client.map(str::to_ascii_lowercase))
}

/// A GUID in its hyphenated form.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == GUID_BYTES && uuid::Uuid::try_parse(text).is_ok()
}

/// `None`: the issuer does not fit. `Some(None)`: it fits, and names no tenant because the template does not.
#[allow(clippy::option_option, reason = "whether it fits and whether it names a tenant are two questions")]
fn tenant_segment<'a>(template: &str, issuer: &'a str) -> Option<Option<&'a str>> {
    if !template.contains(TENANT_PLACEHOLDER) {
        let named = issuer.split('/').find(|segment| is_guid(segment));
        return (!template.is_empty() && template == issuer).then_some(named);
    }
    find_tenant(template, issuer).map(Some)
}

/// The tenant that `issuer` names in every place where `template` has `{tenantid}`. `None` if the rest differs, if a
/// place holds no GUID, or if two places name different tenants: External ID's issuers name their tenant in the host
/// and in the path (docs/connections.md §Microsoft Entra External ID).
#[must_use]
pub fn find_tenant<'a>(template: &str, issuer: &'a str) -> Option<&'a str> {
    let (before, _) = template.split_once(TENANT_PLACEHOLDER)?;
    let tenant = issuer.strip_prefix(before)?.get(..GUID_BYTES).filter(|tenant| is_guid(tenant))?;
    (template.replace(TENANT_PLACEHOLDER, tenant) == issuer).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";
    const OTHER: &str = "99999999-2222-4333-8444-555555555555";

    #[test]
    fn every_placeholder_stands_for_the_same_tenant() {
        let external = "https://{tenantid}.ciamlogin.com/{tenantid}/v2.0";
        let of = |host: &str, path: &str| format!("https://{host}.ciamlogin.com/{path}/v2.0");
        assert_eq!(find_tenant(external, &of(TENANT, TENANT)), Some(TENANT));
        for (host, path) in [(TENANT, OTHER), ("contoso", TENANT), (TENANT, "common"), (TENANT, "")] {
            assert_eq!(find_tenant(external, &of(host, path)), None, "{host} {path}");
        }
        let usual = "https://login.microsoftonline.com/{tenantid}/v2.0";
        assert_eq!(find_tenant(usual, &usual.replace(TENANT_PLACEHOLDER, TENANT)), Some(TENANT));
        for issuer in ["https://login.microsoftonline.com/common/v2.0", "", "https://login.microsoftonline.com/"] {
            assert_eq!(find_tenant(usual, issuer), None, "{issuer}");
        }
        assert_eq!(find_tenant("{tenantid}", &"é".repeat(18)), None);
    }
}
