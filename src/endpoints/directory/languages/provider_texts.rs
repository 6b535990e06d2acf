use super::notice_text::{NoticeText, notice};

/// The texts about other identity providers in one language.
pub struct ProviderTexts {
    /// What stands between the form and the buttons of the sign-in page.
    pub or: &'static str,
    /// What comes before a provider's label on its button.
    pub before_button: &'static str,
    /// What comes after it.
    pub after_button: &'static str,
    /// The user has cancelled the sign-in there.
    pub cancelled: &'static str,
    /// The sign-in was refused there, or its answer was.
    pub refused: &'static str,
    /// The provider does not answer.
    pub unavailable: &'static str,
    /// The user may not sign in here.
    pub not_allowed: &'static str,
    /// The browser comes back to a sign-in that is unknown.
    pub lost: NoticeText,
    /// The heading of the page on which a link begins.
    pub link: &'static str,
    /// What happens then.
    pub link_explained: &'static str,
    /// What comes before the name of the provider.
    pub provider: &'static str,
    /// What comes before the name of the user's account.
    pub account: &'static str,
    /// What comes before the name of the account at the provider.
    pub other_account: &'static str,
    /// The button that leads to the provider.
    pub begin_link: &'static str,
    /// The account is linked.
    pub is_linked: &'static str,
    /// The button that removes the link.
    pub unlink: &'static str,
    /// The link back to the account.
    pub back: &'static str,
    /// The heading of the page that asks before accounts are linked.
    pub confirm: &'static str,
    /// What that means.
    pub confirm_explained: &'static str,
    /// The button that links.
    pub confirm_link: &'static str,
    /// The link was not made.
    pub link_failed: NoticeText,
    /// The account there is that of another user.
    pub of_another_user: NoticeText,
    /// The link is the only way to sign in.
    pub last_identity: NoticeText,
}

pub(super) const ENGLISH: ProviderTexts = ProviderTexts {
    or: "or",
    before_button: "Sign in with ",
    after_button: "",
    cancelled: "The sign-in there was cancelled. Try again, or sign in another way.",
    refused: "You could not be signed in there. Try again, or sign in another way. If it keeps failing, ask your administrator.",
    unavailable: "The sign-in there is not available right now. Try again later, or sign in another way.",
    not_allowed: "This account may not sign in here. Ask your administrator.",
    lost: notice(
        "This sign-in cannot go on",
        "It took longer than 15 minutes, was begun in another browser, or is over.",
        "Open the app again and sign in there. Your browser must allow cookies for this site.",
    ),
    link: "Add another way to sign in",
    link_explained: "You sign in there now. After that, you can sign in to your account here that way, too.",
    provider: "Sign-in with: ",
    account: "Your account here: ",
    other_account: "The account there: ",
    begin_link: "Go on",
    is_linked: "Your account can be used this way already.",
    unlink: "Remove",
    back: "Back to your account",
    confirm: "Link these accounts?",
    confirm_explained: "Everybody who can sign in to the account there can sign in to your account here from now on. Go on only if \
                        both accounts are yours.",
    confirm_link: "Link",
    link_failed: notice(
        "The accounts were not linked",
        "Nothing was changed.",
        "Open the page of your account, and try again there.",
    ),
    of_another_user: notice(
        "The account there belongs to another user",
        "It is linked to another account here. Nothing was changed.",
        "Sign in there with another account, or ask your administrator.",
    ),
    last_identity: notice(
        "This cannot be removed",
        "You could not sign in any more. Nothing was changed.",
        "Add another way to sign in first, or ask your administrator for a password.",
    ),
};

pub(super) const JAPANESE: ProviderTexts = ProviderTexts {
    or: "または",
    before_button: "",
    after_button: " でサインイン",
    cancelled: "サインインがキャンセルされました。もう一度お試しいただくか、別の方法でサインインしてください。",
    refused: "サインインできませんでした。もう一度お試しいただくか、別の方法でサインインしてください。解決しない場合は、管理者に\
              お問い合わせください。",
    unavailable: "現在、この方法ではサインインできません。しばらくしてからお試しいただくか、別の方法でサインインしてください。",
    not_allowed: "このアカウントではサインインできません。管理者にお問い合わせください。",
    lost: notice(
        "サインインを続けられません",
        "15 分以上経過したか、別のブラウザーで開始されたか、すでに終了しています。",
        "アプリを開き直して、サインインしてください。このサイトの Cookie を許可する必要があります。",
    ),
    link: "サインイン方法の追加",
    link_explained: "続けてサインインすると、今後はその方法でもこのアカウントにサインインできます。",
    provider: "サインイン先: ",
    account: "こちらのアカウント: ",
    other_account: "連携するアカウント: ",
    begin_link: "続ける",
    is_linked: "このサインイン方法はすでに追加されています。",
    unlink: "削除",
    back: "アカウントに戻る",
    confirm: "アカウントを連携しますか?",
    confirm_explained: "連携先のアカウントにサインインできる人は、今後こちらのアカウントにもサインインできます。両方ともご自分の\
                        アカウントである場合にのみ続けてください。",
    confirm_link: "連携する",
    link_failed: notice(
        "アカウントは連携されませんでした",
        "何も変更されていません。",
        "アカウントのページを開き、もう一度お試しください。",
    ),
    of_another_user: notice(
        "連携先のアカウントは別のユーザーのものです",
        "すでに別のアカウントと連携されています。何も変更されていません。",
        "別のアカウントでサインインするか、管理者にお問い合わせください。",
    ),
    last_identity: notice(
        "このサインイン方法は削除できません",
        "削除するとサインインできなくなります。何も変更されていません。",
        "先に別のサインイン方法を追加するか、管理者にパスワードを依頼してください。",
    ),
};

pub(super) const GERMAN: ProviderTexts = ProviderTexts {
    or: "oder",
    before_button: "Mit ",
    after_button: " anmelden",
    cancelled: "Die Anmeldung dort wurde abgebrochen. Versuchen Sie es noch einmal, oder melden Sie sich anders an.",
    refused: "Die Anmeldung dort hat nicht geklappt. Versuchen Sie es noch einmal, oder melden Sie sich anders an. Klappt es \
              weiterhin nicht, fragen Sie Ihre Administration.",
    unavailable: "Die Anmeldung dort ist gerade nicht möglich. Versuchen Sie es später noch einmal, oder melden Sie sich anders an.",
    not_allowed: "Dieses Konto darf sich hier nicht anmelden. Fragen Sie Ihre Administration.",
    lost: notice(
        "Diese Anmeldung lässt sich nicht fortsetzen",
        "Sie hat länger als 15 Minuten gedauert, wurde in einem anderen Browser begonnen oder ist schon vorbei.",
        "Öffnen Sie die App noch einmal und melden Sie sich dort an. Ihr Browser muss für diese Seite Cookies zulassen.",
    ),
    link: "Weitere Anmeldung hinzufügen",
    link_explained: "Sie melden sich jetzt dort an. Danach können Sie sich auch auf diesem Weg an Ihrem Konto hier anmelden.",
    provider: "Anmeldung mit: ",
    account: "Ihr Konto hier: ",
    other_account: "Das Konto dort: ",
    begin_link: "Weiter",
    is_linked: "An Ihrem Konto können Sie sich auf diesem Weg bereits anmelden.",
    unlink: "Entfernen",
    back: "Zurück zu Ihrem Konto",
    confirm: "Diese Konten verbinden?",
    confirm_explained: "Wer sich am Konto dort anmelden kann, kann sich dann auch an Ihrem Konto hier anmelden. Fahren Sie nur fort, \
                        wenn beide Konten Ihre sind.",
    confirm_link: "Verbinden",
    link_failed: notice(
        "Die Konten wurden nicht verbunden",
        "Es wurde nichts geändert.",
        "Öffnen Sie die Seite Ihres Kontos und versuchen Sie es dort noch einmal.",
    ),
    of_another_user: notice(
        "Das Konto dort gehört zu jemand anderem",
        "Es ist mit einem anderen Konto hier verbunden. Es wurde nichts geändert.",
        "Melden Sie sich dort mit einem anderen Konto an, oder fragen Sie Ihre Administration.",
    ),
    last_identity: notice(
        "Das lässt sich nicht entfernen",
        "Sie könnten sich nicht mehr anmelden. Es wurde nichts geändert.",
        "Fügen Sie erst eine andere Anmeldung hinzu, oder lassen Sie sich von Ihrer Administration ein Passwort geben.",
    ),
};
