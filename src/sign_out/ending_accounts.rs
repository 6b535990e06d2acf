use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::domain::{Account, Bot, Connection, Registrations, Skill, TokenSlot};

/// An account that is being signed out.
#[derive(Clone)]
pub(super) struct EndingAccount {
    /// The account.
    pub(super) account: Account,
    /// The connections whose tokens end.
    pub(super) connections: Vec<Arc<Connection>>,
    /// Whether `connections` are all connections of the bot, so that nothing is kept of the account afterwards.
    pub(super) is_whole: bool,
}

impl EndingAccount {
    /// The slots that end.
    pub(super) fn slots(&self) -> Vec<TokenSlot> {
        self.connections.iter().map(|connection| TokenSlot::new(&self.account, &connection.name)).collect()
    }

    /// Whether tokens for `skill` may have been obtained with one of the tokens that end.
    fn serves(&self, skill: &Skill) -> bool {
        let mut listed = self.connections.iter().flat_map(|connection| &connection.exchange_uris);
        self.is_whole || listed.any(|uri| skill.exchange_uris.contains(uri))
    }
}

/// Lists the accounts that end with `root`: those under which a skill of its bot keeps what it got through the parent, where
/// the skill's bot is registered here, too. A skill may be the parent of further skills; each slot is listed once, so bots
/// that are skills of each other end the list as well.
pub(super) fn list_accounts_at_skills(registrations: &Registrations, root: &EndingAccount) -> Vec<EndingAccount> {
    let mut listed = Vec::new();
    let mut seen: HashSet<TokenSlot> = root.slots().into_iter().collect();
    let mut parents = VecDeque::from([root.clone()]);
    while let Some(parent) = parents.pop_front() {
        for mut ending in list_accounts_at_skills_of(registrations, &parent) {
            let EndingAccount { account, connections, .. } = &mut ending;
            connections.retain(|connection| seen.insert(TokenSlot::new(account, &connection.name)));
            if !connections.is_empty() {
                parents.push_back(ending.clone());
                listed.push(ending);
            }
        }
    }
    listed
}

/// The accounts at the skills that the bot of `parent` calls itself.
fn list_accounts_at_skills_of(registrations: &Registrations, parent: &EndingAccount) -> Vec<EndingAccount> {
    let Some(parent_bot) = registrations.find_bot(parent.account.holder.as_str()) else { return Vec::new() };
    let skills = registrations.list_skills(&parent_bot.name).filter(|skill| parent.serves(skill));
    let endings = skills.filter_map(|skill| {
        let bot = registrations.find_bot_by_app_id(&skill.app_id)?;
        let all = registrations.list_connections(bot.name.as_str());
        let connections: Vec<_> =
            all.iter().filter(|connection| skill.has_connection(connection.name.as_str())).cloned().collect();
        let is_whole = parent.is_whole && connections.len() == all.len();
        let endings = list_accounts_at(bot, skill, parent_bot, &parent.account).into_iter();
        Some(endings.map(move |account| EndingAccount { account, connections: connections.clone(), is_whole }))
    });
    endings.flatten().collect()
}

/// The accounts under which `bot`, which is `skill`, keeps tokens of the user of the parent's `account`. Where the parent's
/// activities come through the gateway of `bot`, it is the parent's account, or the channel's if `bot` trusts the parent's
/// user ids. A skill that the parent reaches directly asks the Token Service with the user id of the channel alone: it is the
/// channel's account.
fn list_accounts_at(bot: &Bot, skill: &Skill, parent: &Bot, account: &Account) -> Vec<Account> {
    let Some(channel) = account.realm.channel() else { return Vec::new() };
    let at_channel = Account::of_channel(&bot.name, channel.clone(), account.subject.as_str());
    let is_reached_directly = skill.endpoint == bot.endpoint || !bot.lists_parent(&parent.app_id, channel);
    let is_trusted = bot.trusts_parent(&parent.app_id, channel);
    let of_parent = (!is_trusted).then(|| at_channel.as_parent_account(&parent.app_id));
    let of_channel = (is_trusted || is_reached_directly).then_some(at_channel);
    of_channel.into_iter().chain(of_parent).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::test_samples::{sample_bot, sample_connection};
    use crate::domain::{BotName, CallerEntry, ChannelId, ConnectionName, HolderName, ProviderKind, SkillName};

    const URI: &str = "api://weather/.default";

    fn bot(name: &str) -> Bot {
        let endpoint = format!("http://127.0.0.1:1/{name}").parse().unwrap();
        Bot { name: BotName::new(name), app_id: format!("app-{name}"), endpoint, ..sample_bot() }
    }

    /// The bot `name`, which the bot `parent` may call on Teams.
    fn bot_with_parent(name: &str, parent: &str, vouches_for_channel_users: bool) -> Bot {
        let entry = CallerEntry {
            app_id: format!("app-{parent}"),
            tenant_id: "t".to_owned(),
            service_url_prefixes: Vec::new(),
            channels: vec!["msteams".to_owned()],
            vouches_for_channel_users,
        };
        Bot { callers: vec![entry], ..bot(name) }
    }

    fn connection(bot: &str, name: &str, exchange_uris: &[&str]) -> Connection {
        Connection {
            holder: HolderName::new(bot),
            exchange_uris: exchange_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            ..sample_connection(name, ProviderKind::Entra, &[])
        }
    }

    /// The skill that is the bot `bot`, with the connection `own`, at the gateway of that bot.
    fn skill(bot: &str, parents: &[&str]) -> Skill {
        Skill {
            name: SkillName::new(bot),
            app_id: format!("app-{bot}"),
            tenant_id: "t".to_owned(),
            endpoint: format!("https://gateway.example.com/bots/{bot}/api/messages").parse().unwrap(),
            connections: vec![ConnectionName::new("own")],
            exchange_uris: vec![URI.to_owned()],
            parents: parents.iter().map(|parent| BotName::new(parent)).collect(),
        }
    }

    fn user_at(bot: &str) -> Account {
        Account::of_channel(&BotName::new(bot), ChannelId::new("msteams"), "29:ada")
    }

    /// Signs the user out of the connections `names` of the bot `assistant`.
    fn listed(registrations: &Registrations, names: &[&str], is_whole: bool) -> Vec<(Account, String, bool)> {
        let all = registrations.list_connections("assistant").iter();
        let connections = all.filter(|known| names.contains(&known.name.as_str())).cloned().collect();
        let root = EndingAccount { account: user_at("assistant"), connections, is_whole };
        let name_of = |ending: &EndingAccount| {
            ending.connections.iter().map(|connection| connection.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let endings = list_accounts_at_skills(registrations, &root).into_iter();
        endings.map(|ending| (ending.account.clone(), name_of(&ending), ending.is_whole)).collect()
    }

    fn registrations(skill_bot: Bot, skill: Skill) -> Registrations {
        let connections = vec![
            connection("assistant", "serving", &[URI]),
            connection("assistant", "other", &["api://other/.default"]),
            connection("weather", "own", &[]),
        ];
        Registrations::new(vec![bot("assistant"), skill_bot], connections).with_skills(vec![skill])
    }

    #[test]
    fn a_sign_out_at_the_parent_ends_what_the_parent_brought_to_a_skill_that_lists_it() {
        let registrations =
            registrations(bot_with_parent("weather", "assistant", false), skill("weather", &["assistant"]));
        let at_skill = user_at("weather").as_parent_account("app-assistant");
        assert_eq!(listed(&registrations, &["serving", "other"], true), [(at_skill, "own".to_owned(), true)]);
    }

    #[test]
    fn a_parent_that_vouches_for_users_has_brought_the_tokens_of_the_channels_account() {
        let registrations =
            registrations(bot_with_parent("weather", "assistant", true), skill("weather", &["assistant"]));
        assert_eq!(listed(&registrations, &["serving", "other"], true), [(user_at("weather"), "own".to_owned(), true)]);
    }

    #[test]
    fn a_skill_that_is_reached_directly_keeps_its_tokens_under_the_channels_account() {
        let own = |ending: Account| (ending, "own".to_owned(), true);
        let both = [own(user_at("weather")), own(user_at("weather").as_parent_account("app-assistant"))];
        let unlisted = registrations(bot("weather"), skill("weather", &["assistant"]));
        assert_eq!(listed(&unlisted, &["serving", "other"], true), both);
        let skill_bot = bot_with_parent("weather", "assistant", false);
        let direct = Skill { endpoint: skill_bot.endpoint.clone(), ..skill("weather", &["assistant"]) };
        assert_eq!(listed(&registrations(skill_bot, direct), &["serving", "other"], true), both);
    }

    #[test]
    fn a_sign_out_of_one_connection_ends_the_tokens_of_the_skills_that_it_serves() {
        let registrations =
            registrations(bot_with_parent("weather", "assistant", false), skill("weather", &["assistant"]));
        let at_skill = user_at("weather").as_parent_account("app-assistant");
        assert_eq!(listed(&registrations, &["serving"], false), [(at_skill, "own".to_owned(), false)]);
        assert_eq!(listed(&registrations, &["other"], false), []);
    }

    #[test]
    fn connections_that_a_skill_does_not_use_and_skills_of_other_parents_are_left_alone() {
        let weather = bot_with_parent("weather", "assistant", false);
        let connections = vec![
            connection("assistant", "serving", &[URI]),
            connection("weather", "own", &[]),
            connection("weather", "unrelated", &[]),
            connection("news", "own", &[]),
        ];
        let registrations = Registrations::new(vec![bot("assistant"), weather, bot("news")], connections)
            .with_skills(vec![skill("weather", &["assistant"]), skill("news", &["another"])]);
        let at_skill = user_at("weather").as_parent_account("app-assistant");
        let expected = [(at_skill, "own".to_owned(), false)];
        assert_eq!(listed(&registrations, &["serving"], true), expected, "the account keeps a connection");
    }

    #[test]
    fn a_skill_of_a_skill_ends_too_and_two_bots_that_are_skills_of_each_other_end_once() {
        let connections = vec![
            connection("assistant", "own", &[URI]),
            connection("weather", "own", &[URI]),
            connection("news", "own", &[]),
        ];
        let bots = vec![
            bot_with_parent("assistant", "weather", false),
            bot_with_parent("weather", "assistant", false),
            bot_with_parent("news", "weather", false),
        ];
        let skills =
            vec![skill("assistant", &["weather"]), skill("weather", &["assistant"]), skill("news", &["weather"])];
        let registrations = Registrations::new(bots, connections).with_skills(skills);
        let mut found = listed(&registrations, &["own"], true);
        found.sort_by_key(|(account, ..)| account.holder.clone());
        let at = |bot: &str, parent: &str| {
            (user_at(bot).as_parent_account(&format!("app-{parent}")), "own".to_owned(), true)
        };
        assert_eq!(found, [at("assistant", "weather"), at("news", "weather"), at("weather", "assistant")]);
    }
}
