use super::{MailText, MailTexts};

pub(super) static TEXTS: MailTexts = MailTexts {
    hello_named: "Guten Tag {name},",
    hello: "Guten Tag,",
    user_verification: MailText {
        subject: "Bestätigen Sie Ihre E-Mail-Adresse",
        body: "{hello}\n\n\
               mit dieser Adresse hat sich jemand für die Anmeldung von „{directory}“ registriert. Wenn Sie das waren, öffnen \
               Sie\ndiesen Link und bestätigen Sie, dass die Adresse Ihnen gehört:\n\n\
               {link}\n\n\
               Der Link gilt einmal und eine Stunde lang.\n\n\
               Wenn Sie es nicht waren, müssen Sie nichts tun: Öffnen Sie den Link nicht.\n",
    },
    welcome: MailText {
        subject: "Willkommen",
        body: "{hello}\n\n\
               ab jetzt können Sie sich mit dieser Adresse bei den Apps von „{directory}“ anmelden.\n\n\
               Wenn Sie sich nicht registriert haben, sagen Sie es bitte den Betreibern der Apps.\n",
    },
    password_changed: MailText {
        subject: "Ihr Passwort wurde geändert",
        body: "{hello}\n\n\
               Ihr Passwort für die Anmeldung von „{directory}“ wurde geändert, und Sie wurden überall abgemeldet.\n\n\
               Wenn Sie das nicht waren, legen Sie sofort ein neues Passwort fest: Wählen Sie „Passwort vergessen?“ auf der\n\
               Anmeldeseite. Wenn das nicht geht, wenden Sie sich an die Betreiber der App, bei der Sie sich anmelden.\n",
    },
    reset_password: MailText {
        subject: "Legen Sie ein neues Passwort fest",
        body: "{hello}\n\n\
               für diese Adresse und die Anmeldung von „{directory}“ hat jemand ein neues Passwort verlangt. Wenn Sie das \
               waren,\nöffnen Sie diesen Link und wählen Sie ein neues Passwort:\n\n\
               {link}\n\n\
               Der Link gilt einmal und eine Stunde lang.\n\n\
               Wenn Sie es nicht waren, müssen Sie nichts tun: Ihr Passwort bleibt, wie es ist.\n",
    },
    address_taken: MailText {
        subject: "Sie haben schon ein Konto",
        body: "{hello}\n\n\
               jemand wollte sich mit dieser Adresse bei der Anmeldung von „{directory}“ registrieren. Dort haben Sie schon ein \
               Konto.\nWenn Sie das waren, melden Sie sich an. Wissen Sie Ihr Passwort nicht mehr, wählen Sie auf der \
               Anmeldeseite „Passwort vergessen?“.\n\n\
               Waren Sie es nicht, brauchen Sie nichts zu tun: Ihr Konto bleibt, wie es ist.\n",
    },
};
