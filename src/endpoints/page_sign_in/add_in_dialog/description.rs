use crate::endpoints::page_sign_in::description::{sent_to_provider, with_cookie, with_errors, with_return};
use crate::inbound::{Answer, Description};

/// The parameter in the path.
const ADD_IN: &str = "The add-in's name in the configuration.";

pub(super) fn begin() -> Description {
    let origin = "The origin of the pane, one of the add-in's. It may be left out if the add-in has one only.";
    let description =
        Description::new("BeginAddInSignIn", "The first page of an add-in's dialog: sends the browser to sign in.")
            .path_parameter("add_in", ADD_IN)
            .optional_query("origin", origin)
            .answer(302, sent_to_provider());
    with_errors(description, "The origin is missing, or is none of the add-in's.")
}

pub(super) fn callback() -> Description {
    let sent_on = Answer::empty("Redirects to the last page, or to the identity provider once more.")
        .header("Location", "The next page.");
    let summary = "The address to which the identity provider sends the browser of an add-in's dialog back.";
    let description = Description::new("CompleteAddInSignIn", summary)
        .path_parameter("add_in", ADD_IN)
        .answer(200, Answer::html("The user has cancelled."))
        .answer(302, sent_on);
    with_errors(with_return(description), "The answer is not from the expected identity provider.")
}

pub(super) fn done() -> Description {
    let description = Description::new("ShowAddInSignIn", "The last page of an add-in's dialog, which tells the pane.")
        .path_parameter("add_in", ADD_IN)
        .query("signin", "The value in the address to which the browser was sent.")
        .answer(200, Answer::html("The user is signed in."));
    with_errors(with_cookie(description), "The request cannot be read.")
}
