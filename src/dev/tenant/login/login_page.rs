use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::dev::tenant::directory::{Directory, User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::tenant_segment::TenantSegment;

/// The look of the tenant's pages, in the colours that the browser's user prefers.
const HEAD: &str = "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
    <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
    <style>body{max-width:32rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}\
    h1{font-size:1.25rem}select,input,button{font:inherit}button{padding:.25rem .75rem}\
    [role=alert]{padding-left:.75rem;border-left:.25rem solid #c9372c}</style>";

/// The login page of one authorization request. It contains nothing from the request: the stage keeps the request, and
/// the form has only the ticket that identifies it.
pub(super) struct LoginPage<'a> {
    pub(super) directory: &'a Directory,
    /// The tenant segment of the path.
    pub(super) tenant: &'a str,
    pub(super) ticket: &'a str,
}

impl LoginPage<'_> {
    /// Renders the page with `selected` chosen in the list of users, and with what `problem` says.
    pub(super) fn render(&self, selected: Option<&str>, problem: Option<&EntraRefusal>) -> HttpResponse {
        let mut options = String::new();
        let segment = TenantSegment::parse(self.directory, self.tenant).unwrap_or(TenantSegment::Common);
        let may_sign_in = |user: &&User| segment.admits(user.tid) && user.scenario != UserScenario::AgentUser;
        for user in self.directory.users.iter().filter(may_sign_in) {
            let mark = if selected == Some(user.name) { " selected" } else { "" };
            // Writing into a String cannot fail.
            let _ = write!(options, "<option value=\"{0}\"{mark}>{1} ({0})</option>", user.name, user.display_name);
        }
        let note = problem.map_or(String::new(), |problem| format!("<p role=\"alert\">{}</p>", problem.message()));
        let ticket = self.ticket;
        let page = format!(
            "<!doctype html><html lang=\"en\"><head>{HEAD}<title>Sign in to the local stage</title></head><body>\
             <h1>Sign in to the local stage</h1><p>A password is the user's name followed by <code>-password</code>, unless the stage file (<code>--config</code>) has another one.</p>{note}\
             <form method=\"post\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
             <p><label>User <select name=\"username\">{options}</select></label></p>\
             <p><label>Password <input type=\"password\" name=\"password\"></label></p>\
             <p><label><input type=\"checkbox\" name=\"consent\" value=\"yes\"> I consent to what the app asks for</label></p>\
             <p><button>Sign in</button> <button name=\"cancel\" value=\"yes\">Cancel</button></p></form></body></html>"
        );
        let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        html_answer(status, page)
    }
}

/// The page for an error after which the browser must not be redirected.
pub(super) fn error_page(refusal: &EntraRefusal) -> HttpResponse {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head>{HEAD}<title>Sign-in error</title></head><body>\
         <h1>Sorry, but we're having trouble signing you in</h1><p>AADSTS{} ({})</p></body></html>",
        refusal.code, refusal.error
    );
    html_answer(StatusCode::BAD_REQUEST, page)
}

fn html_answer(status: StatusCode, page: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Frame-Options", "DENY"))
        .body(page)
}
