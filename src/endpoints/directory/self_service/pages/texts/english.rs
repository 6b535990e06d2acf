use super::{
    DetailsTexts, FaultTexts, ForgotTexts, LinkTexts, MailboxTexts, PasswordTexts, SelfServiceTexts, SignUpTexts,
    notice,
};

pub(super) static TEXTS: SelfServiceTexts = SelfServiceTexts {
    sign_up: SignUpTexts { title: "Create an account", name: "Your name (optional)", submit: "Create the account" },
    forgot: ForgotTexts {
        title: "Forgot your password?",
        lead: "We send you a message with a link. Follow it to choose a new password.",
        submit: "Send the message",
    },
    mailbox: MailboxTexts {
        title: "Look into your mailbox",
        signed_up: "You get a message about what you have entered. Follow the link in it to go on.",
        forgot: "If there is an account with what you have entered, you get a message. Its link is good for one hour.",
        advice: "No message after a few minutes? Look into the folder for unwanted mail, and check what you have \
                 entered. An address gets at most three messages an hour.",
    },
    password: PasswordTexts {
        change: "Change your password",
        choose: "Choose a new password",
        old: "Present password",
        new: "New password",
        rule: "8 to 128 characters",
        submit: "Set the new password",
        changed: notice(
            "Your password is changed",
            "You are signed out in all browsers.",
            "Sign in with the new password.",
        ),
    },
    details: DetailsTexts {
        title: "Change your details",
        account: ["Your account: ", ""],
        display: "Name to show",
        given: "First name",
        family: "Last name",
        submit: "Save",
        ended: notice("This page has ended", "It was used, or is older than an hour.", "Open it again from the app."),
    },
    links: LinkTexts {
        confirm: "Confirm your e-mail address",
        confirm_lead: ["The address is ", "."],
        confirm_submit: "Confirm the address",
        go_on: "Go on",
        confirmed: notice("Your e-mail address is confirmed", "The account is yours to use.", "You can sign in now."),
        ended: notice(
            "This link is not good any more",
            "A link is good once, for one hour, and only the newest password counts.",
            "To get another one, choose “Forgot your password?” on the sign-in page. If you have never signed in, \
             create the account again.",
        ),
    },
    faults: FaultTexts {
        incomplete: "Fill in all fields that are not optional.",
        bad_value: "An entry is not an e-mail address, is too long, or has characters that cannot be used.",
        name_taken: "This user name is taken. Choose another one.",
        wrong_password: "The present password is not right. If it keeps failing, ask your administrator.",
        too_soon: "You have changed your password a short time ago. Wait before you change it again.",
        length: "The new password must have 8 to 128 characters.",
        pattern: "The new password does not match the rules for passwords.",
        contains_name: "The new password must not contain your user name or your e-mail address.",
        reused: "You have used this password before. Choose another one.",
    },
    sign_in: "To the sign-in",
    to_application: ["Back to ", ""],
    switched_off: notice(
        "This page is not in use",
        "The people who run the app do not offer it.",
        "Ask them for help, and give them the reference below.",
    ),
};
