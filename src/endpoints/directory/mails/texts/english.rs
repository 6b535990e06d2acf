use super::{MailText, MailTexts};

pub(super) static TEXTS: MailTexts = MailTexts {
    hello_named: "Hello {name},",
    hello: "Hello,",
    user_verification: MailText {
        subject: "Confirm your e-mail address",
        body: "{hello}\n\n\
               somebody has signed up with this address for the sign-in of \"{directory}\". If it was you, open this link and \
               confirm\nthat the address is yours:\n\n\
               {link}\n\n\
               The link works once, within one hour.\n\n\
               If it was not you, you need not do anything: do not open the link.\n",
    },
    welcome: MailText {
        subject: "Welcome",
        body: "{hello}\n\n\
               you can now sign in to the apps of \"{directory}\" with this address.\n\n\
               If you did not sign up, tell the people who run those apps.\n",
    },
    password_changed: MailText {
        subject: "Your password was changed",
        body: "{hello}\n\n\
               your password for the sign-in of \"{directory}\" was changed, and you were signed out everywhere.\n\n\
               If it was not you, set a new password now: choose \"Forgot your password?\" on the sign-in page. If that does \
               not\nwork, tell the people who run the app to which you sign in.\n",
    },
    reset_password: MailText {
        subject: "Set a new password",
        body: "{hello}\n\n\
               somebody has asked for a new password for this address and the sign-in of \"{directory}\". If it was you, open \
               this\nlink and choose a new password:\n\n\
               {link}\n\n\
               The link works once, within one hour.\n\n\
               If it was not you, you need not do anything: your password stays as it is.\n",
    },
    address_taken: MailText {
        subject: "You already have an account",
        body: "{hello}\n\n\
               somebody has tried to sign up with this address for the sign-in of \"{directory}\", where you have an account \
               already.\nIf it was you, sign in. If you do not know your password any more, choose \"Forgot your password?\" on \
               the sign-in page.\n\n\
               If it was not you, you need not do anything: your account stays as it is.\n",
    },
};
