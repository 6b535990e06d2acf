//! Who may call the skill host, in both directions (attack cases 45 to 53 of docs/protocols/bot-auth-and-skills.md §9).

use serde_json::Value;

use super::fixture::{FABRIKAM, Fixture, LEGACY, OTHER_PARENT, PARENT, Setting, WEATHER, service_url};
use crate::harness::{Answer, logs};

/// The answer that a refused caller gets, and the check that the log names.
#[derive(Clone, Copy)]
struct Refusal {
    status: u16,
    code: &'static str,
    check: &'static str,
}

const ANOTHER_TENANT: &str = "[[bots.demo.callers]]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n\
     tenant = \"d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60\"\nservice_urls = [\"https://x.example/\"]\nchannels = [\"msteams\"]\n";

impl Fixture {
    fn in_fabrikam(&self, token: &str) -> String {
        let issuer = self.harness.stage.v2_issuer(FABRIKAM);
        self.forge(token, |claims| {
            claims["iss"] = issuer.into();
            claims["tid"] = FABRIKAM.into();
        })
    }

    async fn assert_refused(&self, case: &str, sending: impl Future<Output = Answer>, refusal: Refusal) {
        let (logged, received) = (logs::length(), (self.parent.received().len(), self.skill.received().len()));
        let Refusal { status, code, check } = refusal;
        let answer = sending.await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (status, Some(code)), "{case}");
        let now = (self.parent.received().len(), self.skill.received().len());
        assert_eq!(now, received, "{case}: something was passed on");
        let lines = self.lines(logged, "a caller was refused");
        let [line] = lines.as_slice() else { panic!("{case}: not one line: {lines:#?}") };
        assert_eq!((&line["code"], &line["check"]), (&code.into(), &check.into()), "{case}: {line}");
        assert!(!line["hint"].as_str().unwrap().is_empty(), "{case}");
        let is_security = matches!(check, "scp" | "path_of_another_skill");
        assert_eq!(line["security"] == true, is_security, "{case}: {line}");
    }
}

const fn refused(status: u16, code: &'static str, check: &'static str) -> Refusal {
    Refusal { status, code, check }
}

const fn forbidden(check: &'static str) -> Refusal {
    refused(403, "CallerNotAllowed", check)
}

const fn invalid(check: &'static str) -> Refusal {
    refused(401, "InvalidToken", check)
}

#[tokio::test]
async fn only_a_parent_of_the_skill_may_post_to_it() {
    let fixture = Fixture::with(Setting { appended: ANOTHER_TENANT.to_owned(), ..Setting::default() }).await;
    let parent = fixture.token(PARENT, WEATHER).await;
    let user =
        fixture.forge(&fixture.harness.user_token("Ada", "graph").await, |claims| claims["aud"] = WEATHER.into());
    let cases = [
        ("audience the parent itself", fixture.token(PARENT, PARENT).await, invalid("aud")),
        ("audience another skill", fixture.forge(&parent, |claims| claims["aud"] = LEGACY.into()), invalid("aud")),
        (
            "audience a URI",
            fixture.forge(&parent, |claims| claims["aud"] = format!("api://{WEATHER}").into()),
            invalid("aud"),
        ),
        ("unknown audience", fixture.forge(&parent, |claims| claims["aud"] = "somebody".into()), invalid("aud")),
        ("a bot that is no parent", fixture.token(OTHER_PARENT, WEATHER).await, forbidden("skill_parent")),
        ("the skill itself", fixture.token(WEATHER, WEATHER).await, forbidden("skill_parent")),
        ("a stranger", fixture.token(LEGACY, WEATHER).await, forbidden("skill_parent")),
        ("another tenant", fixture.in_fabrikam(&parent), forbidden("skill_parent_tenant")),
        ("a channel", fixture.harness.channel_token("demo").await, forbidden("channel_at_skill_host")),
        ("a user", user, refused(403, "DelegatedTokenNotAllowed", "scp")),
        ("a forged signature", format!("{parent}x"), invalid("signature")),
        ("the emulator's way", fixture.harness.bot_token("demo").await, invalid("aud")),
    ];
    let body = fixture.message().to_string().into_bytes();
    for (case, token, refusal) in cases {
        let sending = fixture.call("POST", "/api/skills/weather/messages", &token, body.clone());
        fixture.assert_refused(case, sending, refusal).await;
        // A caller that is not authenticated as a parent does not learn which skills exist.
        let answer = fixture.call("POST", "/api/skills/unknown/messages", &token, body.clone()).await;
        let is_parent_of_another = case == "audience another skill";
        assert!(matches!(answer.status, 401 | 403) || is_parent_of_another, "{case}: {}", answer.status);
    }
    let no_bearer = fixture.harness.send("POST", "/api/skills/weather/messages", &[], body.clone());
    fixture.assert_refused("no bearer", no_bearer, refused(401, "MissingAuthorization", "authorization")).await;
    let unknown = fixture.call("POST", "/api/skills/unknown/messages", &parent, body.clone());
    fixture.assert_refused("an unknown skill", unknown, refused(404, "NotFound", "skill_name")).await;
    let upper = fixture.forge(&parent, |claims| claims["aud"] = WEATHER.to_uppercase().into());
    assert_eq!(fixture.call("POST", "/api/skills/weather/messages", &upper, body).await.status, 200);
}

#[tokio::test]
async fn only_the_skill_may_answer_its_parent() {
    let fixture = Fixture::with(Setting { appended: ANOTHER_TENANT.to_owned(), ..Setting::default() }).await;
    let id = fixture.open().await;
    let skill = fixture.token(WEATHER, PARENT).await;
    let user = fixture.harness.user_token("Ada", "graph").await;
    let user = fixture.forge(&user, |claims| claims["aud"] = PARENT.into());
    let cases = [
        ("audience the skill itself", fixture.token(WEATHER, WEATHER).await, invalid("aud")),
        ("audience a bot that is no parent", fixture.token(WEATHER, OTHER_PARENT).await, invalid("aud")),
        ("51, the parent itself", fixture.token(PARENT, PARENT).await, forbidden("parents_own_token")),
        ("a bot that is no skill", fixture.token(OTHER_PARENT, PARENT).await, forbidden("skill_app_id")),
        ("another tenant", fixture.in_fabrikam(&skill), forbidden("skill_tenant")),
        ("50, a channel", fixture.harness.channel_token("demo").await, forbidden("channel_at_skill_host")),
        ("a user", user, refused(403, "DelegatedTokenNotAllowed", "scp")),
        ("52, another skill", fixture.token(LEGACY, PARENT).await, refused(404, "NotFound", "path_of_another_skill")),
    ];
    let reply = fixture.reply(&id).to_string().into_bytes();
    for (case, token, refusal) in cases {
        for id in [id.as_str(), "0123456789abcdef0123456789abcdef"] {
            let path = format!("/api/skills/weather/v3/conversations/{id}/activities");
            fixture.assert_refused(case, fixture.call("POST", &path, &token, reply.clone()), refusal).await;
        }
        let path = format!("/api/skills/unknown/v3/conversations/{id}/activities");
        let answer = fixture.call("POST", &path, &token, reply.clone()).await;
        assert!(matches!(answer.status, 401 | 403) || case.starts_with("52"), "{case}: {}", answer.status);
    }
    let path = format!("/api/skills/unknown/v3/conversations/{id}/activities");
    let unknown = fixture.call("POST", &path, &skill, reply);
    fixture.assert_refused("an unknown skill", unknown, refused(404, "NotFound", "skill_name")).await;
    assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.status, 200);
}

// Cases 52 and 53.
#[tokio::test]
async fn a_conversation_of_another_skill_answers_exactly_as_an_unknown_one() {
    let fixture = Fixture::start().await;
    let (weather, news) = (fixture.open().await, fixture.open_news().await);
    let unknown = "0123456789abcdef0123456789abcdef";
    let ids = [unknown, &news, "parents-conversation", &weather.to_uppercase(), "x"];
    let logged = logs::length();
    let operations = [
        ("POST", "activities"),
        ("POST", "activities/x"),
        ("PUT", "activities/x"),
        ("DELETE", "activities/x"),
        ("GET", "activities/x/members"),
        ("GET", "members"),
        ("GET", "members/x"),
        ("DELETE", "members/x"),
        ("GET", "pagedmembers"),
        ("POST", "attachments"),
    ];
    let undated =
        |answer: &Answer| answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<Vec<_>>();
    let mut body = Vec::new();
    for (method, path) in operations {
        let mut answers = Vec::new();
        for id in ids {
            let sent = if matches!(method, "POST" | "PUT") { fixture.reply(id) } else { Value::Null };
            answers.push(fixture.as_skill(method, &format!("{id}/{path}"), &sent).await);
        }
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (404, &answers[0].body), "{method} {path}");
            assert_eq!(undated(answer), undated(&answers[0]), "{method} {path}");
        }
        body.clone_from(&answers[0].body);
    }
    // One for each try at the other skill's conversation.
    assert_eq!(fixture.oversteps(logged), vec!["conversation"; 10]);
    let at_others_path = fixture.token(LEGACY, PARENT).await;
    let path = format!("/api/skills/weather/v3/conversations/{weather}/activities");
    let answer = fixture.call("POST", &path, &at_others_path, fixture.reply(&weather).to_string().into_bytes()).await;
    assert_eq!((answer.status, &answer.body), (404, &body));
    assert!(fixture.parent.received().is_empty());
}

#[tokio::test]
async fn another_parents_token_opens_no_conversation_of_the_first() {
    let fixture = Fixture::start().await;
    let news = fixture.open_news().await;
    let path = format!("/api/skills/news/v3/conversations/{news}/activities");
    let body = fixture.reply(&news).to_string().into_bytes();
    let logged = logs::length();
    let for_other_parent = fixture.token(LEGACY, OTHER_PARENT).await;
    assert_eq!(fixture.call("POST", &path, &for_other_parent, body.clone()).await.status, 404);
    assert_eq!(fixture.oversteps(logged), ["conversation"]);
    let for_parent = fixture.token(LEGACY, PARENT).await;
    assert_eq!(fixture.call("POST", &path, &for_parent, body).await.status, 200);
}

#[tokio::test]
async fn a_parents_service_url_outside_of_its_list_is_refused() {
    let fixture = Fixture::start().await;
    let own = service_url(&fixture.parent);
    let refusal = refused(403, "ServiceUrlNotAllowed", "skill_host_url");
    for other in [
        "https://evil.example/api/skills/".to_owned(),
        own.replace("/api/skills/", "/"),
        own.replace("/api/skills/", "/api/skillsX/"),
        format!("{own}../admin"),
        own.replace("http://", "https://"),
        own.replace("http://", "http://u@"),
        own.replace("127.0.0.1", "localhost"),
        format!("{own}?x"),
        "http://169.254.169.254/".to_owned(),
    ] {
        let mut message = fixture.message();
        message["serviceUrl"] = other.as_str().into();
        fixture.assert_refused(&other, fixture.post(&message), refusal).await;
    }
    let mut absent = fixture.message();
    absent.as_object_mut().unwrap().remove("serviceUrl");
    fixture
        .assert_refused("absent", fixture.post(&absent), refused(400, "MissingProperty", "service_url_absent"))
        .await;
    let mut below = fixture.message();
    below["serviceUrl"] = format!("{own}deeper").into();
    assert_eq!(fixture.post(&below).await.status, 200);
}

#[tokio::test]
async fn parents_and_skills_that_call_too_often_get_429() {
    let limits = "[limits]\nparent_requests_per_second = 1\n".to_owned();
    let fixture = Fixture::with(Setting { appended: limits, ..Setting::default() }).await;
    let id = fixture.open().await;
    let logged = logs::length();
    let (parent, skill) = (fixture.token(PARENT, WEATHER).await, fixture.token(WEATHER, PARENT).await);
    let message = fixture.message().to_string().into_bytes();
    let posts = (0..40).map(|_| fixture.call("POST", "/api/skills/weather/messages", &parent, message.clone()));
    let answers = futures_util::future::join_all(posts).await;
    let path = format!("/api/skills/weather/v3/conversations/{id}/activities");
    let reply = fixture.reply(&id).to_string().into_bytes();
    let replies = (0..40).map(|_| fixture.call("POST", &path, &skill, reply.clone()));
    let replies = futures_util::future::join_all(replies).await;
    for answers in [&answers, &replies] {
        let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
        assert!(refused.len() > 1 && refused.len() < 40, "{}", refused.len());
        assert!(refused.iter().all(|answer| answer.header("retry-after") == Some("1")));
    }
    let lines = logs::since(logged);
    for check in ["skill_parent_rate", "skill_rate"] {
        assert_eq!(lines.matches(&format!("\"check\":\"{check}\"")).count(), 1, "{check}");
    }
}
