use crate::config::review::{Place, Review};
use crate::domain::{Bot, CallerEntry};

/// Compares the parent bots of `bot` with each other and with the bot.
pub(super) fn check(bot: &Bot, review: &mut Review<'_>) {
    let place = Place::section("bots").key(bot.name.as_str()).key("callers");
    for (index, entry) in bot.callers.iter().enumerate() {
        let at = place.index(index).key("vouches_for_channel_users");
        if entry.vouches_for_channel_users && entry.app_id.eq_ignore_ascii_case(&bot.app_id) {
            let message = "vouches for the bot itself, which is no parent of its own: write the app_id of the bot that \
                           calls this one, or leave the entry out";
            review.report(&at, message.to_owned());
        }
        let mut earlier = bot.callers.iter().take(index).enumerate();
        let Some((other, channel)) = earlier.find_map(|(other, earlier)| Some((other, find_clash(earlier, entry)?)))
        else {
            continue;
        };
        let message = format!(
            "contradicts callers[{other}]: both are entries of one parent for {channel:?}, and its users are either the \
             channel's or its own: write the same vouches_for_channel_users in both"
        );
        review.report(&at, message);
    }
}

/// A channel for which both entries are of one parent and say different things.
fn find_clash<'a>(earlier: &CallerEntry, later: &'a CallerEntry) -> Option<&'a str> {
    let differ = earlier.app_id.eq_ignore_ascii_case(&later.app_id)
        && earlier.vouches_for_channel_users != later.vouches_for_channel_users;
    let mut shared = later.channels.iter().filter(|channel| earlier.channels.contains(channel));
    shared.next().filter(|_| differ).map(String::as_str)
}
