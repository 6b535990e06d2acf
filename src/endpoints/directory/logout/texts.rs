use crate::endpoints::directory::languages::{Language, NoticeText};

/// The texts of this door in one language. A language without one of them does not compile.
pub(super) struct LogoutTexts {
    /// The heading of the page that asks.
    pub(super) question: &'static str,
    /// What comes before the user's name.
    pub(super) before_name: &'static str,
    /// What comes after the user's name.
    pub(super) after_name: &'static str,
    /// The button that ends the session of this browser.
    pub(super) this_browser: &'static str,
    /// The button that ends all sessions.
    pub(super) everywhere: &'static str,
    /// The button that ends everything.
    pub(super) everything: &'static str,
    /// The button that ends none.
    pub(super) stay: &'static str,
    /// The form was not of this browser, or has ended.
    pub(super) try_again: &'static str,
    /// The session has ended.
    pub(super) signed_out: NoticeText,
    /// The user has chosen to stay.
    pub(super) still_signed_in: NoticeText,
    /// The path names no directory.
    pub(super) unknown_directory: NoticeText,
    /// The request cannot be read.
    pub(super) unreadable: NoticeText,
    /// The request names no application of the directory.
    pub(super) unknown_application: NoticeText,
    /// The address to return to is not registered.
    pub(super) return_not_registered: NoticeText,
    /// The service cannot do its work now.
    pub(super) unavailable: NoticeText,
}

impl LogoutTexts {
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

const NOT_SIGNED_OUT: &str = "You were not signed out.";
const TELL_APP: &str = "Tell the people who run the app, and give them the reference below.";

static ENGLISH: LogoutTexts = LogoutTexts {
    question: "Sign out?",
    before_name: "You are signed in as ",
    after_name: ".",
    this_browser: "Sign out in this browser only",
    everywhere: "Sign out in all browsers",
    everything: "Sign out everywhere: browsers, apps, bots and services",
    stay: "Stay signed in",
    try_again: "Please choose again. Your browser must allow cookies for this site.",
    signed_out: notice("You are signed out", "Your session has ended.", "You can close this window."),
    still_signed_in: notice("You are still signed in", "Nothing was changed.", "You can close this window."),
    unknown_directory: notice("There is no such sign-out", NOT_SIGNED_OUT, TELL_APP),
    unreadable: notice("The app asked for a sign-out in a wrong way", NOT_SIGNED_OUT, TELL_APP),
    unknown_application: notice("There is no such app", NOT_SIGNED_OUT, TELL_APP),
    return_not_registered: notice("The address to return to is not registered", NOT_SIGNED_OUT, TELL_APP),
    unavailable: notice(
        "The sign-out is not available right now",
        "You may still be signed in.",
        "Try again in a few seconds.",
    ),
};

const JA_NOT_SIGNED_OUT: &str = "サインアウトは行われませんでした。";
const JA_TELL_APP: &str = "下の参照番号を添えて、アプリの運営者にご連絡ください。";
const JA_CLOSE: &str = "このウィンドウを閉じてかまいません。";

static JAPANESE: LogoutTexts = LogoutTexts {
    question: "サインアウトしますか?",
    before_name: "",
    after_name: " としてサインインしています。",
    this_browser: "このブラウザーからのみサインアウト",
    everywhere: "すべてのブラウザーからサインアウト",
    everything: "すべての場所 (ブラウザー、アプリ、ボット、サービス) からサインアウト",
    stay: "サインインしたままにする",
    try_again: "もう一度選択してください。このサイトの Cookie を許可する必要があります。",
    signed_out: notice("サインアウトしました", "セッションは終了しました。", JA_CLOSE),
    still_signed_in: notice("サインインしたままです", "何も変更されていません。", JA_CLOSE),
    unknown_directory: notice("サインアウト先が見つかりません", JA_NOT_SIGNED_OUT, JA_TELL_APP),
    unreadable: notice("アプリからの要求が正しくありません", JA_NOT_SIGNED_OUT, JA_TELL_APP),
    unknown_application: notice("アプリが見つかりません", JA_NOT_SIGNED_OUT, JA_TELL_APP),
    return_not_registered: notice("戻り先のアドレスが登録されていません", JA_NOT_SIGNED_OUT, JA_TELL_APP),
    unavailable: notice(
        "現在サインアウトできません",
        "まだサインインしている可能性があります。",
        "数秒待ってから、もう一度お試しください。",
    ),
};

const DE_NOT_SIGNED_OUT: &str = "Sie wurden nicht abgemeldet.";
const DE_TELL_APP: &str = "Wenden Sie sich mit der Referenz unten an die Betreiber der App.";
const DE_CLOSE: &str = "Sie können dieses Fenster schließen.";

static GERMAN: LogoutTexts = LogoutTexts {
    question: "Abmelden?",
    before_name: "Sie sind angemeldet als ",
    after_name: ".",
    this_browser: "Nur in diesem Browser abmelden",
    everywhere: "In allen Browsern abmelden",
    everything: "Überall abmelden: in Browsern, Apps, Bots und Diensten",
    stay: "Angemeldet bleiben",
    try_again: "Bitte wählen Sie noch einmal. Ihr Browser muss für diese Seite Cookies zulassen.",
    signed_out: notice("Sie sind abgemeldet", "Ihre Sitzung ist beendet.", DE_CLOSE),
    still_signed_in: notice("Sie sind weiterhin angemeldet", "Es wurde nichts geändert.", DE_CLOSE),
    unknown_directory: notice("Diese Abmeldung gibt es nicht", DE_NOT_SIGNED_OUT, DE_TELL_APP),
    unreadable: notice("Die App hat die Abmeldung falsch angefordert", DE_NOT_SIGNED_OUT, DE_TELL_APP),
    unknown_application: notice("Diese App gibt es nicht", DE_NOT_SIGNED_OUT, DE_TELL_APP),
    return_not_registered: notice("Die Rückkehradresse ist nicht registriert", DE_NOT_SIGNED_OUT, DE_TELL_APP),
    unavailable: notice(
        "Die Abmeldung ist gerade nicht möglich",
        "Sie sind vielleicht noch angemeldet.",
        "Versuchen Sie es in einigen Sekunden noch einmal.",
    ),
};
