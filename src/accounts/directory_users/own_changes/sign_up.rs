//! `DirectoryUsers`: a stranger who becomes a user. `users.rs` has the type.

use crate::accounts::directories::Directories;
use crate::accounts::directory_users::changes::{NewUser, PresentField, UserChangeError};
use crate::accounts::directory_users::profile::UserProfile;
use crate::accounts::directory_users::records::{Login, UserRecord};
use crate::accounts::directory_users::user_store::LoginTaken;
use crate::accounts::directory_users::users::DirectoryUsers;
use crate::domain::{DirectoryUser, Secret, TenantId, UserStatus};

/// What has become of a sign-up.
#[derive(Debug)]
pub enum SignUp {
    /// There is a new user, whose address is not confirmed.
    Created(Box<DirectoryUser>),
    /// Another user has the user name.
    NameTaken,
    /// This user has the e-mail address, which a stranger may not learn.
    AddressTaken(Box<DirectoryUser>),
}

impl DirectoryUsers {
    /// Creates a user who signs up, and whose address is not confirmed yet. Does as much, hash and writes included, where another
    /// user has the address.
    ///
    /// # Errors
    /// [`UserChangeError`]; no user is then created.
    pub async fn sign_up(
        &self,
        directories: &Directories,
        tenant: &TenantId,
        profile: UserProfile,
        password: &Secret,
    ) -> Result<SignUp, UserChangeError> {
        let view = directories.find(tenant.as_str()).ok_or(UserChangeError::Unknown)?;
        let profile = UserProfile { active: Some(true), status: Some(UserStatus::Pending), ..profile };
        let new = NewUser { settings: &view.settings, profile, password };
        let creation = self.create_record(tenant, new, PresentField::Of(directories)).await?;
        let now = self.ambient.now();
        let Err(LoginTaken { login, owner }) = creation.outcome else {
            return Ok(SignUp::Created(Box::new(creation.user.to_user(now))));
        };
        let logins = creation.user.logins().len();
        let decoy = UserRecord { hash: self.hasher.decoy_hash().to_string(), ..creation.user };
        self.store.write_creation_decoy(tenant, decoy, logins).await?;
        Ok(match login {
            Login::Name(_) => SignUp::NameTaken,
            Login::Email(_) => SignUp::AddressTaken(Box::new(owner.to_user(now))),
        })
    }
}
