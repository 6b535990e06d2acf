//! What a limit answers.

/// The login or the address was refused too often within a minute.
#[derive(Debug)]
pub(in crate::accounts::directory_users) struct TooManyRefusals {
    /// Seconds until the next try.
    pub(in crate::accounts::directory_users) retry_after: u64,
    /// The limit, if this is the first sign-in that it refuses within its window.
    pub(in crate::accounts::directory_users) reached: Option<ReachedLimit>,
    /// The user of the login's last refusal, if this replica knows it.
    pub(in crate::accounts::directory_users) user_id: Option<String>,
}

/// A limit of refused sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReachedLimit {
    /// That of one user.
    OfUser,
    /// That of one client address.
    OfAddress,
}
