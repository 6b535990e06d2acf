//! The door of the panes of Office add-ins: the module that signs their users in (docs/office-add-ins.md §The module).
//!
//! Owns the addresses of the module. It deliberately knows nothing of tokens: the module runs in the pane, and calls the
//! door of the add-in.

use actix_web::web;

use crate::inbound::{
    Door, LetterCase, Operation, PageModule, PageModulePaths, Release, Releases, build_page_module_operations,
};

/// The module that this door serves.
struct PaneModule;

impl PageModule for PaneModule {
    const RELEASES: Releases = RELEASES;
    const PATHS: PageModulePaths = PageModulePaths {
        newest_module: "/office/single-sign-on.js",
        newest_declarations: "/office/single-sign-on.d.ts",
        module: "/office/{hash}/single-sign-on.js",
        declarations: "/office/{hash}/single-sign-on.d.ts",
    };
    const OPERATION_IDS: [&'static str; 4] =
        ["GetPaneModule", "GetPaneModuleTypes", "GetReleasedPaneModule", "GetReleasedPaneModuleTypes"];
}

/// The versions that are served, the newest first. A new version is a new folder below `versions`, takes the first place
/// here and removes the third.
pub const RELEASES: Releases = Releases(&[Release {
    module: include_str!("versions/1/single-sign-on.js"),
    declarations: include_str!("versions/1/single-sign-on.d.ts"),
}]);

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Office panes",
    description: "For panes of Office add-ins: the module that gets a token of the user from Office, calls the \
                  add-in's paths, and does what each answer asks for. Pages of all origins may load it.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &build_page_module_operations::<PaneModule>();

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig) {
    DOOR.add_routes(config);
}

#[cfg(test)]
mod tests {
    use super::RELEASES;
    use crate::inbound::page_module_testing::{assert_at_most_two_versions, assert_guide_names_the_newest};

    #[test]
    fn the_guide_for_developers_of_add_ins_names_the_newest_version() {
        assert_guide_names_the_newest(include_str!("../../../docs/office-add-ins.md"), "/office", &RELEASES);
    }

    #[test]
    fn at_most_two_versions_are_served_and_no_two_are_equal() {
        assert_at_most_two_versions(&RELEASES);
    }
}
