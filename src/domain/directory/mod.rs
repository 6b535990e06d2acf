//! Values of the directories whose users share one sign-on session between several web apps.

mod administrator;
mod application;
mod browser_address;
mod definition;
mod password_policy;
mod settings;
mod user;

pub use administrator::{Administrator, AdministratorRole};
pub use application::{Application, ApplicationKind};
pub use browser_address::{AddressFault, MAX_ADDRESSES, check_browser_address, check_browser_addresses};
pub use definition::{Directory, ManagedBy, TenantId};
pub use password_policy::{LockoutPolicy, PasswordExpiration, PasswordPattern, PasswordPolicy};
pub use settings::{DirectorySettings, IdentityField, SsoFault, SsoSettings, TokenSettings};
pub use user::{DirectoryUser, UserEmail, UserNames, UserStatus};
