//! The skill host: what passes between a parent bot and its skills, and the cards that are answered on the way
//! (docs/protocols/bot-auth-and-skills.md §4, docs/protocols/bot-auth-and-skills.md §5, docs/protocols/invoke-protocol.md §7).

mod answers;
mod busy_hosts;
mod callers;
mod cards;
mod copies;
mod fixture;
mod given_ids;
mod hang_ups;
mod late_changes;
mod live_streams;
mod messages;
mod unreadable_answers;
mod unusual_ids;
mod updates_and_uploads;
