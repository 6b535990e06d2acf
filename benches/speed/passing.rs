use std::path::Path;
use std::slice::from_ref;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream;
use serde_json::json;

use crate::compared::serve_and_print_port;
use crate::load::{ID, Template};
use crate::mixes::{LoadedServer, Sizes};
use crate::processes::{Process, Run, free_port, leave_measured_core};
use crate::setting::{APP_ID, SERVICE_URL, TENANT, User, write_configuration};
use crate::signing::Signer;
use crate::table::Row;

/// The path of the bare bot at the identity side.
pub const BOT_PATH: &str = "/bot/api/messages";
/// The number of users who write messages.
const USERS: usize = 1000;
/// The headers that the proxy does not copy, because the HTTP library on the other side writes its own.
const OF_CONNECTION: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// Answers an activity as the SDKs' bots do: with 200 and no body.
pub async fn bare_bot(_: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// Serves a proxy of the same framework and HTTP client that does only the necessary: it reads the activity, posts it with
/// the same headers to the bot at `bot_url`, and streams the bot's answer back.
pub fn serve_proxy(bot_url: &str) {
    let client = reqwest::Client::builder().http1_only().no_proxy().build().unwrap();
    let bot_url: reqwest::Url = bot_url.parse().unwrap();
    let app = move || {
        let (client, bot_url) = (client.clone(), bot_url.clone());
        let handler =
            move |request: HttpRequest, body: web::Bytes| pass_on(client.clone(), bot_url.clone(), request, body);
        App::new().route("/api/messages", web::post().to(handler))
    };
    serve_and_print_port(|listener| HttpServer::new(app).workers(1).listen(listener).unwrap().run());
}

/// The two sides have different versions of the `http` crate, so each header is converted.
async fn pass_on(
    client: reqwest::Client,
    bot_url: reqwest::Url,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let mut headers = reqwest::header::HeaderMap::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        if !OF_CONNECTION.contains(&name.as_str()) {
            let name = reqwest::header::HeaderName::from_bytes(name.as_str().as_bytes()).unwrap();
            headers.append(name, reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
    }
    let Ok(answer) = client.post(bot_url).headers(headers).body(body).send().await else {
        return HttpResponse::BadGateway().finish();
    };
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !OF_CONNECTION.contains(&name.as_str()) {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.streaming(stream::try_unfold(answer, |mut answer| async {
        Ok::<_, reqwest::Error>(answer.chunk().await?.map(|chunk| (chunk, answer)))
    }))
}

/// A message of each user, as Teams sends it.
pub fn messages(signer: &Signer) -> Vec<Template> {
    let channel_token = signer.channel_token(SERVICE_URL);
    (0..USERS).map(|number| Template::post("/api/messages", &message(User(number)), &channel_token)).collect()
}

fn message(user: User) -> String {
    let text = "Which of my tasks are due this week, and who waits for them?";
    let activity = json!({
        "text": text, "textFormat": "plain",
        "attachments": [{"contentType": "text/html", "content": format!("<p>{text}</p>")}],
        "type": "message", "timestamp": "2026-11-21T10:11:12.345Z", "localTimestamp": "2026-11-21T11:11:12.345+01:00",
        "id": ID, "channelId": "msteams", "serviceUrl": SERVICE_URL,
        "from": {"id": user.channel_id(), "name": user.display_name(), "aadObjectId": user.object_id()},
        "conversation": {
            "conversationType": "personal", "tenantId": TENANT,
            "id": format!("a:1qLw4YhR6sUc0aEj9gDf5iKo7tVqPnBxMzWyCr{:010}mXv8N2kT0pQmZ8bS3dHk", user.0),
        },
        "recipient": {"id": format!("28:{APP_ID}"), "name": "help-desk"},
        "entities": [{"locale": "en-GB", "country": "GB", "platform": "Windows", "timezone": "Europe/London", "type": "clientInfo"}],
        "channelData": {"tenant": {"id": TENANT}}, "locale": "en-GB", "localTimezone": "Europe/London",
    });
    activity.to_string()
}

/// The bare proxy to the bot at the identity side.
pub fn start_proxy(identity_port: u16, run: Run<'_>) -> Process {
    Process::part(&["bare-proxy", &format!("http://127.0.0.1:{identity_port}{BOT_PATH}")], run)
}

/// Measures the bare proxy and `server` in turn.
pub fn measure(server: &mut LoadedServer<'_>, signer: &Signer, sizes: Sizes) -> [Row; 2] {
    let proxy = start_proxy(server.identity_port, Run::OnMeasuredCore);
    let mut proxy = LoadedServer { identity_port: server.identity_port, next_id: 1, processes: from_ref(&proxy) };
    let messages = messages(signer);
    let mut rows = ["(e) bare proxy to a bare bot", "(c) bot-sso, passing on a message to the bare bot"].map(Row::new);
    let [of_proxy, of_server] = &mut rows;
    let mut warming = Row::new("warming");
    proxy.measure(&mut warming, &messages, 2 * USERS as u64, false);
    server.measure(&mut warming, &messages, 2 * USERS as u64, false);
    for _ in 0..sizes.rounds {
        proxy.measure(of_proxy, &messages, sizes.passing, false);
        server.measure(of_server, &messages, sizes.passing, false);
    }
    for row in &mut rows {
        row.calls = None;
    }
    rows
}

/// Repeats the mix for a profiler; prints its cost at the bare proxy and at `server`.
pub fn sustain(server: &Path, directory: &Path) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let identity = Process::part(&["identity-side", directory.to_str().unwrap()], Run::OnOtherCore);
    let port = free_port();
    write_configuration(directory, port, identity.port, "");
    let (process, _) = Process::bot_sso(server, directory, port, Run::OnMeasuredCore);
    let mut bench = LoadedServer { identity_port: identity.port, next_id: 1, processes: from_ref(&process) };
    for _ in 0..5 {
        let rows = measure(&mut bench, &signer, Sizes { rounds: 1, passing: 40_000, ..Sizes::QUICK });
        for row in rows {
            println!("{}: {:.1} µs of CPU a request, {:.0} requests/s", row.name, row.cpu(), row.per_second());
        }
    }
}
