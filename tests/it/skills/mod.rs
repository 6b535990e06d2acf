//! The skill host: what passes between a parent bot and its skills, and the cards that are answered on the way
//! (docs/protocols/bot-auth-and-skills.md §4, §5 and the attack cases of §9; docs/protocols/invoke-protocol.md §7).

mod answers;
mod callers;
mod cards;
mod fixture;
mod messages;
