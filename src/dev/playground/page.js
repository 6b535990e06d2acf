// The page of the playground: it signs a user of the stage in, and shows the real Web Chat with a bot behind bot-sso.

const settings = await (await fetch('/playground/settings.json')).json();

if (settings.hasPanel) {
  await import('/playground/panel.js');
}
