use super::{
    DetailsTexts, FaultTexts, ForgotTexts, LinkTexts, MailboxTexts, PasswordTexts, SelfServiceTexts, SignUpTexts,
    notice,
};

pub(super) static TEXTS: SelfServiceTexts = SelfServiceTexts {
    sign_up: SignUpTexts { title: "Konto anlegen", name: "Ihr Name (freiwillig)", submit: "Konto anlegen" },
    forgot: ForgotTexts {
        title: "Passwort vergessen?",
        lead: "Wir schicken Ihnen eine Nachricht mit einem Link. Folgen Sie ihm und wählen Sie ein neues Passwort.",
        submit: "Nachricht schicken",
    },
    mailbox: MailboxTexts {
        title: "Sehen Sie in Ihr Postfach",
        signed_up: "Sie erhalten eine Nachricht zu Ihren Angaben. Folgen Sie dem Link darin.",
        forgot: "Gibt es ein Konto mit Ihren Angaben, dann erhalten Sie eine Nachricht. Ihr Link gilt eine Stunde.",
        advice: "Nach einigen Minuten keine Nachricht? Sehen Sie im Ordner für unerwünschte Nachrichten nach und prüfen \
                 Sie Ihre Angaben. Eine Adresse erhält höchstens drei Nachrichten in der Stunde.",
    },
    password: PasswordTexts {
        change: "Passwort ändern",
        choose: "Neues Passwort wählen",
        old: "Bisheriges Passwort",
        new: "Neues Passwort",
        rule: "8 bis 128 Zeichen",
        submit: "Neues Passwort setzen",
        changed: notice(
            "Ihr Passwort ist geändert",
            "Sie sind in allen Browsern abgemeldet.",
            "Melden Sie sich mit dem neuen Passwort an.",
        ),
    },
    details: DetailsTexts {
        title: "Angaben ändern",
        account: ["Ihr Konto: ", ""],
        display: "Angezeigter Name",
        given: "Vorname",
        family: "Nachname",
        submit: "Speichern",
        ended: notice(
            "Diese Seite ist abgelaufen",
            "Sie wurde schon benutzt oder ist älter als eine Stunde.",
            "Öffnen Sie sie noch einmal aus der App.",
        ),
    },
    links: LinkTexts {
        confirm: "E-Mail-Adresse bestätigen",
        confirm_lead: ["Die Adresse ist ", "."],
        confirm_submit: "Adresse bestätigen",
        go_on: "Weiter",
        confirmed: notice(
            "Ihre E-Mail-Adresse ist bestätigt",
            "Sie können das Konto benutzen.",
            "Melden Sie sich jetzt an.",
        ),
        ended: notice(
            "Dieser Link gilt nicht mehr",
            "Ein Link gilt einmal und eine Stunde lang, und nur bis zum nächsten neuen Passwort.",
            "Einen weiteren erhalten Sie auf der Anmeldeseite unter „Passwort vergessen?“. Haben Sie sich noch nie \
             angemeldet, dann legen Sie das Konto noch einmal an.",
        ),
    },
    faults: FaultTexts {
        incomplete: "Füllen Sie alle Felder aus, die nicht freiwillig sind.",
        bad_value: "Eine Angabe ist keine E-Mail-Adresse, ist zu lang oder hat Zeichen, die nicht erlaubt sind.",
        name_taken: "Diesen Benutzernamen hat schon jemand. Wählen Sie einen anderen.",
        wrong_password: "Das bisherige Passwort stimmt nicht. Klappt es weiterhin nicht, fragen Sie Ihre Administration.",
        too_soon: "Sie haben Ihr Passwort vor Kurzem geändert. Warten Sie, bevor Sie es noch einmal ändern.",
        length: "Das neue Passwort muss 8 bis 128 Zeichen haben.",
        pattern: "Das neue Passwort entspricht nicht den Regeln für Passwörter.",
        contains_name: "Das neue Passwort darf weder Ihren Benutzernamen noch Ihre E-Mail-Adresse enthalten.",
        reused: "Dieses Passwort hatten Sie schon einmal. Wählen Sie ein anderes.",
    },
    sign_in: "Zur Anmeldung",
    to_application: ["Zurück zu ", ""],
    switched_off: notice(
        "Diese Seite ist nicht in Gebrauch",
        "Die Betreiber der App bieten sie nicht an.",
        "Bitten Sie sie um Hilfe und nennen Sie die Referenz unten.",
    ),
};
