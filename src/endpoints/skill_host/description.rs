use utoipa::ToSchema;

use crate::inbound::{Answer, Description};

const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds.");
const NOT_FOUND: &str = "There is no such skill, or no parent has opened this conversation with the skill, or the skill was not \
                         given the activity.";
const OF_PARENT: &str = "The parent's answer.";

/// An activity of the Bot Framework protocol. Only its addresses and sign-in cards are read; all else is passed on as it is.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read member by member")]
struct SkillHostActivity {
    /// `message`, `event`, `invoke` …
    #[schema(rename = "type")]
    kind: Option<String>,
}

/// The id of an activity.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the parent writes the answer")]
struct ActivityId {
    /// The id; absent if the parent gives none.
    id: Option<String>,
}

pub(super) fn post_to_skill() -> Description {
    let note = "The conversation and the `serviceUrl` are replaced by those of the skill host, and `Authorization` is passed on. The \
                skill's answer is returned with its status and body: in the body of an answer to `expectReplies` or `stream` \
                the addresses are replaced back, and sign-in cards that bot-sso could answer are left out.";
    named("PostToSkill", "Accepts an activity of a parent bot for its skill.")
        .note(note)
        .json_body::<SkillHostActivity>(true, "The activity.")
        .answer(200, Answer::empty("The skill's answer.").or_any_json())
        .error(400, "Not an activity, or one without a `serviceUrl`, or without a conversation that all readers find.")
        .error(404, "There is no such skill.")
        .body_errors()
        .other_answer("The skill's answer.")
}

pub(super) fn send_to_conversation() -> Description {
    posting("SendToConversation", "Sends an activity of a skill to the conversation that its parent has opened.")
}

pub(super) fn reply_to_activity() -> Description {
    with_activity(posting("ReplyToActivity", "Sends an activity of a skill as a reply."))
}

fn posting(id: &str, summary: &str) -> Description {
    let note = "A sign-in card that asks for a resource of the skill's list is answered with the sign-in of the conversation's \
                user at the parent, if there is one: the skill gets a `signin/tokenExchange` invoke, and the card ends here. \
                Everything else goes on to the parent.";
    in_conversation(named(id, summary))
        .note(note)
        .json_body::<SkillHostActivity>(true, "The activity.")
        .answer(
            200,
            Answer::json::<ActivityId>("The parent's answer; or the id of a card that ended here.").or_any_json(),
        )
        .error(400, "Not an activity, or one of another conversation than the path names.")
        .body_errors()
        .other_answer(OF_PARENT)
}

pub(super) fn update_activity() -> Description {
    of_activity(named("UpdateActivity", "Replaces an activity that the skill has sent."))
        .json_body::<SkillHostActivity>(true, "The activity.")
        .answer(200, Answer::json::<ActivityId>(OF_PARENT).or_any_json())
        .error(400, "Not an activity, or one of another conversation than the path names.")
        .body_errors()
        .other_answer(OF_PARENT)
}

pub(super) fn delete_activity() -> Description {
    of_activity(named("DeleteActivity", "Deletes an activity that the skill has sent."))
        .answer(200, Answer::empty(OF_PARENT).or_any_json())
        .other_answer(OF_PARENT)
}

pub(super) fn get_paged_members() -> Description {
    in_conversation(passed_on("GetConversationPagedMembers"))
        .optional_query("pageSize", "Passed on to the parent.")
        .optional_query("continuationToken", "Passed on to the parent.")
}

pub(super) fn upload_attachment() -> Description {
    let too_large = "The body is larger than 4 MiB, or than `server.body_limit_bytes` if that is more.";
    in_conversation(passed_on("UploadAttachment")).body_errors().error(413, too_large)
}

/// An operation that is passed on to the parent as it is.
pub(super) fn passed_on(id: &str) -> Description {
    named(id, "Passed on to the parent.").answer(200, Answer::empty(OF_PARENT).or_any_json()).other_answer(OF_PARENT)
}

/// An operation of the channel service that is always declined.
pub(super) fn declined(id: &str) -> Description {
    let why = "A skill speaks only where its parent has opened a conversation.";
    named(id, "Not available to skills.").error(404, "There is no such skill.").error(501, why)
}

/// The same operation, in a conversation.
pub(super) fn in_conversation(description: Description) -> Description {
    description.path_parameter("conversation", "The id of the conversation, as the skill knows it.")
}

/// The same operation, on an activity.
pub(super) fn of_activity(description: Description) -> Description {
    with_activity(in_conversation(description))
}

/// The same operation, on a member of a conversation.
pub(super) fn of_member(description: Description) -> Description {
    in_conversation(description).path_parameter("member", "The id of the member.")
}

fn with_activity(description: Description) -> Description {
    description.path_parameter("activity", "The id of the activity.")
}

fn named(id: &str, summary: &str) -> Description {
    Description::new(id, summary)
        .bearer()
        .path_parameter("skill", "The skill's name in the configuration.")
        .error(401, "The bearer is missing or not valid here.")
        .error(403, "The caller is not allowed, or may not use this service URL.")
        .error(404, NOT_FOUND)
        .answer(429, Answer::error("The caller exceeds its rate limit.").header(RETRY_AFTER.0, RETRY_AFTER.1))
        .error(502, "The skill or the parent cannot be reached.")
        .answer(
            503,
            Answer::error("The signing keys of the caller's issuer or the store are unavailable.")
                .header(RETRY_AFTER.0, RETRY_AFTER.1),
        )
        .error(504, "The skill or the parent does not answer in time.")
}
