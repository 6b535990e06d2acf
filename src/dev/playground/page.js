// The page of the playground. It does what the page of a real site does: it signs the site's user in with MSAL, gets a
// Direct Line token from the site's back end, and shows Web Chat with the module for silent sign-in.

/** What a user of the stage is there to show. */
const STORIES = {
  'signs in': 'The bot gets a token of this user without a card.',
  'lacks consent': 'This user has not consented yet, so the card is shown.',
  'needs MFA': 'This user needs a second factor, so the card is shown.',
  disabled: 'This account is disabled: the exchange is always refused.',
  guest: 'This user is a guest from another tenant.',
};

/** What the page says about a card that is shown. */
const REASONS = {
  no_token: 'the user is not signed in at this site',
  token_failed: 'this page could not get a token of the user',
  refused: 'the token was refused',
  timeout: 'there was no answer in time',
  old_card: 'it was sent before this page was loaded',
};

/** What the client library of Direct Line returns in place of an id when the bot does not answer. */
const FAILED_POST = 'retry';

const WITHOUT_LIBRARIES =
  'The chat is not shown, because Web Chat is missing: install Node 20 or later with npm, and start scripts/dev again. An ' +
  'installed bot-sso takes a folder with the files (--web-chat DIR), which scripts/web-chat DIR fetches. Everything else works.';

const find = (id) => document.getElementById(id);
const settings = await (await fetch('/playground/settings.json')).json();
const choice = readChoice();
const user = settings.users.find(({ name }) => name === choice.user);
const bot = settings.bots.find(({ name }) => name === choice.bot);
fillForm();
tellStory({ story: user.story, switchedOn: [] });
find('panel').addEventListener('switches', ({ detail: { users, switches } }) => {
  const { story } = users.find(({ name }) => name === choice.user) ?? user;
  tellStory({ story, switchedOn: switches.filter(({ on }) => on).map(({ label }) => label) });
});
if (settings.hasPanel) {
  await import('/playground/panel.js');
}
if (Object.keys(settings.libraries).length === 0) {
  find('visitor').hidden = true;
  find('chat').append(paragraph(WITHOUT_LIBRARIES));
} else {
  try {
    await start();
  } catch (error) {
    find('chat').append(paragraph(`The chat could not be started: ${error.message}`));
  }
}

/** The choice in the address. Without a user, it is one who signs in silently. */
function readChoice() {
  const query = new URLSearchParams(location.search);
  const names = settings.users.map(({ name }) => name);
  const silent = (settings.users.find(({ story }) => story === 'signs in') ?? settings.users[0]).name;
  const bots = settings.bots.map(({ name }) => name);
  const oneOf = (known, wanted, otherwise) => (known.includes(wanted) ? wanted : otherwise);
  const channel = oneOf(['webchat', 'directline', 'msteams'], query.get('channel'), 'webchat');
  return {
    user: oneOf(names, query.get('user'), silent),
    bot: oneOf(bots, query.get('bot'), bots[0]),
    channel,
    /** The kind of the conversation, which other channels than Teams do not have. */
    conversation: channel === 'msteams' ? oneOf(['personal', 'group', 'channel'], query.get('conversation'), 'personal') : undefined,
    transport: oneOf(['websocket', 'polling'], query.get('transport'), 'websocket'),
  };
}

function fillForm() {
  const form = find('choice');
  form.user.append(...settings.users.map(({ name, displayName }) => new Option(displayName, name)));
  form.bot.append(...settings.bots.map(optionOfBot));
  form.user.value = choice.user;
  form.bot.value = choice.bot;
  const { channel, conversation = 'personal' } = choice;
  form.channel.value = conversation === 'personal' ? channel : `${channel} ${conversation}`;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', () => {
    const [channel, conversation] = form.channel.value.split(' ');
    const query = new URLSearchParams({ user: form.user.value, bot: form.bot.value, channel, ...(conversation && { conversation }) });
    if (choice.transport !== 'websocket') {
      query.set('transport', choice.transport);
    }
    location.search = query;
  });
  find('again').addEventListener('click', () => {
    sessionStorage.removeItem(conversationKey());
    location.reload();
  });
}

function optionOfBot({ name, isDemo }) {
  const option = new Option(name);
  option.toggleAttribute('data-own', !isDemo);
  return option;
}

/** Says what will happen: the user's story, unless something is switched on that decides instead. */
function tellStory({ story, switchedOn }) {
  const sentences = switchedOn.length > 0 ? [`Switched on for all users: ${switchedOn.join(', ')}.`] : [STORIES[story] ?? ''];
  if (bot.afterExchange === 'none') {
    sentences.push(`After a silent sign-in ${bot.name} says nothing, because it is not told (after_exchange is none): write again.`);
  }
  if (bot.skills.length > 0) {
    sentences.push(`${bot.name} passes on what names a skill: write ${bot.skills.join(' or ')}.`);
  }
  find('story').textContent = sentences.join(' ');
}

async function start() {
  const [{ createSingleSignOn, tokensFromMsal }] = await Promise.all([
    import(settings.module),
    loadScript('webchat.js'),
    loadScript('msal-browser.min.js'),
  ]);
  const client = await signIn();
  const singleSignOn = createSingleSignOn({
    getToken: tokensFromMsal(client, { scopes: settings.scopes, loginHint: user.principalName }),
    onOutcome: showOutcome,
  });
  const store = window.WebChat.createStore({}, singleSignOn);
  const directLine = window.WebChat.createDirectLine({
    domain: settings.directLine,
    webSocket: choice.transport === 'websocket',
    ...(await openConversation()),
  });
  watchMessages(directLine);
  const texts = { TEXT_INPUT_PLACEHOLDER: ['Say hello to', choice.bot, bot.skills.length > 0 && 'or name a skill'].filter(Boolean).join(' ') };
  window.WebChat.renderWebChat(
    { directLine, store, locale: 'en-US', styleOptions: look(), overrideLocalizedStrings: texts },
    find('chat')
  );
}

/** Signs the user in at this site, without a page. Returns MSAL's client. */
async function signIn() {
  // A control of the stage, in place of an earlier sign-in of the user at the tenant.
  await post('/dev/tenant-session', { user: user.name });
  const { authority, knownAuthority, metadata } = settings.tenants[user.tenant];
  const client = new window.msal.PublicClientApplication({
    auth: {
      clientId: settings.clientId,
      authority,
      knownAuthorities: [knownAuthority],
      authorityMetadata: JSON.stringify(metadata),
      redirectUri: settings.redirectUri,
    },
    cache: { cacheLocation: 'sessionStorage' },
  });
  await client.initialize();
  const visitor = find('visitor');
  try {
    const { account } = await client.ssoSilent({ scopes: bot.scopes, loginHint: user.principalName });
    client.setActiveAccount(account);
    visitor.textContent = `${account.name} is signed in at this site.`;
    visitor.classList.add('signed-in');
  } catch (error) {
    visitor.textContent = `${user.displayName} is not signed in at this site (${error.errorCode ?? error.name}).`;
  }
  return client;
}

/** The place in which this tab keeps its conversation. */
function conversationKey() {
  return ['playground', settings.stage, choice.user, choice.bot, choice.channel, choice.conversation].join(' ');
}

/** What Direct Line needs: of the conversation of this tab, or of a new one. */
async function openConversation() {
  const kept = JSON.parse(sessionStorage.getItem(conversationKey()) ?? 'null');
  if (kept && Date.now() < kept.endsAt) {
    return { token: kept.token, conversationId: kept.conversationId, watermark: '' };
  }
  const { user: name, channel, conversation } = choice;
  const answer = await post(settings.tokenUrl, { user: name, bot: bot.name, channel, conversation });
  const { token, conversationId, expires_in: seconds } = await answer.json();
  const endsAt = Date.now() + seconds * 1000;
  sessionStorage.setItem(conversationKey(), JSON.stringify({ token, conversationId, endsAt }));
  return { token };
}

function showOutcome({ signedIn, reason }) {
  if (signedIn) {
    tell('ok', `${choice.bot} has a token of ${user.displayName}. No card was shown.`);
  } else {
    tell('card', `The card is shown: ${REASONS[reason]}.`);
  }
}

/** Says below the chat what has become of the user's last message; nothing while that is open. */
function tell(kind, text) {
  const outcome = find('outcome');
  outcome.className = kind;
  outcome.textContent = text;
}

/** Says when a message of the user gets no answer of the bot, which Web Chat does not show. */
function watchMessages(directLine) {
  let hasFailed = false;
  let status;
  const fail = () => {
    hasFailed = true;
    tell('failed', failureText(status));
  };
  // The client library does not tell the status of a bot that does not answer. The browser does.
  new PerformanceObserver((list) => {
    const refused = list.getEntries().find(({ name, responseStatus }) => name.endsWith('/activities') && responseStatus >= 400);
    if (refused && status === undefined) {
      status = refused.responseStatus;
      if (hasFailed) {
        fail();
      }
    }
  }).observe({ type: 'resource' });
  const postActivity = directLine.postActivity.bind(directLine);
  directLine.postActivity = (activity) => {
    const posted = postActivity(activity);
    if (activity.type !== 'message') {
      return posted;
    }
    hasFailed = false;
    status = undefined;
    tell('', '');
    return posted.do({
      next: (id) => id === FAILED_POST && fail(),
      error: (problem) => {
        status = problem?.status;
        fail();
      },
    });
  };
}

function failureText(status) {
  const number = status ? ` (${status})` : '';
  return status >= 400 && status < 500
    ? `The channel has refused the message${number}. Begin a new chat.`
    : `${choice.bot} does not answer${number}. Write again when it runs.`;
}

/** The colours of Web Chat: those of the page. */
function look() {
  return {
    primaryFont: 'inherit',
    backgroundColor: 'var(--bg)',
    accent: 'var(--accent)',
    subtle: 'var(--muted)',
    timestampColor: 'var(--muted)',
    bubbleBackground: 'var(--bg)',
    bubbleBorderColor: 'var(--line)',
    bubbleBorderRadius: 8,
    bubbleTextColor: 'var(--fg)',
    bubbleFromUserBackground: 'var(--bg)',
    bubbleFromUserBorderColor: 'var(--accent)',
    bubbleFromUserBorderRadius: 8,
    bubbleFromUserTextColor: 'var(--fg)',
    sendBoxBackground: 'var(--bg)',
    sendBoxTextColor: 'var(--fg)',
    sendBoxPlaceholderColor: 'var(--muted)',
    sendBoxButtonColor: 'var(--muted)',
    sendBoxButtonColorOnFocus: 'var(--fg)',
    sendBoxButtonColorOnHover: 'var(--fg)',
    sendBoxBorderTop: '1px solid var(--line)',
    sendBoxBorderBottom: '1px solid var(--line)',
    notificationText: 'var(--muted)',
    slowConnectivity: 'var(--warn)',
    failedConnectivity: 'var(--bad)',
    hideUploadButton: true,
  };
}

/** Loads a library, if it is the one whose digest the stage has stated. */
function loadScript(name) {
  const { url, integrity } = settings.libraries[name];
  const script = Object.assign(document.createElement('script'), { src: url, integrity });
  return new Promise((resolve, reject) => {
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error(`${url} cannot be loaded`)));
    document.head.append(script);
  });
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`${url}: ${answer.status}`);
  }
  return answer;
}

function paragraph(text) {
  return Object.assign(document.createElement('p'), { textContent: text });
}
