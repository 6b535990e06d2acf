//! The tables that an intended change of the architecture edits.

/// Each room and the rooms that it may import. A row names only rooms above it, so the table cannot contain a circle. A
/// room may be listed before it exists.
pub const ROOMS: &[(&str, &str)] = &[
    ("domain", ""),
    ("single_flight", ""),
    ("observability", "domain"),
    ("protocol", "domain"),
    ("config", "domain"),
    ("sealing", "domain"),
    ("store", "domain"),
    ("outbound", "domain observability"),
    ("records", "domain store sealing observability"),
    ("token_validation", "domain protocol outbound observability single_flight"),
    ("identity_provider", "domain protocol outbound observability single_flight token_validation records"),
    ("pages", "domain observability"),
    ("vault", "domain records single_flight observability"),
    ("cards", "domain records single_flight observability"),
    ("accounts", "domain records single_flight observability"),
    ("token_issuer", "domain records protocol"),
    ("sessions", "domain records single_flight observability token_issuer"),
    ("exchange", "domain observability single_flight token_validation identity_provider vault cards records"),
    (
        "sign_in",
        "domain observability protocol single_flight identity_provider token_validation exchange vault cards records \
         sessions",
    ),
    ("bot_connector", "domain observability protocol outbound identity_provider records single_flight"),
    ("sign_out", "domain observability exchange sessions token_issuer outbound records"),
    ("auto_sign_in", "domain observability protocol exchange sign_in bot_connector cards records"),
    ("inbound", "domain observability protocol token_validation records"),
    (
        "endpoints",
        "domain observability protocol inbound pages exchange sign_in sign_out auto_sign_in bot_connector cards \
         outbound sessions accounts token_issuer",
    ),
    ("dev", "domain protocol outbound"),
    // All but `cli` and `dev`.
    (
        "app",
        "domain single_flight observability protocol config sealing store outbound records token_validation \
         identity_provider pages vault cards accounts token_issuer sessions exchange sign_in bot_connector sign_out \
         auto_sign_in inbound endpoints",
    ),
    ("cli", "app config dev observability outbound sealing domain"),
    ("main", "cli"),
];

/// Rooms that the tests of a room may import beyond [`ROOMS`].
pub const ROOMS_OF_TESTS: &[(&str, &str)] = &[("vault", "sealing")];

/// Rooms with sub-rooms, and the order of the files and folders directly in them. A part may import parts before the
/// `<` on its left, and no other part of its room. Every part is listed, but `mod.rs` and tests.
pub const SUB_ROOMS: &[(&str, &str)] = &[
    (
        "config",
        "review < credentials differences identity_providers < sections connections < back_ends < directories < contradictions reading < validation store_location < effective",
    ),
    (
        "dev",
        "addresses error jwt lock masking recent_json < admission calls gateway_address private_file signing_key < listeners < bot_slowness faults < tenant < channel controls directories plan workload < bots guide < app_users playground < services < routes stage < stage_gateway",
    ),
    (
        "exchange",
        "granted_scopes held_tokens obtained speakers < missing_scope_report exchange_name outcome storage_failure user_token < \
         token_validators user_rates evidence channel_statements given_tokens < binding needs token_sender < requirements parent_slots < redemption \
         browser_binding < tokens engine < assertion_exchange",
    ),
];

/// Names, and the rooms and files that may use them. A name with `::` is a full path, which is found behind imports and
/// aliases, too; a name without is found as a word. Tests are exempt.
pub const RESERVED: &[(&str, &str)] = &[
    ("reqwest", "outbound"),
    ("lettre", "outbound"),
    ("rusqlite", "store"),
    ("anyhow", "cli main"),
    ("actix_web", "app cli dev endpoints inbound"),
    // The framework's parts under its server.
    ("actix_http", "app"),
    ("actix_server", "app"),
    ("actix_service", "app"),
    ("actix_multipart", "dev inbound"),
    ("argon2", "accounts"),
    ("regex::", "accounts config"),
    ("actix_ws", "dev"),
    ("tokio_rustls", "app"),
    ("rustix", "app cli domain/secret/file_access.rs"),
    ("opentelemetry_proto", "observability"),
    ("prost", "observability"),
    // Wire types and the descriptions of doors.
    ("utoipa", "protocol inbound endpoints"),
    // A request never chooses the scope of an app token.
    ("configured_for", "config domain"),
    ("std::time::SystemTime::now", "domain/clock.rs"),
    ("std::time::Instant::now", "domain/clock.rs"),
    ("time::OffsetDateTime::now_utc", "domain/clock.rs"),
    ("time::OffsetDateTime::now_local", "domain/clock.rs"),
    ("time::UtcDateTime::now", "domain/clock.rs"),
    // The cipher library signs with a source of randomness of its own type.
    ("aws_lc_rs::rand", "domain/entropy.rs dev/signing_key.rs"),
    ("getrandom", "domain/entropy.rs"),
    ("rand::", "domain/entropy.rs"),
    ("fastrand::", "domain/entropy.rs"),
    ("uuid::Uuid::new_v4", "domain/entropy.rs"),
    ("uuid::Uuid::now_v7", "domain/entropy.rs"),
    ("std::env::var", "config"),
    ("std::env::var_os", "config"),
    ("std::env::vars", "config"),
    ("std::env::vars_os", "config"),
    ("std::env::temp_dir", "config"),
    ("std::env::home_dir", "config"),
    ("temp_dir", "config"),
];

/// Words, and the rooms that may use them inside of a name: `EmbeddedStore` contains `embedded`. Tests are exempt.
pub const RESERVED_WORDS: &[(&str, &str)] = &[("redis", "store app"), ("embedded", "store app")];

/// The rooms that know no HTTP and no wire type.
pub const CORE: [&str; 5] = ["exchange", "vault", "cards", "records", "domain"];

/// Last words of module names that do not say what the module holds.
pub const MEANINGLESS_NAMES: [&str; 9] =
    ["util", "utils", "utilities", "common", "helper", "helpers", "misc", "manager", "managers"];

/// Public type names that more than one room may have, each with the reason.
pub const SHARED_TYPE_NAMES: &[(&str, &str)] = &[
    ("Application", "a web app of a directory by App ID's word, and the running program"),
    ("Directory", "the users who sign in here, and those of the stage's tenant by Entra's word"),
];

/// The publications whose sections a comment may name, apart from RFCs and the documents of this repository.
pub const STANDARDS: &[&str] = &[
    "OpenID Connect Back-Channel Logout 1.0",
    "OpenID Connect Core",
    "OpenID Connect Discovery",
    "OpenID Connect RP-Initiated Logout 1.0",
    "Fetch",
    "NIST SP 800-38D",
    "OTLP",
    "OpenTelemetry",
    "W3C Trace Context",
];

/// Names of papers that are not in this repository.
pub const PAPERS_ELSEWHERE: &[&str] =
    &["DESIGN", "agent-identity", "appid-base44-office", "field-reports", "house-review", "sign-in-invokes"];
