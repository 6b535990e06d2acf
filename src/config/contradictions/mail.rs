use crate::config::DirectorySection;
use crate::config::review::{Place, Review};
use crate::domain::{SelfServiceMail, SelfServiceSettings};

/// Reports directories whose self-service sends mail, where there is no way to send any.
pub(super) fn check(directories: &[DirectorySection], has_mail: bool, review: &mut Review<'_>) {
    if has_mail {
        return;
    }
    for section in directories {
        let Some(key) = find_key_with_mail(&section.settings.self_service) else { continue };
        let place = Place::section("directories").key(&section.directory.name).key("self_service").key(key);
        review.report(&place, "sends mail, and there is no section [mail]: write it, or leave this out".to_owned());
    }
}

/// The first key by which messages are sent.
fn find_key_with_mail(settings: &SelfServiceSettings) -> Option<&'static str> {
    settings.mails().next().map(|mail| match mail {
        SelfServiceMail::Confirmation => "confirmation",
        SelfServiceMail::Welcome => "welcome_mail",
        SelfServiceMail::ResetPassword => "reset_password",
        SelfServiceMail::PasswordChanged => "password_mail",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::config::test_samples::{MINIMAL, problem_of, read};

    #[test]
    fn self_service_that_sends_mail_needs_a_way_to_send_it() {
        let directory = |lines: &str| {
            format!(
                "{MINIMAL}\n[directories.market]\nadministrators = [{{ name = \"ops\", role = \"manager\", token_sha256 = [\"{}\"] }}]\n\
                 [directories.market.self_service]\n{lines}\n",
                "0a".repeat(32)
            )
        };
        for (lines, key) in [
            ("sign_up = true\nconfirmation = \"asked\"", "confirmation"),
            ("welcome_mail = true", "welcome_mail"),
            ("reset_password = true", "reset_password"),
            ("password_mail = true", "password_mail"),
        ] {
            let problem = problem_of(&directory(lines));
            let start = format!("directories.market.self_service.{key}: sends mail, and there is no section [mail]");
            assert!(problem.starts_with(&start), "{problem}");
            let mail = "[mail]\nfrom = \"sso@example.com\"\nhost = \"smtp.example.com\"\n";
            read(&format!("{mail}{}", directory(lines))).unwrap();
        }
        read(&directory("enabled = true\nsign_up = true")).unwrap();
    }
}
