//! The door of a site's pages: the module that answers sign-in cards in Web Chat (docs/web-chat.md).
//!
//! Owns the addresses of the module. It deliberately knows nothing of cards and tokens: the module runs in the user's
//! browser, and uses what the channel and the other doors offer.

use actix_web::web;

use crate::inbound::{
    Door, LetterCase, Operation, PageModule, PageModulePaths, Release, Releases, build_page_module_operations,
};

/// The module that this door serves.
struct WebChatModule;

impl PageModule for WebChatModule {
    const RELEASES: Releases = RELEASES;
    const PATHS: PageModulePaths = PageModulePaths {
        newest_module: "/web-chat/single-sign-on.js",
        newest_declarations: "/web-chat/single-sign-on.d.ts",
        module: "/web-chat/{hash}/single-sign-on.js",
        declarations: "/web-chat/{hash}/single-sign-on.d.ts",
    };
    const OPERATION_IDS: [&'static str; 4] = [
        "GetSingleSignOnModule",
        "GetSingleSignOnTypes",
        "GetReleasedSingleSignOnModule",
        "GetReleasedSingleSignOnTypes",
    ];
}

/// The versions that are served, the newest first. A new version is a new folder below `versions`, takes the first place
/// here and removes the third.
pub const RELEASES: Releases = Releases(&[Release {
    module: include_str!("versions/1/single-sign-on.js"),
    declarations: include_str!("versions/1/single-sign-on.d.ts"),
}]);

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Web Chat",
    description: "For pages with Web Chat: the module that signs their users in silently. Pages of all origins may \
                  load it.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &build_page_module_operations::<WebChatModule>();

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig) {
    DOOR.add_routes(config);
}

#[cfg(test)]
mod tests {
    use super::RELEASES;
    use crate::inbound::page_module_testing::{assert_at_most_two_versions, assert_guide_names_the_newest};

    #[test]
    fn the_guide_for_site_owners_names_the_newest_version() {
        assert_guide_names_the_newest(include_str!("../../../docs/web-chat.md"), "/web-chat", &RELEASES);
    }

    #[test]
    fn at_most_two_versions_are_served_and_no_two_are_equal() {
        assert_at_most_two_versions(&RELEASES);
    }
}
