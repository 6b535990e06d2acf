//! A run of the doctor, and the lines that it has to print.

use std::process::Output;

use bot_sso::dev::Signer;
use serde_json::Value;

use crate::process::setting::{Setting, stdout};

/// What a client's token is like in a case.
#[derive(Clone, Copy)]
pub enum Token {
    None,
    /// Of this user.
    Of(&'static str),
    /// Ada's with a changed claim, signed by the tenant.
    With(&'static str, &'static str),
    /// Ada's, which has ended.
    Ended,
    /// Ada's, signed with a key of the channels.
    Forged,
    /// This text.
    Text(&'static str),
}

/// A line of the doctor.
#[derive(Clone, Copy)]
pub struct Line {
    pub check: &'static str,
    pub verdict: &'static str,
    /// What was seen has this in it.
    pub seen: &'static str,
    /// The advice has this in it. Where it is empty, the line has no advice.
    pub advice: &'static str,
}

/// It is as it has to be.
pub const fn ok(check: &'static str, seen: &'static str) -> Line {
    Line { check, verdict: "ok", seen, advice: "" }
}

/// It is probably a mistake.
pub const fn warning(check: &'static str, seen: &'static str, advice: &'static str) -> Line {
    Line { check, verdict: "warning", seen, advice }
}

/// A sign-in fails because of it.
pub const fn failed(check: &'static str, seen: &'static str, advice: &'static str) -> Line {
    Line { check, verdict: "failed", seen, advice }
}

/// It was not looked at.
pub const fn skipped(check: &'static str, seen: &'static str, advice: &'static str) -> Line {
    Line { check, verdict: "skipped", seen, advice }
}

impl Line {
    fn fits(&self, finding: &Value) -> bool {
        let Self { check, verdict, seen, advice } = *self;
        let says_advice = match finding["advice"].as_str() {
            Some(text) => !advice.is_empty() && text.contains(advice),
            None => advice.is_empty(),
        };
        finding["check"] == check
            && finding["verdict"] == verdict
            && finding["seen"].as_str().unwrap().contains(seen)
            && says_advice
    }
}

/// A run of the doctor.
#[derive(Clone, Copy)]
pub struct Case {
    /// Keys of the configuration, with their values as in the file.
    pub settings: &'static [(&'static str, &'static str)],
    /// `{ada}` stands for Ada's key.
    pub arguments: &'static [&'static str],
    /// A manifest, in which `{client}`, `{uri}` and `{bot}` stand for the connection's client, its exchange URI and the bot's app id,
    /// and `{add-in}` and `{resource}` for those of the add-in `files`.
    pub manifest: Option<&'static str>,
    pub token: Token,
    /// Some of the lines that are printed.
    pub lines: &'static [Line],
}

/// The connection `graph` of the bot `demo`, as the stage configures it.
pub const DEMO: Case = Case {
    settings: &[],
    arguments: &["--bot", "demo", "--connection", "graph"],
    manifest: None,
    token: Token::None,
    lines: &[],
};

/// What the doctor has printed.
pub struct Examined {
    pub output: Output,
    pub findings: Vec<Value>,
}

impl Case {
    /// Runs the doctor. The exit code says whether something has failed, and neither a secret nor the token is printed.
    pub async fn run(&self, setting: &mut Setting) -> Examined {
        let before = setting.table();
        for (key, value) in self.settings {
            let value: toml::Table = format!("value = {value}").parse().unwrap();
            setting.set(key, value["value"].clone());
        }
        let (token, mut arguments) = (token_of(setting, self.token).await, self.written_arguments(setting));
        arguments.extend(token.iter().flat_map(|_| ["--token".to_owned(), "-".to_owned()]));
        arguments.push("--json".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = setting.doctor(&arguments, token.as_deref().unwrap_or_default());
        setting.set_table(before);
        let findings = findings(&output);
        let has_failed = findings.iter().any(|finding| finding["verdict"] == "failed");
        assert_eq!(output.status.code(), Some(i32::from(has_failed)), "{output:?}");
        let said = stdout(&output);
        assert!(!said.contains("this-secret-is-wrong"), "{said}");
        assert!(token.is_none_or(|token| !token.contains('.') || !said.contains(&token)), "{said}");
        Examined { output, findings }
    }

    fn written_arguments(&self, setting: &Setting) -> Vec<String> {
        let ada = setting.harness.user("Ada");
        let key = format!("{}@{}", ada.oid, ada.tid);
        let mut arguments: Vec<String> = self.arguments.iter().map(|text| text.replace("{ada}", &key)).collect();
        if let Some(manifest) = self.manifest {
            let file = setting.path("manifest");
            std::fs::write(&file, fill_in(manifest, &setting.table())).unwrap();
            arguments.extend(["--manifest".to_owned(), file.to_str().unwrap().to_owned()]);
        }
        arguments
    }

    /// The lines that are not among `findings`, each with what was found instead.
    pub fn list_missing(&self, findings: &[Value]) -> Vec<String> {
        let missing = self.lines.iter().filter(|line| !findings.iter().any(|finding| line.fits(finding)));
        let describe = |line: &Line| {
            let Line { check, verdict, seen, advice } = *line;
            let found: Vec<_> = findings.iter().filter(|finding| finding["check"] == check).collect();
            format!("{check} {verdict}: {seen} -> {advice}; found: {found:#?}")
        };
        missing.map(describe).collect()
    }
}

/// Runs each of the cases. All that is missing is told at once.
pub async fn check_cases(setting: &mut Setting, cases: &[Case]) {
    let mut missing = Vec::new();
    for case in cases {
        let examined = case.run(setting).await;
        missing.extend(case.list_missing(&examined.findings));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

pub fn findings(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{output:?}"))
}

fn fill_in(manifest: &str, table: &toml::Table) -> String {
    let find = |section: &str, name: &str, key: &str| {
        let value = table.get(section).and_then(|section| section.get(name)?.get(key)?.as_str());
        value.unwrap_or_default().to_owned()
    };
    let places = [
        ("{client}", find("connections", "demo-graph", "client_id")),
        ("{uri}", find("connections", "demo-graph", "token_exchange_uri")),
        ("{bot}", find("bots", "demo", "app_id")),
        ("{add-in}", find("add_ins", "files", "client_id")),
        ("{resource}", find("add_ins", "files", "resource")),
    ];
    places.iter().fold(manifest.to_owned(), |text, (place, value)| text.replace(place, value))
}

async fn token_of(setting: &Setting, token: Token) -> Option<String> {
    let ada = setting.harness.user_token("Ada", "graph").await;
    let forge = |name: &str, value: Value| setting.harness.forge(Signer::Tenant, &ada, |claims| claims[name] = value);
    Some(match token {
        Token::None => return None,
        Token::Of(user) => setting.harness.user_token(user, "graph").await,
        Token::With(name, value) => forge(name, value.into()),
        Token::Ended => forge("exp", (setting.harness.now() - 600).into()),
        Token::Forged => setting.harness.forge(Signer::Channel, &ada, |_| {}),
        Token::Text(text) => text.to_owned(),
    })
}
