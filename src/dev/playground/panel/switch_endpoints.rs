use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;
use serde_json::{Value, json};

use super::PanelServices;
use super::switches::{STORIES, SWITCHES, Switch};
use crate::dev::tenant::{User, UserScenario};

const NO_SUCH_USER: &str = "The stage has no such user.";

/// The body of `POST /playground/switches`: one of four commands.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Command {
    /// Turns a switch on or off.
    Turn { switch: String, on: bool },
    /// Gives a user (short name, principal name or object id) a story.
    Story { user: String, story: String },
    /// Signs a user out, so that the next message leads to an exchange again.
    SignOut { sign_out: String },
    /// Turns everything off.
    Reset { reset: bool },
}

/// Answers `GET /playground/switches`: what there is to switch, what is on, and what follows.
pub(super) async fn show_switches(services: Data<PanelServices>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(describe(&services))
}

/// Answers `POST /playground/switches`, as GET does. What is switched on for exchanges also signs the users out, because
/// nothing is exchanged while a token is kept.
pub(super) async fn change_switches(body: Bytes, services: Data<PanelServices>) -> HttpResponse {
    let Ok(command) = serde_json::from_slice::<Command>(&body) else {
        return refuse(
            "The body is none of {\"switch\", \"on\"}, {\"user\", \"story\"}, {\"sign_out\"} and {\"reset\": true}.",
        );
    };
    match run(&services, command) {
        Err(problem) => return refuse(problem),
        Ok(SignOutScope::None) => {}
        Ok(SignOutScope::All) => services.sign_outs.sign_all_out().await,
        Ok(SignOutScope::One(user)) => {
            if let Err(problem) = services.sign_outs.sign_out(user).await {
                tracing::warn!(user = user.name, problem, "a user of the stage could not be signed out");
                let error = json!({"code": "SignOutFailed", "message": "bot-sso has not signed the user out."});
                return HttpResponse::ServiceUnavailable().json(json!({ "error": error }));
            }
        }
    }
    show_switches(services).await
}

/// Who has to be signed out after a command.
enum SignOutScope<'d> {
    None,
    One(&'d User),
    All,
}

/// Runs the command. Returns who has to be signed out.
fn run(services: &PanelServices, command: Command) -> Result<SignOutScope<'_>, &'static str> {
    let switches = &services.switches;
    match command {
        Command::Turn { switch, on } => {
            let text = SWITCHES.iter().find(|text| text.name == switch).ok_or("There is no such switch.")?;
            switches.turn(text.switch, on);
            let shows_in_exchanges = on && text.switch != Switch::SlowBot;
            Ok(if shows_in_exchanges { SignOutScope::All } else { SignOutScope::None })
        }
        Command::Story { user, story } => {
            let user = services.directory.find_user(&user).ok_or(NO_SUCH_USER)?;
            if user.scenario == UserScenario::AgentUser {
                return Err("An agent's user has no other story.");
            }
            let known = STORIES.iter().find(|text| json!(text.story) == story).ok_or("There is no such story.")?;
            switches.give_story(user, known.story);
            Ok(SignOutScope::All)
        }
        Command::SignOut { sign_out } => {
            services.directory.find_user(&sign_out).map(SignOutScope::One).ok_or(NO_SUCH_USER)
        }
        Command::Reset { reset: true } => {
            switches.reset();
            Ok(SignOutScope::None)
        }
        Command::Reset { reset: false } => Err("reset is not true."),
    }
}

fn describe(services: &PanelServices) -> Value {
    let switches = &services.switches;
    let people = services.directory.users.iter().filter(|user| user.scenario != UserScenario::AgentUser);
    json!({
        "switches": SWITCHES.iter().map(|text| json!({
            "name": text.name,
            "label": text.label,
            "follows": text.follows,
            "on": switches.is_on(text.switch),
        })).collect::<Vec<_>>(),
        "stories": STORIES.iter().map(|text| json!({
            "story": text.story,
            "label": text.label,
            "follows": text.follows,
        })).collect::<Vec<_>>(),
        "users": people.map(|user| json!({
            "name": user.name,
            "display_name": user.display_name,
            "story": switches.story(user),
            "own_story": user.scenario,
        })).collect::<Vec<_>>(),
        "other_faults": switches.count_other_faults(),
    })
}

fn refuse(problem: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": {"code": "BadArgument", "message": problem}}))
}
