use crate::endpoints::directory::languages::{Language, NoticeText};

/// The texts of this door in one language. A language without one of them does not compile.
pub(super) struct AccountTexts {
    /// The heading of the page.
    pub(super) title: &'static str,
    /// What comes before the user's name.
    pub(super) before_name: &'static str,
    /// What comes after the user's name.
    pub(super) after_name: &'static str,
    /// What was asked for is done.
    pub(super) done: &'static str,
    /// The form was not of this browser, or has ended.
    pub(super) try_again: &'static str,
    /// The link to the change of the password.
    pub(super) change_password: &'static str,
    /// The link to the page on which the user changes names.
    pub(super) change_details: &'static str,
    /// The heading of the browsers.
    pub(super) browsers: &'static str,
    /// What marks this browser.
    pub(super) this_browser: &'static str,
    /// The name of a browser that is not known.
    pub(super) unknown_browser: &'static str,
    /// What comes before the time of the sign-in.
    pub(super) since: &'static str,
    /// What comes before the time of the last use.
    pub(super) last_used: &'static str,
    /// What comes before the time at which a token was renewed.
    pub(super) renewed: &'static str,
    /// The button that ends a session.
    pub(super) sign_out: &'static str,
    /// The button that ends what an application or a bot has.
    pub(super) end: &'static str,
    /// The heading of the applications.
    pub(super) applications: &'static str,
    /// No application has anything.
    pub(super) no_applications: &'static str,
    /// What the end of an application's grants does not do.
    pub(super) application_hint: &'static str,
    /// The heading of bots and back ends.
    pub(super) holders: &'static str,
    /// No bot and no back end has anything.
    pub(super) no_holders: &'static str,
    /// What comes before the name of a connection.
    pub(super) connection: &'static str,
    /// What comes before the name of a bot.
    pub(super) bot: &'static str,
    /// What comes before the name of an add-in.
    pub(super) add_in: &'static str,
    /// What comes before the name of a back end.
    pub(super) back_end: &'static str,
    /// What comes before the name of an app.
    pub(super) app: &'static str,
    /// The name of a holder that no record names.
    pub(super) unknown_holder: &'static str,
    /// The channel of mail.
    pub(super) email: &'static str,
    /// What marks a bot that is reached through another one.
    pub(super) through_another_bot: &'static str,
    /// The heading of other identity providers.
    pub(super) providers: &'static str,
    /// What comes before the user's id at a provider.
    pub(super) linked: &'static str,
    /// A provider is not linked.
    pub(super) not_linked: &'static str,
    /// The link to the page that links a provider.
    pub(super) link: &'static str,
    /// The link to the page that ends the link.
    pub(super) unlink: &'static str,
    /// The button that ends everything, and the heading above it.
    pub(super) everywhere: &'static str,
    /// What that does.
    pub(super) everywhere_hint: &'static str,
    /// The heading of the page that asks.
    pub(super) question: &'static str,
    /// The link back to the page.
    pub(super) back: &'static str,
    /// The path names no directory.
    pub(super) unknown_directory: NoticeText,
    /// The directory has no single sign-on.
    pub(super) no_single_sign_on: NoticeText,
    /// The browser came back from the sign-in without a session.
    pub(super) no_session: NoticeText,
    /// The session of this browser has ended.
    pub(super) signed_out: NoticeText,
    /// Everything has ended.
    pub(super) signed_out_everywhere: NoticeText,
    /// The service cannot do its work now.
    pub(super) unavailable: NoticeText,
}

impl AccountTexts {
    /// The texts in `language`.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Japanese => &JAPANESE,
            Language::German => &GERMAN,
        }
    }
}

const fn notice(title: &'static str, happened: &'static str, advice: &'static str) -> NoticeText {
    NoticeText { title, happened, advice }
}

static ENGLISH: AccountTexts = AccountTexts {
    title: "Where you are signed in",
    before_name: "You are signed in as ",
    after_name: ".",
    done: "Done. The lists show what is left.",
    try_again: "Nothing was changed. Please choose again. Your browser must allow cookies for this site.",
    change_password: "Change your password",
    change_details: "Change your details",
    browsers: "Browsers",
    this_browser: "this browser",
    unknown_browser: "Unknown browser",
    since: "Signed in",
    last_used: "Last used",
    renewed: "Last renewed",
    sign_out: "Sign out",
    end: "End access",
    applications: "Apps",
    no_applications: "No app has access.",
    application_hint: "An app whose access you end may ask for it again while your browser is signed in.",
    holders: "Bots and services",
    no_holders: "No bot and no service has access.",
    connection: "Connection",
    bot: "Bot",
    add_in: "Add-in",
    back_end: "Service",
    app: "App",
    unknown_holder: "Bot or service without a name",
    email: "E-mail",
    through_another_bot: "through another bot",
    providers: "Other ways to sign in",
    linked: "Linked as",
    not_linked: "Not linked.",
    link: "Link",
    unlink: "Remove the link",
    everywhere: "Sign out everywhere",
    everywhere_hint: "This signs you out of all browsers, apps, bots and services, this browser included. An app that does not \
                      ask us may keep you signed in for some time, usually up to an hour.",
    question: "Sign out everywhere?",
    back: "Back, without signing out",
    unknown_directory: notice(
        "There is no such page",
        "The address is not that of a sign-in service.",
        "Check the address, or ask your administrator for it.",
    ),
    no_single_sign_on: notice(
        "There is nothing to show",
        "Each app asks for your password here, so no browser stays signed in.",
        "Sign out in the apps themselves.",
    ),
    no_session: notice(
        "You are not signed in",
        "The sign-in was not completed, or your browser has kept no cookie.",
        "Allow cookies for this site, then open the page again.",
    ),
    signed_out: notice("You are signed out", "The session of this browser has ended.", "You can close this window."),
    signed_out_everywhere: notice(
        "You are signed out everywhere",
        "All sessions, and the access of all apps, bots and services, have ended.",
        "An app that does not ask us may keep you signed in for some time, usually up to an hour.",
    ),
    unavailable: notice(
        "The page is not available right now",
        "What you asked for may not be complete.",
        "Try again in a few seconds.",
    ),
};

static JAPANESE: AccountTexts = AccountTexts {
    title: "サインイン中の場所",
    before_name: "",
    after_name: " としてサインインしています。",
    done: "完了しました。一覧には残りのものが表示されています。",
    try_again: "何も変更されていません。もう一度選択してください。このサイトの Cookie を許可する必要があります。",
    change_password: "パスワードを変更する",
    change_details: "登録情報を変更する",
    browsers: "ブラウザー",
    this_browser: "このブラウザー",
    unknown_browser: "不明なブラウザー",
    since: "サインイン:",
    last_used: "最終使用:",
    renewed: "最終更新:",
    sign_out: "サインアウト",
    end: "アクセスを終了",
    applications: "アプリ",
    no_applications: "アクセスできるアプリはありません。",
    application_hint: "アクセスを終了したアプリも、このブラウザーがサインインしている間は再びアクセスを求めることがあります。",
    holders: "ボットとサービス",
    no_holders: "アクセスできるボットやサービスはありません。",
    connection: "接続",
    bot: "ボット",
    add_in: "アドイン",
    back_end: "サービス",
    app: "アプリ",
    unknown_holder: "名前のないボットまたはサービス",
    email: "メール",
    through_another_bot: "別のボット経由",
    providers: "ほかのサインイン方法",
    linked: "リンク済み:",
    not_linked: "リンクされていません。",
    link: "リンクする",
    unlink: "リンクを解除する",
    everywhere: "すべての場所からサインアウト",
    everywhere_hint: "このブラウザーを含む、すべてのブラウザー、アプリ、ボット、サービスからサインアウトします。当サービスに確認しない\
                      アプリでは、しばらくの間 (通常は 1 時間以内) サインインしたままになることがあります。",
    question: "すべての場所からサインアウトしますか?",
    back: "サインアウトせずに戻る",
    unknown_directory: notice(
        "ページが見つかりません",
        "このアドレスはサインイン サービスのものではありません。",
        "アドレスを確認するか、管理者にお問い合わせください。",
    ),
    no_single_sign_on: notice(
        "表示するものはありません",
        "ここでは各アプリがパスワードを求めるため、サインインしたままのブラウザーはありません。",
        "各アプリからサインアウトしてください。",
    ),
    no_session: notice(
        "サインインしていません",
        "サインインが完了しなかったか、ブラウザーに Cookie が保存されていません。",
        "このサイトの Cookie を許可してから、ページを開き直してください。",
    ),
    signed_out: notice(
        "サインアウトしました",
        "このブラウザーのセッションは終了しました。",
        "このウィンドウを閉じてかまいません。",
    ),
    signed_out_everywhere: notice(
        "すべての場所からサインアウトしました",
        "すべてのセッションと、すべてのアプリ、ボット、サービスのアクセスが終了しました。",
        "当サービスに確認しないアプリでは、しばらくの間 (通常は 1 時間以内) サインインしたままになることがあります。",
    ),
    unavailable: notice(
        "現在このページを利用できません",
        "要求された操作が完了していない可能性があります。",
        "数秒待ってから、もう一度お試しください。",
    ),
};

static GERMAN: AccountTexts = AccountTexts {
    title: "Wo Sie angemeldet sind",
    before_name: "Sie sind angemeldet als ",
    after_name: ".",
    done: "Erledigt. Die Listen zeigen, was noch da ist.",
    try_again: "Es wurde nichts geändert. Bitte wählen Sie noch einmal. Ihr Browser muss für diese Seite Cookies zulassen.",
    change_password: "Passwort ändern",
    change_details: "Angaben ändern",
    browsers: "Browser",
    this_browser: "dieser Browser",
    unknown_browser: "Unbekannter Browser",
    since: "Angemeldet",
    last_used: "Zuletzt benutzt",
    renewed: "Zuletzt erneuert",
    sign_out: "Abmelden",
    end: "Zugriff beenden",
    applications: "Apps",
    no_applications: "Keine App hat Zugriff.",
    application_hint: "Eine App, deren Zugriff Sie beenden, kann ihn wieder anfordern, solange Ihr Browser angemeldet ist.",
    holders: "Bots und Dienste",
    no_holders: "Kein Bot und kein Dienst hat Zugriff.",
    connection: "Verbindung",
    bot: "Bot",
    add_in: "Add-in",
    back_end: "Dienst",
    app: "App",
    unknown_holder: "Bot oder Dienst ohne Namen",
    email: "E-Mail",
    through_another_bot: "über einen anderen Bot",
    providers: "Weitere Anmeldewege",
    linked: "Verknüpft als",
    not_linked: "Nicht verknüpft.",
    link: "Verknüpfen",
    unlink: "Verknüpfung entfernen",
    everywhere: "Überall abmelden",
    everywhere_hint: "Das meldet Sie in allen Browsern, Apps, Bots und Diensten ab, auch in diesem Browser. Eine App, die nicht bei \
                      uns nachfragt, behält Sie vielleicht noch einige Zeit angemeldet, meist höchstens eine Stunde.",
    question: "Überall abmelden?",
    back: "Zurück, ohne abzumelden",
    unknown_directory: notice(
        "Diese Seite gibt es nicht",
        "Die Adresse gehört zu keinem Anmeldedienst.",
        "Prüfen Sie die Adresse, oder fragen Sie Ihre Administration danach.",
    ),
    no_single_sign_on: notice(
        "Hier gibt es nichts zu zeigen",
        "Jede App fragt hier nach Ihrem Passwort, deshalb bleibt kein Browser angemeldet.",
        "Melden Sie sich in den Apps selbst ab.",
    ),
    no_session: notice(
        "Sie sind nicht angemeldet",
        "Die Anmeldung wurde nicht abgeschlossen, oder Ihr Browser hat kein Cookie behalten.",
        "Lassen Sie für diese Seite Cookies zu, und öffnen Sie sie dann noch einmal.",
    ),
    signed_out: notice(
        "Sie sind abgemeldet",
        "Die Sitzung dieses Browsers ist beendet.",
        "Sie können dieses Fenster schließen.",
    ),
    signed_out_everywhere: notice(
        "Sie sind überall abgemeldet",
        "Alle Sitzungen und der Zugriff aller Apps, Bots und Dienste sind beendet.",
        "Eine App, die nicht bei uns nachfragt, behält Sie vielleicht noch einige Zeit angemeldet, meist höchstens eine Stunde.",
    ),
    unavailable: notice(
        "Die Seite ist gerade nicht verfügbar",
        "Was Sie wollten, ist vielleicht nicht ganz geschehen.",
        "Versuchen Sie es in einigen Sekunden noch einmal.",
    ),
};
