//! Values of the directories whose users share one sign-on session between several web apps.

mod administrator;
mod application;
mod browser_address;
mod definition;
mod identity;
mod logout_address;
mod logout_receiver;
mod password_policy;
mod scopes;
mod self_service;
mod settings;
mod user;

pub use administrator::{Administrator, AdministratorRole};
pub use application::{Application, ApplicationKind};
pub use browser_address::{AddressFault, MAX_ADDRESSES, check_browser_address, check_browser_addresses};
pub use definition::{Directory, ManagedBy, TenantId};
pub use identity::{LoginProvider, NamedIdentity, ProviderIdentity, SignInMethod};
pub use logout_address::{LogoutAddressFault, check_logout_address};
pub use logout_receiver::{LogoutReceiver, LogoutReceivers};
pub use password_policy::{LockoutPolicy, PasswordExpiration, PasswordPattern, PasswordPolicy};
pub use scopes::{GRANTED_SCOPES, OPTIONAL_SCOPES};
pub use self_service::{ActionUrls, AddressConfirmation, SelfServiceMail, SelfServiceSettings};
pub use settings::{DirectorySettings, IdentityField, SsoFault, SsoSettings, TokenSettings};
pub use user::{DirectoryUser, UserEmail, UserNames, UserStatus};
