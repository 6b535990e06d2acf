//! What passes between a parent bot and its skills, as bytes (docs/protocols/bot-auth-and-skills.md §4).
//!
//! Everything here reads well-formed JSON where it stands, without a parsed copy: what is not changed keeps its bytes,
//! and a body that this program cannot parse but a bot can (half of a surrogate pair, a number out of range) is judged
//! like any other.

mod activity_id;
mod addressing;
mod edits;
mod event_stream;
mod expected_activities;
mod object_writer;
mod parent_activity;
mod raw_readings;
mod readdressing;
mod skill_activity;
mod skill_invoke;
mod stream_event;

pub use activity_id::names_other_activity;
pub use event_stream::{EventStream, EventTooLong};
pub use expected_activities::ExpectedActivities;
pub use parent_activity::{Delivery, ParentActivity};
pub use readdressing::{SkillAddress, readdress_to_parent, readdress_to_skill};
pub use skill_activity::{OfferedCard, SkillActivity, read_skill_activity};
pub use skill_invoke::{SkillInvoke, readdress_user_invoke, token_exchange_invoke};
pub use stream_event::StreamEvent;
