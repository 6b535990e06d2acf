use super::back_ends::{USER_DATA_PATH, app_login_url, app_page, token_endpoint};
use super::extraction::EXTRACT_ACCESS_TOKEN;
use super::facts::StageFacts;
use crate::dev::tenant::{
    AddInEntry, AppUserEntry, BackEndCredential, BackEndEntry, Directory, ExchangeEntry, GRAPH_AUDIENCE,
    ServiceRoleEntry, User,
};

/// The commands for an Office add-in, a back end that exchanges the add-in's tokens, and an app with a service role. Empty if
/// the stage does not have all of them.
pub(super) fn back_end_walkthrough(facts: &StageFacts, gateway: &str, user: &User) -> String {
    let directory = &facts.directory;
    let Some(callers) = Callers::find(directory) else { return String::new() };
    let Callers { add_in, back_end, secret, app, app_user } = callers;
    let base = format!("{gateway}/api/add-ins/{}", add_in.name);
    let get = |url: &str, token: &str| format!("curl -sS -w '\\n' {url} \\\n  -H \"Authorization: Bearer {token}\"");
    format!(
        "# An Office add-in. A token of {name} for the add-in {add_in_name}, as Office would give it to the pane:\n\n{pane}\n\n\
         # Who is it? And what does Graph say? The pane never gets a token of Graph:\n\n{identity}\n{me}\n{files}\n\n\
         # What is not on the add-in's list is refused, 404:\n\n{users}\n\n\
         # The same for pages that were made with office-addin-sso:\n\n{user_data}\n\n\
         # A back end exchanges the token of its caller (RFC 8693), and asks whether that token is good (RFC 7662):\n\n\
         {exchange}\n{introspect}\n\n\
         # The app {app_id} reads the token of its user {app_user_name}, who has signed in, with its service token:\n\n\
         {app_token}\n\n\
         # Other users of the app sign in in a browser. It comes back with the app's own token:\n#   {login}?from_url={page}\n\n",
        name = user.display_name,
        add_in_name = add_in.name,
        pane = pane_token(facts, add_in, user),
        identity = get(&format!("{base}/identity"), "$PANE"),
        me = get(&format!("{base}/downstream/me"), "$PANE"),
        files = get(&format!("{base}/downstream/me/drive/root/children"), "$PANE"),
        users = get(&format!("{base}/downstream/users"), "$PANE"),
        user_data = get(&format!("{gateway}{USER_DATA_PATH}"), "$PANE"),
        exchange = exchange(gateway, back_end, secret),
        introspect = introspect(gateway, back_end, secret),
        app_id = app.app_id,
        app_user_name = app_user.user,
        app_token = app_token(gateway, app, &app_user),
        login = app_login_url(gateway, app),
        page = app_page(facts, app),
    )
}

/// The callers that the commands show.
struct Callers<'d> {
    add_in: &'d AddInEntry,
    back_end: &'d BackEndEntry,
    secret: &'static str,
    app: &'d ServiceRoleEntry,
    app_user: AppUserEntry,
}

impl<'d> Callers<'d> {
    fn find(directory: &'d Directory) -> Option<Self> {
        let add_in = directory.add_ins.first()?;
        let secret_of = |back_end: &'d BackEndEntry| match back_end.credential {
            BackEndCredential::Secret(secret) if back_end.exchange == ExchangeEntry::AddIn(add_in.name) => {
                Some((back_end, secret))
            }
            _ => None,
        };
        let (back_end, secret) = directory.back_ends.iter().find_map(secret_of)?;
        let app = directory.service_role_apps.first()?;
        let app_user = app.users(&directory.users).into_iter().find(|entry| entry.is_linked)?;
        Some(Self { add_in, back_end, secret, app, app_user })
    }
}

/// Gets a token of `user` for the add-in and assigns it to the shell variable `PANE`.
fn pane_token(facts: &StageFacts, add_in: &AddInEntry, user: &User) -> String {
    format!(
        "PANE=$(curl -sS {http}/{tid}/oauth2/v2.0/token \\\n  \
         -d grant_type=password -d client_id={client} \\\n  \
         -d username={name} -d password={password} \\\n  -d scope={scope} \\\n  \
         | {EXTRACT_ACCESS_TOKEN})",
        http = facts.addresses.http_base,
        tid = user.tid,
        client = facts.directory.office_client_id(),
        name = user.name,
        password = user.password,
        scope = add_in.scope(),
    )
}

fn exchange(gateway: &str, back_end: &BackEndEntry, secret: &str) -> String {
    format!(
        "curl -sS -w '\\n' {endpoint} -u {client}:{secret} \\\n  \
         -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d audience={GRAPH_AUDIENCE} \\\n  \
         -d subject_token_type=urn:ietf:params:oauth:token-type:access_token -d subject_token=$PANE \\\n  \
         | cut -c 1-200",
        endpoint = token_endpoint(gateway),
        client = back_end.client_id,
    )
}

fn introspect(gateway: &str, back_end: &BackEndEntry, secret: &str) -> String {
    format!(
        "curl -sS -w '\\n' {gateway}/oauth2/introspect -u {client}:{secret} \\\n  -d token=$PANE",
        client = back_end.client_id,
    )
}

fn app_token(gateway: &str, app: &ServiceRoleEntry, user: &AppUserEntry) -> String {
    format!(
        "curl -sS -w '\\n' {gateway}/api/apps/{id}/auth/sso/accesstoken/{user} \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  | cut -c 1-200",
        id = app.app_id,
        user = user.user_id,
        token = app.service_token,
    )
}
