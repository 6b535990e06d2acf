//! The panes of Office add-ins: the addresses of their module, what the module does with each answer, and the guide's samples.
//! The module and `office-addin-sso` run unmodified in jsdom, beside the real application and the local tenant.

mod addresses;
mod guide;
mod journey;
mod module;

use crate::harness::Options;

/// The client id of the sample's add-in.
const CLIENT_ID: &str = "2c3caa80-93f9-425e-8b85-0745f50c0d24";

/// A configuration with one add-in, which only identifies its users.
fn with_an_add_in() -> Options {
    let appended = format!(
        "[add_ins.files]\nclient_id = \"{CLIENT_ID}\"\nclient_secret = {{ env = \"FILES_SECRET\" }}\n\
         tenants = \"any_account\"\n"
    );
    let environment = vec![("FILES_SECRET".to_owned(), "files-secret-of-the-local-stage".to_owned())];
    Options { appended, environment, ..Options::default() }
}
