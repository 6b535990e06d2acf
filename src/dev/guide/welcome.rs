use super::bot_settings::bot_settings;
use super::directories::apps_page;
use super::facts::StageFacts;

/// The first text that `bot-sso dev` prints: the address of the page, those of all listeners, and the settings of bots that
/// run elsewhere. The first line is one address and nothing else.
pub(in crate::dev) fn welcome(facts: &StageFacts, gateway: &str) -> String {
    let gateway = gateway.trim_end_matches('/');
    format!("{}\n\n{}{}", page(facts), listeners(facts, gateway), bot_settings(facts, gateway))
}

/// The page. If the stage has a bot of the developer's own, the page opens with it.
fn page(facts: &StageFacts) -> String {
    let http = &facts.addresses.http_base;
    match facts.directory.bots.iter().find(|bot| bot.endpoint.is_some()) {
        Some(own) => format!("{http}/?bot={}", own.name),
        None => format!("{http}/"),
    }
}

fn listeners(facts: &StageFacts, gateway: &str) -> String {
    let operations = facts.find_operator_listener().map_or_else(String::new, |listener| {
        format!("  operator's listener     http://{}/healthz\n", listener.address)
    });
    let mut others = String::new();
    for base in &facts.replicas().others {
        others.push_str("  replica                 ");
        others.push_str(base);
        others.push('\n');
    }
    format!(
        "This page talks to the bots. bot-sso runs in development mode: everything listens on loopback only, and all data is\n\
         deleted at the end (Ctrl-C). --walkthrough prints commands to paste, --bot URL puts a bot of your own behind the gateway.\n\n  \
         gateway, token service  {gateway}\n\
         {others}  \
         manifest for programs   {gateway}/dev/manifest.json\n\
         {operations}  \
         web apps, one sign-on   {apps}\n  \
         local tenant            {https}/{tid}/v2.0\n  \
         its CA file             {ca}\n  \
         the same, plain http    {http}/{tid}\n  \
         what bots have sent     {http}/connector/_sent\n  \
         Direct Line             {direct_line}\n  \
         for bots built on SDKs  IDENTITY_ENDPOINT={http}/msi/token IDENTITY_HEADER=any\n",
        apps = apps_page(facts),
        https = facts.addresses.https_base,
        http = facts.addresses.http_base,
        direct_line = facts.addresses.direct_line(),
        tid = facts.directory.main_tenant_id(),
        ca = facts.ca_file.display(),
    )
}
