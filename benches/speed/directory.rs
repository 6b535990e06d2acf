use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bot_sso::domain::SecretHash;

use crate::client::Connection;
use crate::load::Template;
use crate::mixes::{LoadedServer, Sizes};
use crate::table::Row;

/// The tenant id of the directory.
pub const TENANT: &str = "bench";
const APPLICATION: &str = "shop";
const APPLICATION_SECRET: &str = "a-secret-of-the-application-of-the-bench";
const REDIRECT_URI: &str = "https://shop.example.com/callback";
const PASSWORD: &str = "a-long-password-of-the-bench";
/// The bearer of the management API.
pub const ADMINISTRATOR_TOKEN: &str = "a-token-of-the-administrator-of-the-bench";

/// The number of users, each of whom has a session: so many that all rounds stay below the 120 silent codes of a user in a minute.
const USERS: usize = 400;

/// The names of the rows in printing order.
const NAMES: [&str; 4] = [
    "(c) bot-sso, directory: silent authorization, store full",
    "(c) bot-sso, directory: a code's tokens, store full",
    "(c) bot-sso, directory: introspection",
    "(c) bot-sso, directory: sign-in (argon2 with 8 MiB and one pass), store full",
];

/// The mixes of a directory: users who have a session get codes without a page, an application redeems codes and asks for the
/// state of tokens, and users enter their passwords.
pub struct DirectoryMix {
    port: u16,
    /// Authorization requests of users who have a session.
    silent: Vec<Template>,
    introspections: Vec<Template>,
    sign_ins: Vec<Template>,
}

/// The sections of a directory with one application and single sign-on.
pub fn sections() -> String {
    format!(
        "[password_hashes]\nmemory_kib = 8192\npasses = 1\n\
         [directories.{TENANT}]\nsso = {{ is_active = true }}\n\
         administrators = [{{ name = \"bench\", role = \"manager\", token_sha256 = [\"{administrator}\"] }}]\n\
         [directories.{TENANT}.applications.{APPLICATION}]\nsecret_sha256 = [\"{application}\"]\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\n",
        administrator = SecretHash::of(ADMINISTRATOR_TOKEN).to_text(),
        application = SecretHash::of(APPLICATION_SECRET).to_text(),
    )
}

impl DirectoryMix {
    /// Creates the users at the bot-sso on `port`, and signs them in.
    pub fn prepare(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut mix = Self { port, silent: Vec::new(), introspections: Vec::new(), sign_ins: Vec::new() };
            let mut connection = Connection::open(port).await;
            for number in 0..USERS {
                create_user(&mut connection, number).await;
                let sign_in = open_form(&mut connection, number).await;
                assert_eq!(connection.call(sign_in.bytes()).await, 303, "{}", connection.head());
                let session = connection.find_cookie("bot-sso-session-");
                mix.sign_ins.push(sign_in);
                mix.silent.push(Template::browser(&authorization_path(), &session).answered_by(302));
            }
            for silent in mix.silent.iter().take(20) {
                let code = silent_code(&mut connection, silent).await;
                assert_eq!(connection.call(redemption(&code).bytes()).await, 200, "{}", connection.head());
                let answer: serde_json::Value = serde_json::from_slice(connection.body()).unwrap();
                mix.introspections.push(introspection(answer["access_token"].as_str().unwrap()));
            }
            mix
        })
    }

    /// Measures all rounds.
    pub fn measure(&self, server: &mut LoadedServer<'_>, sizes: Sizes) -> [Row; 4] {
        let mut rows = NAMES.map(Row::new);
        let [silent, token, introspection, sign_in] = &mut rows;
        for _ in 0..sizes.rounds {
            server.measure(silent, &self.silent, sizes.cold as u64, false);
            // Codes are good for a minute, so those of a round are drawn just before it.
            let redemptions = self.draw_redemptions(sizes.cold);
            server.measure(token, &redemptions, redemptions.len() as u64, false);
            server.measure(introspection, &self.introspections, sizes.back_end, false);
            server.measure(sign_in, &self.sign_ins, sizes.cards as u64, false);
        }
        for row in &mut rows {
            row.calls = None;
        }
        rows
    }

    fn draw_redemptions(&self, count: usize) -> Vec<Template> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut connection, mut redemptions) = (Connection::open(self.port).await, Vec::with_capacity(count));
            for silent in self.silent.iter().cycle().take(count) {
                redemptions.push(redemption(&silent_code(&mut connection, silent).await));
            }
            redemptions
        })
    }
}

/// Asks for a page of the user list; returns how long that took.
pub fn list_users(port: u16) -> Duration {
    let path = format!("/management/v4/{TENANT}/cloud_directory/Users?startIndex=1&count=100");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let begun = std::time::Instant::now();
        assert_eq!(connection.call(Template::get(&path, ADMINISTRATOR_TOKEN).bytes()).await, 200);
        let took = begun.elapsed();
        let page: serde_json::Value = serde_json::from_slice(connection.body()).unwrap();
        assert_eq!(page["Resources"].as_array().unwrap().len(), 100);
        took
    })
}

fn email(number: usize) -> String {
    format!("ada.example.{number:06}@contoso.example")
}

async fn create_user(connection: &mut Connection, number: usize) {
    let user = serde_json::json!({
        "emails": [{"value": email(number), "primary": true}], "password": PASSWORD,
        "displayName": format!("Ada Example {number:06}"), "active": true, "status": "CONFIRMED",
    });
    let path = format!("/management/v4/{TENANT}/cloud_directory/Users");
    let creation = Template::post(&path, &user.to_string(), ADMINISTRATOR_TOKEN);
    let mut status = connection.call(creation.bytes()).await;
    // An administrator may make so many changes a minute.
    while status == 429 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        status = connection.call(creation.bytes()).await;
    }
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(connection.body()));
}

/// The path of an authorization request as the SDK sends it.
fn authorization_path() -> String {
    format!(
        "/oauth/v4/{TENANT}/authorization?client_id={APPLICATION}&response_type=code&redirect_uri={REDIRECT_URI}\
         &scope=appid_default&state=c3RhdGU%3D"
    )
}

/// Opens the sign-in page as a browser does; returns the form with the password of the user.
async fn open_form(connection: &mut Connection, number: usize) -> Template {
    assert_eq!(
        connection.call(Template::browser(&authorization_path(), "").bytes()).await,
        200,
        "{}",
        connection.head()
    );
    let page = String::from_utf8(connection.body().to_vec()).unwrap();
    let value_after = |text: &str| {
        let (_, rest) = page.split_once(text).expect("the page has a form");
        rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
    };
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("form_token", &value_after("name=\"form_token\" value=\""))
        .append_pair("username", &email(number))
        .append_pair("password", PASSWORD)
        .finish();
    let cookie = connection.find_cookie("bot-sso-form");
    Template::form_with(&value_after("action=\""), &form, &format!("Cookie: {cookie}\r\n")).answered_by(303)
}

/// The code that a user with a session gets.
async fn silent_code(connection: &mut Connection, silent: &Template) -> String {
    assert_eq!(connection.call(silent.bytes()).await, 302, "{}", connection.head());
    let head = connection.head();
    let (_, rest) = head.split_once("code=").expect("the answer has a code");
    rest.split(['&', '\r']).next().unwrap().to_owned()
}

fn redemption(code: &str) -> Template {
    application_form("token", &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)])
}

fn introspection(token: &str) -> Template {
    application_form("introspect", &[("token", token)])
}

/// A form that the application sends with its secret.
fn application_form(endpoint: &str, fields: &[(&str, &str)]) -> Template {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let basic = STANDARD.encode(format!("{APPLICATION}:{APPLICATION_SECRET}"));
    Template::form_with(&format!("/oauth/v4/{TENANT}/{endpoint}"), &body, &format!("Authorization: Basic {basic}\r\n"))
}
