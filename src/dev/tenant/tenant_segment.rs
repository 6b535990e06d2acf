use super::directory::Directory;
use super::refusal::EntraRefusal;
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The first segment of a request's path, which says which tenant is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) enum TenantSegment<'a> {
    /// One tenant, by its id.
    One(&'a str),
    /// `organizations`: the user's tenant, whichever it is.
    Organizations,
    /// `common`: as `organizations`, with personal accounts, but on-behalf-of requests are refused.
    Common,
    /// `consumers`: personal accounts alone; on-behalf-of requests are refused.
    Consumers,
}

impl<'a> TenantSegment<'a> {
    /// Parses the path segment. A tenant id must be in the directory.
    pub(in crate::dev) fn parse(directory: &'a Directory, segment: &str) -> Result<Self, EntraRefusal> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            "consumers" => Ok(Self::Consumers),
            id => directory.find_tenant(id).map(|tenant| Self::One(tenant.id)).ok_or_else(|| {
                let text = format!("Tenant '{segment}' not found. Check to make sure you have the correct tenant ID.");
                EntraRefusal::bad_request("invalid_request", 90_002, text)
            }),
        }
    }

    /// Whether users of tenant `tid` may use this path.
    pub(in crate::dev) fn admits(self, tid: &str) -> bool {
        match self {
            Self::One(id) => id == tid,
            Self::Organizations => tid != PERSONAL_ACCOUNTS_TENANT,
            Self::Common => true,
            Self::Consumers => tid == PERSONAL_ACCOUNTS_TENANT,
        }
    }

    /// The tenant for a grant without a user.
    pub(in crate::dev) fn tenant_id_or_main(self, directory: &Directory) -> &'a str {
        match self {
            Self::One(id) => id,
            Self::Organizations | Self::Common | Self::Consumers => directory.main_tenant_id(),
        }
    }
}
