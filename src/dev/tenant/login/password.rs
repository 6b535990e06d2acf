use subtle::ConstantTimeEq;

use crate::dev::tenant::directory::{Directory, User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tenant_segment::TenantSegment;

/// The user with this name and password, if they belong to the tenant. An agent user has no password.
pub(in crate::dev) fn check_password<'d>(
    directory: &'d Directory,
    tenant: TenantSegment<'_>,
    name: &str,
    password: &str,
) -> Result<&'d User, EntraRefusal> {
    let may_sign_in = |user: &&User| tenant.admits(user.tid) && user.scenario != UserScenario::AgentUser;
    let user = directory.find_user(name).filter(may_sign_in).ok_or_else(|| {
        EntraRefusal::invalid_grant(
            50_034,
            "The user account does not exist in the directory. To sign into this application, the \
             account must be added to the directory.",
        )
    })?;
    if bool::from(user.password.as_bytes().ct_eq(password.as_bytes())) {
        Ok(user)
    } else {
        Err(EntraRefusal::invalid_grant(50_126, "Error validating credentials due to invalid username or password."))
    }
}
