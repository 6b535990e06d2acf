// A client of the stage's Direct Line without Web Chat: it starts a conversation, writes to the bot, and sends the invoke of a silent sign-in.

/** The stage's answer as JSON; `undefined` if it has no body. */
async function call(url, { bearer, form, json, method } = {}) {
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const body = form ? new URLSearchParams(form) : json && JSON.stringify(json);
  if (json) {
    headers['content-type'] = 'application/json';
  }
  const answer = await fetch(url, { method: method ?? (body ? 'POST' : 'GET'), headers, body });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
}

export class DirectLineChat {
  static async start(manifest, user, bot = 'demo') {
    const { body } = await call(manifest.web_chat.token_url, { json: { user, bot } });
    const chat = new DirectLineChat(manifest, user, bot, body);
    await call(chat.url(''), { bearer: chat.token, method: 'POST' });
    return chat;
  }

  constructor(manifest, user, bot, { token, conversationId }) {
    Object.assign(this, { manifest, user, bot, token, conversationId, cards: 0 });
  }

  url(rest) {
    const base = `${this.manifest.web_chat.direct_line}/conversations`;
    return rest ? `${base}/${this.conversationId}${rest}` : base;
  }

  async post(activity) {
    return (await call(this.url('/activities'), { bearer: this.token, json: activity })).status;
  }

  async say(text) {
    return this.post({ type: 'message', text });
  }

  async activities() {
    return (await call(this.url('/activities'), { bearer: this.token })).body.activities;
  }

  /** The sign-in card that the bot sends next. */
  async nextCard() {
    for (;;) {
      const cards = (await this.activities()).flatMap(({ attachments }) => attachments ?? []).filter(({ content }) => content?.tokenExchangeResource);
      if (cards.length > this.cards) {
        this.cards += 1;
        return cards[this.cards - 1].content;
      }
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }

  /** A token of the user that can be exchanged for the connection, as the client's own sign-in would give it. */
  async exchangeableToken(connection) {
    const { connections, clients, users } = this.manifest;
    const { scope } = connections.find(({ name, bot }) => name === connection && bot === this.bot);
    const { password, tid } = users.find(({ name }) => name === this.user);
    const endpoint = this.manifest.tenant.token_endpoint.replace(this.manifest.tenant.id, tid);
    const form = { grant_type: 'password', client_id: clients[0].client_id, username: this.user, password, scope };
    return (await call(endpoint, { form })).body.access_token;
  }

  /** Says something, and answers the card silently. Returns the token that was sent, and the status for the client. */
  async signIn(text = 'hello') {
    await this.say(text);
    const { connectionName, tokenExchangeResource } = await this.nextCard();
    const token = await this.exchangeableToken(connectionName);
    const value = { id: tokenExchangeResource.id, connectionName, token };
    const send = () => this.post({ type: 'invoke', name: 'signin/tokenExchange', value });
    return { status: await send(), token, sendAgain: send };
  }
}
