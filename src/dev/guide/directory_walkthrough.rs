use super::directories::apps_page;
use super::extraction::{EXTRACT_ACCESS_TOKEN, EXTRACT_ID};
use super::facts::StageFacts;
use crate::dev::directories::{DIRECTORIES, app_address, management_address, oauth_address};

/// The commands for a directory: what a browser does with its apps, tokens by the password grant, and the management API.
pub(super) fn directory_walkthrough(facts: &StageFacts, gateway: &str) -> String {
    let [directory, ..] = &DIRECTORIES;
    let ([first, second], [user, ..]) = (&directory.apps, &directory.users);
    format!(
        "# Web apps of a directory share one sign-on session. Open the first in a browser, sign in as {login}\n\
         # with the password {password}, and open the second in another tab: it asks for no password.\n\
         #   {first_page}\n#   {second_page}\n#   all apps, with users and passwords: {all}\n\
         # The bot of the playground signs its users in by the same session: write {directory} to it.\n\n\
         # Tokens of {name} for the app {app}, by the password grant, and what they say of the user:\n\n\
         OAUTH={oauth}\nAPP=$(curl -sS $OAUTH/token \\\n  -u {client}:{secret} \\\n  \
         -d grant_type=password -d username={login} -d password={password} \\\n  | {EXTRACT_ACCESS_TOKEN})\n\
         curl -sS -w '\\n' $OAUTH/userinfo -H \"Authorization: Bearer $APP\"\n\n\
         # The management API: how single sign-on is set, and the users:\n\n\
         MANAGEMENT={management}\nMANAGER='Authorization: Bearer {token}'\n\
         curl -sS -w '\\n' $MANAGEMENT/config/cloud_directory/sso -H \"$MANAGER\"\n\
         curl -sS -w '\\n' \"$MANAGEMENT/cloud_directory/Users?count=10\" -H \"$MANAGER\"\n\n\
         # End all sessions of {name} (the answer is 204). The directory asks for the password again:\n\n\
         USER_ID=$(curl -sS \"$MANAGEMENT/cloud_directory/Users?query={login}\" -H \"$MANAGER\" \\\n  | {EXTRACT_ID})\n\
         curl -sS -o /dev/null -w '%{{http_code}}\\n' -X POST -H \"$MANAGER\" \\\n  \
         $MANAGEMENT/cloud_directory/Users/$USER_ID/sso/logout\n\n",
        directory = directory.name,
        login = user.username,
        password = user.password,
        first_page = app_address(&facts.addresses, directory, first),
        second_page = app_address(&facts.addresses, directory, second),
        all = apps_page(facts),
        name = user.display_name,
        app = first.title,
        oauth = oauth_address(gateway, directory),
        client = first.client_id,
        secret = first.client_secret,
        management = management_address(gateway, directory),
        token = directory.management_token,
    )
}
