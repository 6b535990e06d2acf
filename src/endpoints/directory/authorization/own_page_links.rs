use super::login_notice::LoginNotice;
use super::request::SignInRequest;
use super::{CHANGE_PASSWORD_PATH, FORGOT_PASSWORD_PATH, SIGN_UP_PATH};

/// The addresses of the pages on which users help themselves, where the directory has them. Each states the application's whole
/// request, so that the sign-in goes on afterwards.
#[derive(Default)]
pub(super) struct OwnPageLinks {
    /// Of a user whose password has expired.
    pub(super) change_password: Option<String>,
    pub(super) forgot_password: Option<String>,
    pub(super) sign_up: Option<String>,
}

impl OwnPageLinks {
    pub(super) fn of(request: &SignInRequest, notice: Option<&LoginNotice>) -> Self {
        let (settings, query) = (&request.view.settings.self_service, request.to_sign_in_query());
        let address =
            |path: &str| format!("{}?{query}", path.replace("{tenant}", request.view.directory.tenant.as_str()));
        let change_password = match notice {
            Some(LoginNotice::Expired { user_id, is_changeable: true }) => {
                Some(format!("{}&user_id={user_id}", address(CHANGE_PASSWORD_PATH)))
            }
            _ => None,
        };
        Self {
            change_password,
            forgot_password: settings.reset_password.then(|| address(FORGOT_PASSWORD_PATH)),
            sign_up: settings.sign_up.then(|| address(SIGN_UP_PATH)),
        }
    }
}
