// Acts as the page of a site with Web Chat: takes a token from the site, talks to a bot with the unmodified client library of
// Direct Line, and answers a sign-in card with a token of its user, as the code of a site does. Prints one JSON object a
// line, and never a token, a code or a link.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

import directLine from 'botframework-directlinejs';
import WebSocket from 'ws';
import xhr2 from 'xhr2';

// The library expects those of a browser.
globalThis.XMLHttpRequest = xhr2.XMLHttpRequest;
globalThis.WebSocket = WebSocket;

const { MANIFEST, USER, BOT: bot = 'demo', CHANNEL: channel, TRANSPORT, SAY, EXCHANGE, STATE } = process.env;
const manifest = JSON.parse(MANIFEST);
const kept = existsSync(STATE) ? JSON.parse(await readFile(STATE, 'utf8')) : undefined;
const site = kept ?? (await postJson(manifest.web_chat.token_url, { user: USER, bot, channel }));

let sessionIsOpen = true;
let invokeIsOpen = false;
let botHasSpoken = false;

const line = new directLine.DirectLine({
  domain: manifest.web_chat.direct_line,
  token: site.token,
  conversationId: kept?.conversationId,
  watermark: kept?.watermark,
  webSocket: TRANSPORT === 'websocket',
  pollingInterval: 200,
});
line.connectionStatus$.subscribe((status) => print({ event: 'status', status }));
line.activity$.subscribe(
  (activity) => receive(activity).catch(fail),
  () => {},
);
line.getSessionId().subscribe((id) => {
  print({ event: 'session', length: id.length });
  sessionIsOpen = false;
  endWhenDone().catch(fail);
}, fail);
line
  .postActivity({
    type: 'message',
    text: SAY,
    from: { id: site.userId, name: 'Someone' },
    channelData: { clientActivityID: 'typed', 'webchat:sequence-id': 1 },
  })
  .subscribe((id) => print({ event: 'posted', id }), fail);

async function receive(activity) {
  const { attachments = [], channelData = {}, conversation, from, id, replyToId, text, timestamp, type, value } = activity;
  const isEcho = from.role === 'user';
  const card = attachments.find(({ contentType }) => contentType === 'application/vnd.microsoft.card.oauth')?.content;
  print({
    event: 'received',
    type,
    id,
    replyToId,
    role: from.role,
    isMine: from.id === site.userId,
    text: isEcho ? undefined : text,
    clientActivityID: channelData.clientActivityID,
    hasValue: value !== undefined,
    hasTime: !Number.isNaN(Date.parse(timestamp)),
    isHere: conversation.id === line.conversationId,
    card: card && { connectionName: card.connectionName, canExchange: Boolean(card.tokenExchangeResource?.uri) },
  });
  if (card && EXCHANGE === 'yes') {
    await answerCard(card);
  } else if (!isEcho && (text || card)) {
    botHasSpoken = true;
    await endWhenDone();
  }
}

async function answerCard(card) {
  invokeIsOpen = true;
  const { id, uri } = card.tokenExchangeResource;
  const invoke = {
    type: 'invoke',
    name: 'signin/tokenExchange',
    from: { id: site.userId, role: 'user' },
    value: { id, connectionName: card.connectionName, token: await getExchangeableToken(uri) },
  };
  line.postActivity(invoke).subscribe((posted) => {
    print({ event: 'invoke', id: posted });
    invokeIsOpen = false;
    botHasSpoken ||= posted === 'retry';
    endWhenDone().catch(fail);
  }, fail);
}

/** A token of the user for the bot. The site's own sign-in would get it; the password grant stands for that. */
async function getExchangeableToken(uri) {
  const user = manifest.users.find(({ name }) => name === USER);
  const connection = manifest.connections.find((entry) => entry.bot === bot && entry.token_exchange_uri === uri);
  const answer = await fetch(manifest.tenant.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: manifest.clients.find(({ name }) => name === 'web-chat').client_id,
      username: user.name,
      password: user.password,
      scope: connection.scope,
    }),
  });
  return (await answer.json()).access_token;
}

/** Ends when the bot has spoken and no request is open. Keeps what a page that is loaded again needs. */
async function endWhenDone() {
  if (sessionIsOpen || invokeIsOpen || !botHasSpoken) {
    return;
  }
  const { token, conversationId, watermark } = line;
  await writeFile(STATE, JSON.stringify({ token, conversationId, watermark, userId: site.userId }), { mode: 0o600 });
  line.end();
  print({ event: 'ended' });
  process.exit(0);
}

async function postJson(url, body) {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

function print(fact) {
  console.log(JSON.stringify(fact));
}

function fail({ name, status }) {
  print({ event: 'failed', name, status });
  process.exit(1);
}
