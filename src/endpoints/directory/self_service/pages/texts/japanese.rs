use super::{
    DetailsTexts, FaultTexts, ForgotTexts, LinkTexts, MailboxTexts, PasswordTexts, SelfServiceTexts, SignUpTexts,
    notice,
};

pub(super) static TEXTS: SelfServiceTexts = SelfServiceTexts {
    sign_up: SignUpTexts {
        title: "アカウントの作成", name: "お名前(任意)", submit: "アカウントを作成"
    },
    forgot: ForgotTexts {
        title: "パスワードを忘れた場合",
        lead: "リンクを記載したメールをお送りします。リンクを開いて、新しいパスワードを設定してください。",
        submit: "メールを送信",
    },
    mailbox: MailboxTexts {
        title: "メールをご確認ください",
        signed_up: "入力内容に関するメールが届きます。メールのリンクを開いて続けてください。",
        forgot: "入力内容に一致するアカウントがある場合は、メールが届きます。リンクは 1 時間有効です。",
        advice: "数分待ってもメールが届かない場合は、迷惑メールフォルダーと入力内容をご確認ください。1 つのアドレスに送るメールは 1 時間に 3 通までです。",
    },
    password: PasswordTexts {
        change: "パスワードの変更",
        choose: "新しいパスワードの設定",
        old: "現在のパスワード",
        new: "新しいパスワード",
        rule: "8~128 文字",
        submit: "新しいパスワードを設定",
        changed: notice(
            "パスワードを変更しました",
            "すべてのブラウザーからサインアウトしました。",
            "新しいパスワードでサインインしてください。",
        ),
    },
    details: DetailsTexts {
        title: "登録情報の変更",
        account: ["アカウント: ", ""],
        display: "表示名",
        given: "名",
        family: "姓",
        submit: "保存",
        ended: notice(
            "このページの有効期限が切れました",
            "使用済みか、1 時間以上経過しています。",
            "アプリからもう一度開いてください。",
        ),
    },
    links: LinkTexts {
        confirm: "メールアドレスの確認",
        confirm_lead: ["アドレス: ", ""],
        confirm_submit: "アドレスを確認する",
        go_on: "続ける",
        confirmed: notice("メールアドレスを確認しました", "アカウントを利用できます。", "サインインしてください。"),
        ended: notice(
            "このリンクは無効です",
            "リンクは 1 時間以内に 1 回だけ使用できます。パスワードを変更すると、それ以前のリンクは無効になります。",
            "新しいリンクが必要な場合は、サインイン画面の「パスワードを忘れた場合」を開いてください。まだサインインしたことがない場合は、アカウントをもう一度作成してください。",
        ),
    },
    faults: FaultTexts {
        incomplete: "必須項目をすべて入力してください。",
        bad_value: "メールアドレスの形式が正しくないか、長すぎる項目または使用できない文字があります。",
        name_taken: "このユーザー名は使用されています。別の名前を入力してください。",
        wrong_password: "現在のパスワードが正しくありません。解決しない場合は、管理者にお問い合わせください。",
        too_soon: "パスワードは変更されたばかりです。しばらく待ってから変更してください。",
        length: "新しいパスワードは 8~128 文字で入力してください。",
        pattern: "新しいパスワードが規則に合っていません。",
        contains_name: "新しいパスワードにユーザー名やメールアドレスを含めることはできません。",
        reused: "以前に使用したパスワードです。別のパスワードを入力してください。",
    },
    sign_in: "サインイン画面へ",
    to_application: ["", " に戻る"],
    switched_off: notice(
        "このページは利用できません",
        "アプリの運営者はこの機能を提供していません。",
        "下の参照番号を添えて、アプリの運営者にお問い合わせください。",
    ),
};
