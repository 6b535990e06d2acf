//! The users that every stage has by default.

use super::entries::{User, UserScenario};
use super::tenant_ids::{CONTOSO_ID, FABRIKAM_ID};
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The last three who sign in are the users of the apps: bots have no token of them unless they talk to one.
const USERS: [User; 11] = [
    User {
        name: "ada",
        display_name: "Ada Lovelace",
        principal_name: "ada@contoso.example",
        password: "ada-password",
        oid: "a0000000-1111-4222-8333-00000000ada0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "ben",
        display_name: "Ben Franklin",
        principal_name: "ben@contoso.example",
        password: "ben-password",
        oid: "b0000000-1111-4222-8333-00000000be40",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "cleo",
        display_name: "Cleo Patra",
        principal_name: "cleo@contoso.example",
        password: "cleo-password",
        oid: "c0000000-1111-4222-8333-00000000c1e0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::LacksConsent,
    },
    User {
        name: "dan",
        display_name: "Dan Bricklin",
        principal_name: "dan@contoso.example",
        password: "dan-password",
        oid: "d0000000-1111-4222-8333-00000000da40",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::NeedsMfa,
    },
    User {
        name: "eve",
        display_name: "Eve Curie",
        principal_name: "eve@contoso.example",
        password: "eve-password",
        oid: "e0000000-1111-4222-8333-00000000e5e0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::Disabled,
    },
    User {
        name: "gus",
        display_name: "Gus Fring",
        principal_name: "gus@fabrikam.example",
        password: "gus-password",
        oid: "f0000000-1111-4222-8333-000000009050",
        tid: CONTOSO_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::Guest,
    },
    User {
        name: "fay",
        display_name: "Fay Ajzenberg",
        principal_name: "fay@fabrikam.example",
        password: "fay-password",
        oid: "f0000000-2222-4333-8444-00000000fa70",
        tid: FABRIKAM_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "hedy",
        display_name: "Hedy Lamarr",
        principal_name: "hedy@fabrikam.example",
        password: "hedy-password",
        oid: "10000000-1111-4222-8333-000000004ed0",
        tid: FABRIKAM_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "ida",
        display_name: "Ida Rhodes",
        principal_name: "ida@fabrikam.example",
        password: "ida-password",
        oid: "1da00000-1111-4222-8333-000000001da0",
        tid: FABRIKAM_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "joan",
        display_name: "Joan Clarke",
        principal_name: "joan@fabrikam.example",
        password: "joan-password",
        oid: "20000000-1111-4222-8333-0000000010a0",
        tid: FABRIKAM_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "pia",
        display_name: "Pia Privat",
        principal_name: "pia@outlook.example",
        password: "pia-password",
        oid: "00000000-0000-0000-66f3-3332eca7ea81",
        tid: PERSONAL_ACCOUNTS_TENANT,
        home_tid: PERSONAL_ACCOUNTS_TENANT,
        scenario: UserScenario::PersonalAccount,
    },
];

pub(super) fn fixed_users() -> Vec<User> {
    USERS.to_vec()
}
