//! Each name of the doctor has cases.

use bot_sso::app::DoctorCheck;

use super::case::Line;
use super::{HEALTHY, connections, manifests, surroundings, tokens};

#[test]
fn each_name_has_a_case_that_is_ok_and_one_that_is_not() {
    let lists = [&[HEALTHY][..], connections::CASES, manifests::CASES, tokens::CASES, &surroundings::list_cases()];
    let lines: Vec<Line> = lists.concat().iter().flat_map(|case| case.lines).copied().collect();
    let mut missing = Vec::new();
    for name in DoctorCheck::ALL.iter().map(|check| check.name()) {
        let has = |is_ok: bool| lines.iter().any(|line| line.check == name && (line.verdict == "ok") == is_ok);
        missing.extend((!has(true)).then(|| format!("{name}: ok")));
        missing.extend((!has(false)).then(|| format!("{name}: not ok")));
    }
    assert_eq!(missing, [""; 0]);
}
