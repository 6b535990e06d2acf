use super::notice_text::{NoticeText, notice};
use super::provider_texts::{self, ProviderTexts};

/// The texts of all pages in one language. A language without one of them does not compile.
pub struct PageTexts {
    /// The tag for the attribute `lang`.
    pub tag: &'static str,
    /// The heading of the sign-in page.
    pub sign_in: &'static str,
    /// What comes before the application's name below the heading.
    pub before_application: &'static str,
    /// What comes after the application's name.
    pub after_application: &'static str,
    /// The label of the e-mail address.
    pub email: &'static str,
    /// The label of the user name.
    pub user_name: &'static str,
    /// The label of the password.
    pub password: &'static str,
    /// The button that sends name and password.
    pub submit: &'static str,
    /// The sentence for every sign-in that is refused: it says nothing of whether there is such a user.
    pub refused: &'static str,
    /// The same where users have to confirm their address before they sign in.
    pub refused_or_unconfirmed: &'static str,
    /// The password is right but has expired.
    pub expired: &'static str,
    /// The same where users change passwords by themselves; a link with the next text follows.
    pub expired_changeable: &'static str,
    /// The link to the page on which the user changes the password.
    pub change_password: &'static str,
    /// The link to the page for a forgotten password.
    pub forgot_password: &'static str,
    /// The link to the page on which strangers become users.
    pub sign_up: &'static str,
    /// Too many sign-ins were refused.
    pub too_many: &'static str,
    /// Too many passwords are being checked.
    pub busy: &'static str,
    /// The form was not of this browser, or has ended.
    pub try_again: &'static str,
    /// A field is empty.
    pub incomplete: &'static str,
    /// The title of a page that tells the application's window the result.
    pub finished: &'static str,
    /// What the user does with that page, if anything.
    pub close_window: &'static str,
    /// What comes before the reference number.
    pub reference: &'static str,
    /// The path names no directory.
    pub unknown_directory: NoticeText,
    /// The application's request cannot be read.
    pub unreadable_request: NoticeText,
    /// The request names no application of the directory.
    pub unknown_application: NoticeText,
    /// The address to return to is not registered.
    pub return_not_registered: NoticeText,
    /// The service cannot do its work now.
    pub unavailable: NoticeText,
    /// The user is signed in silently too often.
    pub too_often: NoticeText,
    /// The texts about other identity providers.
    pub providers: ProviderTexts,
}

const NO_SIGN_IN: &str = "No sign-in was begun.";
const TELL_APP: &str = "Tell the people who run the app, and give them the reference below.";

pub(super) static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    sign_in: "Sign in",
    before_application: "to continue to ",
    after_application: "",
    email: "E-mail address",
    user_name: "User name",
    password: "Password",
    submit: "Sign in",
    refused: "You could not be signed in. Check what you have typed. If it keeps failing, ask your administrator.",
    refused_or_unconfirmed: "You could not be signed in. Check what you have typed. If you have signed up only just, \
                             first follow the link in the message that we have sent to you.",
    expired: "Your password has expired. Ask your administrator for a new one.",
    expired_changeable: "Your password has expired.",
    change_password: "Change the password",
    forgot_password: "Forgot your password?",
    sign_up: "Create an account",
    too_many: "There were too many attempts. Wait a minute, then try again.",
    busy: "Many people are signing in right now. Wait a few seconds, then try again.",
    try_again: "Please try again. Your browser must allow cookies for this site.",
    incomplete: "Fill in both fields.",
    finished: "Back to the app",
    close_window: "If this window stays open, you can close it.",
    reference: "Reference: ",
    unknown_directory: notice("There is no such sign-in", NO_SIGN_IN, TELL_APP),
    unreadable_request: notice("The app asked for a sign-in in a wrong way", NO_SIGN_IN, TELL_APP),
    unknown_application: notice("There is no such app", NO_SIGN_IN, TELL_APP),
    return_not_registered: notice("The address to return to is not registered", NO_SIGN_IN, TELL_APP),
    unavailable: notice(
        "The sign-in is not available right now",
        "Nothing was changed.",
        "Try again in a few seconds.",
    ),
    too_often: notice(
        "You were sent here too often",
        "An app may be sending you in a circle.",
        "Wait a minute, then open the app again. If it happens again, tell the people who run the app.",
    ),
    providers: provider_texts::ENGLISH,
};

pub(super) static JAPANESE: PageTexts = PageTexts {
    tag: "ja",
    sign_in: "サインイン",
    before_application: "",
    after_application: " に進みます",
    email: "メールアドレス",
    user_name: "ユーザー名",
    password: "パスワード",
    submit: "サインイン",
    refused: "サインインできませんでした。入力内容を確認してください。解決しない場合は、管理者にお問い合わせください。",
    refused_or_unconfirmed: "サインインできませんでした。入力内容をご確認ください。登録したばかりの場合は、まずお送りしたメッセージのリンクを開いてください。",
    expired: "パスワードの有効期限が切れています。管理者に新しいパスワードを依頼してください。",
    expired_changeable: "パスワードの有効期限が切れています。",
    change_password: "パスワードを変更する",
    forgot_password: "パスワードを忘れた場合",
    sign_up: "アカウントを作成する",
    too_many: "試行回数が多すぎます。1 分ほど待ってから、もう一度お試しください。",
    busy: "現在混み合っています。数秒待ってから、もう一度お試しください。",
    try_again: "もう一度お試しください。このサイトの Cookie を許可する必要があります。",
    incomplete: "両方の項目を入力してください。",
    finished: "アプリに戻ります",
    close_window: "このウィンドウが閉じない場合は、閉じてかまいません。",
    reference: "参照番号: ",
    unknown_directory: notice("サインイン先が見つかりません", JA_NO_SIGN_IN, JA_TELL_APP),
    unreadable_request: notice("アプリからの要求が正しくありません", JA_NO_SIGN_IN, JA_TELL_APP),
    unknown_application: notice("アプリが見つかりません", JA_NO_SIGN_IN, JA_TELL_APP),
    return_not_registered: notice("戻り先のアドレスが登録されていません", JA_NO_SIGN_IN, JA_TELL_APP),
    unavailable: notice(
        "現在サインインできません",
        "何も変更されていません。",
        "数秒待ってから、もう一度お試しください。",
    ),
    too_often: notice(
        "サインインの回数が多すぎます",
        "アプリが移動を繰り返している可能性があります。",
        "1 分ほど待ってから、アプリを開き直してください。繰り返す場合は、アプリの運営者にご連絡ください。",
    ),
    providers: provider_texts::JAPANESE,
};

const JA_NO_SIGN_IN: &str = "サインインは開始されませんでした。";
const JA_TELL_APP: &str = "下の参照番号を添えて、アプリの運営者にご連絡ください。";

pub(super) static GERMAN: PageTexts = PageTexts {
    tag: "de",
    sign_in: "Anmelden",
    before_application: "und weiter zu ",
    after_application: "",
    email: "E-Mail-Adresse",
    user_name: "Benutzername",
    password: "Passwort",
    submit: "Anmelden",
    refused: "Die Anmeldung hat nicht geklappt. Prüfen Sie Ihre Eingaben. Klappt es weiterhin nicht, fragen Sie Ihre \
              Administration.",
    refused_or_unconfirmed: "Die Anmeldung hat nicht geklappt. Prüfen Sie Ihre Eingaben. Wenn Sie sich gerade erst \
                             registriert haben, folgen Sie zuerst dem Link in der Nachricht, die wir Ihnen geschickt \
                             haben.",
    expired: "Ihr Passwort ist abgelaufen. Bitten Sie Ihre Administration um ein neues.",
    expired_changeable: "Ihr Passwort ist abgelaufen.",
    change_password: "Passwort ändern",
    forgot_password: "Passwort vergessen?",
    sign_up: "Konto anlegen",
    too_many: "Es gab zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.",
    busy: "Gerade melden sich viele an. Warten Sie einige Sekunden und versuchen Sie es dann noch einmal.",
    try_again: "Bitte versuchen Sie es noch einmal. Ihr Browser muss für diese Seite Cookies zulassen.",
    incomplete: "Füllen Sie beide Felder aus.",
    finished: "Zurück zur App",
    close_window: "Bleibt dieses Fenster offen, können Sie es schließen.",
    reference: "Referenz: ",
    unknown_directory: notice("Diese Anmeldung gibt es nicht", DE_NO_SIGN_IN, DE_TELL_APP),
    unreadable_request: notice("Die App hat die Anmeldung falsch angefordert", DE_NO_SIGN_IN, DE_TELL_APP),
    unknown_application: notice("Diese App gibt es nicht", DE_NO_SIGN_IN, DE_TELL_APP),
    return_not_registered: notice("Die Rückkehradresse ist nicht registriert", DE_NO_SIGN_IN, DE_TELL_APP),
    unavailable: notice(
        "Die Anmeldung ist gerade nicht möglich",
        "Es wurde nichts geändert.",
        "Versuchen Sie es in einigen Sekunden noch einmal.",
    ),
    too_often: notice(
        "Sie wurden zu oft hierher geschickt",
        "Vielleicht schickt eine App Sie im Kreis.",
        "Warten Sie eine Minute und öffnen Sie die App dann noch einmal. Geschieht es wieder, wenden Sie sich an die Betreiber \
         der App.",
    ),
    providers: provider_texts::GERMAN,
};

const DE_NO_SIGN_IN: &str = "Es wurde keine Anmeldung begonnen.";
const DE_TELL_APP: &str = "Wenden Sie sich mit der Referenz unten an die Betreiber der App.";
