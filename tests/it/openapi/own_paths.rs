//! The paths that `check` refuses for an add-in's user data, compared with the doors.

use bot_sso::config::OWN_PATHS;

use super::{OPERATIONS_DOORS, PUBLIC_DOORS};

/// Whether `path` is `own` or lies below it.
fn is_at_or_below(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn no_path_of_a_door_is_free_for_the_user_data_of_an_add_in() {
    let doors = PUBLIC_DOORS.into_iter().chain(OPERATIONS_DOORS);
    for path in doors.flat_map(|door| door.operations).map(|operation| operation.path) {
        assert!(OWN_PATHS.iter().any(|own| is_at_or_below(path, own)), "{path} is not in config::OWN_PATHS");
    }
}

#[test]
fn every_path_that_is_not_free_is_one_of_a_door_or_of_a_door_that_is_only_there_by_configuration() {
    // These doors are open only where the configuration has add-ins, back ends, apps or directories.
    let by_configuration =
        ["/.well-known", "/api/add-ins", "/api/apps", "/identity", "/management", "/oauth", "/oauth2", "/office"];
    let doors: Vec<&str> = PUBLIC_DOORS
        .into_iter()
        .chain(OPERATIONS_DOORS)
        .flat_map(|door| door.operations)
        .map(|operation| operation.path)
        .collect();
    for own in OWN_PATHS.iter().filter(|own| !by_configuration.contains(own)) {
        assert!(doors.iter().any(|path| is_at_or_below(path, own)), "no door has {own}");
    }
}
