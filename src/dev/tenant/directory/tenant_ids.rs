/// The id of the main tenant, where all users except the last one sign in.
pub(in crate::dev) const CONTOSO_ID: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
/// The id of the other tenant: the home of the guest and the tenant of the last user.
pub(in crate::dev) const FABRIKAM_ID: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";
