// Runs the module for Web Chat at MODULE on Node, with a store and a channel of its own that do what a real network and a real bot may do.
// Prints a JSON object for each case, with the problem if there is one, and the number of cases at the end.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { print } from '../steps.mjs';

const { createSingleSignOn, tokensFromMsal } = await import(pathToFileURL(process.env.MODULE));
const URI = 'api://botid-1';
const OAUTH = 'application/vnd.microsoft.card.oauth';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
const settle = async () => {
  for (let count = 0; count < 20; count += 1) {
    await turn();
  }
};

function card(id, { connectionName = 'graph', resource = { id: `offer-${id}`, uri: URI } } = {}) {
  return { contentType: OAUTH, content: { connectionName, tokenExchangeResource: resource, buttons: [] } };
}

function message(id, attachments = [card(id)], more = {}) {
  return { type: 'message', id, from: { id: 'bot', role: 'bot' }, attachments, ...more };
}

/** What a page keeps for a reload. */
class Memory {
  values = new Map();
  getItem(key) {
    return this.values.get(key) ?? null;
  }
  setItem(key, value) {
    this.values.set(key, value);
  }
}

/** A page: its store with the module, and a channel that answers posts with what `answers` returns. */
class Page {
  shown = [];
  queued = [];
  posted = [];
  outcomes = [];

  constructor({ getToken = async () => 'a token', answer = () => 'id', storage = new Memory(), conversationId, ...options } = {}) {
    const singleSignOn = createSingleSignOn({ getToken, storage, onOutcome: (outcome) => this.outcomes.push(outcome), ...options });
    this.handle = singleSignOn({ dispatch: () => {} })((action) => {
      if (action.type === 'DIRECT_LINE/INCOMING_ACTIVITY') {
        this.shown.push(action.payload.activity);
      }
      if (action.type === 'DIRECT_LINE/QUEUE_INCOMING_ACTIVITY') {
        this.queued.push(action.payload.activity);
      }
      return action;
    });
    const directLine = { conversationId, postActivity: (activity) => ({ subscribe: (observer) => this.deliver(activity, observer, answer) }) };
    this.handle({ type: 'DIRECT_LINE/CONNECT', payload: { directLine, userID: 'dl_ada' } });
  }

  deliver(activity, observer, answer) {
    this.posted.push(activity);
    Promise.resolve(answer(activity)).then(
      (id) => {
        if (id !== undefined) {
          observer.next(id);
          observer.complete();
        }
      },
      (error) => observer.error(error)
    );
    return { unsubscribe: () => (this.unsubscribed = true) };
  }

  async receive(...activities) {
    for (const activity of activities) {
      this.handle({ type: 'DIRECT_LINE/INCOMING_ACTIVITY', payload: { activity } });
    }
    await settle();
  }

  /** Queues activities as Web Chat does, and returns what each of the queued ones answers. */
  referencesOf(...activities) {
    activities.forEach((activity) => this.handle({ type: 'DIRECT_LINE/QUEUE_INCOMING_ACTIVITY', payload: { activity } }));
    return this.queued.splice(0).map(({ replyToId }) => replyToId);
  }

  get ids() {
    return this.shown.map(({ id }) => id);
  }

  get names() {
    return this.posted.map(({ name }) => name);
  }
}

const CASES = {
  async 'an accepted token hides the card'() {
    const page = new Page();
    await page.receive(message('1'));
    assert.deepEqual(page.ids, []);
    const [{ value, from, ...invoke }] = page.posted;
    assert.deepEqual(invoke, { type: 'invoke', name: 'signin/tokenExchange' });
    assert.deepEqual(value, { id: 'offer-1', connectionName: 'graph', token: 'a token' });
    assert.deepEqual(from, { id: 'dl_ada', role: 'user' });
    assert.deepEqual(page.outcomes, [{ connectionName: 'graph', signedIn: true }]);
  },
  async 'the word retry, an error, an empty id and an end without an id show the card'() {
    const answers = [() => 'retry', () => Promise.reject(Object.assign(new Error(), { status: 403 })), () => ''];
    for (const answer of answers) {
      const page = new Page({ answer });
      await page.receive(message('1'));
      assert.deepEqual([page.ids, page.outcomes], [['1'], [{ connectionName: 'graph', signedIn: false, reason: 'refused' }]]);
    }
    const page = new Page();
    page.deliver = (activity, observer) => observer.complete();
    await page.receive(message('1'));
    assert.deepEqual(page.ids, ['1']);
  },
  async 'a channel that throws shows the card'() {
    const page = new Page();
    page.deliver = () => {
      throw new Error('not connected');
    };
    await page.receive(message('1'));
    assert.deepEqual([page.ids, page.outcomes[0].reason], [['1'], 'refused']);
  },
  async 'no token shows the card and tells the bot nothing'() {
    for (const nothing of [undefined, null, '']) {
      const page = new Page({ getToken: async () => nothing });
      await page.receive(message('1'));
      assert.deepEqual([page.ids, page.posted, page.outcomes[0].reason], [['1'], [], 'no_token']);
    }
  },
  async 'a failure to get a token shows the card and is reported once, without its text'() {
    for (const [errorCode, code] of [
      ['consent_required', 'userconsentrequired'],
      ['interaction_required', 'interactionrequired'],
      ['monitor_window_timeout', 'tokenmissing'],
      [undefined, 'tokenmissing'],
    ]) {
      const getToken = () => {
        throw Object.assign(new Error('eyJ secret'), { errorCode });
      };
      const page = new Page({ getToken, answer: () => 'retry' });
      await page.receive(message('1'));
      assert.deepEqual([page.ids, page.names, page.posted[0].value.code], [['1'], ['signin/failure'], code]);
      assert.ok(!JSON.stringify(page.posted).includes('secret'));
    }
  },
  async 'a token that comes too late shows the card, and is not posted'() {
    let give;
    const page = new Page({ timeoutMs: 20, getToken: () => new Promise((resolve) => (give = resolve)) });
    await page.receive(message('1'));
    while (page.ids.length === 0) {
      await turn();
    }
    give('a token');
    await settle();
    assert.deepEqual([page.ids, page.posted, page.outcomes[0].reason], [['1'], [], 'timeout']);
  },
  async 'an answer that comes too late shows the card once'() {
    const page = new Page({ timeoutMs: 20, answer: () => undefined });
    await page.receive(message('1'));
    while (page.ids.length === 0) {
      await turn();
    }
    assert.deepEqual([page.ids, page.unsubscribed, page.outcomes[0].reason], [['1'], true, 'timeout']);
  },
  async 'two cards at once are answered apart'() {
    const page = new Page({ answer: ({ value }) => (value.connectionName === 'mail' ? 'retry' : 'id') });
    await page.receive(message('1'), message('2', [card('2', { connectionName: 'mail' })]));
    assert.deepEqual([page.ids, page.posted.length, page.outcomes.length], [['2'], 2, 2]);
  },
  async 'two cards in one activity are hidden only together'() {
    const both = [card('a'), card('b', { connectionName: 'mail' })];
    const accepted = new Page();
    await accepted.receive(message('1', both));
    assert.deepEqual([accepted.ids, accepted.posted.length], [[], 2]);
    const refused = new Page({ answer: ({ value }) => (value.connectionName === 'mail' ? 'retry' : 'id') });
    await refused.receive(message('1', both));
    assert.deepEqual(refused.shown[0].attachments, both);
  },
  async 'what else is in the activity stays'() {
    const picture = { contentType: 'image/png', contentUrl: 'https://www.example.com/x.png' };
    const page = new Page();
    await page.receive(message('1', [picture, card('1')]));
    assert.deepEqual(page.shown[0].attachments, [picture]);
  },
  async 'a card that is delivered again is answered once'() {
    const page = new Page();
    await page.receive(message('1'), message('1'));
    await page.receive(message('1'));
    assert.deepEqual([page.ids, page.posted.length], [[], 1]);
    const refused = new Page({ answer: () => 'retry' });
    await refused.receive(message('1'), message('1'));
    await refused.receive(message('1'));
    assert.deepEqual([refused.ids, refused.posted.length], [['1', '1'], 1]);
  },
  async 'a reload answers no card of the history: it hides the answered ones and shows the others'() {
    const storage = new Memory();
    const first = new Page({ storage, answer: ({ value }) => (value.id === 'offer-2' ? 'retry' : 'id') });
    await first.receive(message('1'), message('2'));
    assert.deepEqual(first.ids, ['2']);
    const second = new Page({ storage, conversationId: 'c' });
    await second.receive(message('1'), message('2'), message('3'));
    assert.deepEqual([second.ids, second.posted], [['2', '3'], []]);
    second.handle({ type: 'DIRECT_LINE/POST_ACTIVITY', payload: { activity: { type: 'message' } } });
    await second.receive(message('4'));
    assert.deepEqual([second.ids, second.posted.length], [['2', '3'], 1]);
  },
  async 'a reload without the conversation id answers no card twice'() {
    const storage = new Memory();
    const first = new Page({ storage });
    await first.receive(message('1'));
    const second = new Page({ storage });
    await second.receive(message('1'), message('2'));
    assert.deepEqual([second.ids, second.posted.map(({ value }) => value.id)], [[], ['offer-2']]);
  },
  async 'a storage that fails or holds nonsense does no harm'() {
    const nonsense = { getItem: () => '{"x":', setItem: () => {} };
    const forbidden = {
      getItem: () => {
        throw new Error('forbidden');
      },
      setItem: () => {
        throw new Error('full');
      },
    };
    for (const storage of [nonsense, forbidden, { getItem: () => '[1,null,["a","b"]]', setItem() {} }]) {
      const page = new Page({ storage });
      await page.receive(message('1'), message('1'));
      assert.deepEqual([page.ids, page.posted.length], [[], 1]);
    }
  },
  async 'the kept ids are few, and no token is kept'() {
    const storage = new Memory();
    const page = new Page({ storage });
    for (let number = 0; number < 250; number += 1) {
      await page.receive(message(`card-${number}`));
    }
    const kept = [...storage.values.values()].join();
    assert.equal(JSON.parse(kept).length, 200);
    assert.ok(!kept.includes('token') && kept.includes('card-249'));
  },
  async 'an answer to what Web Chat never gets waits for nothing, and another one keeps its reference'() {
    const page = new Page();
    const said = (id, replyToId) => message(id, [], { replyToId });
    const echo = (id, clientActivityID) => ({ type: 'message', id, from: { role: 'user' }, channelData: { clientActivityID } });
    const invoke = { type: 'invoke', name: 'signin/tokenExchange', id: 'invoke', from: { role: 'user' } };
    const pending = (clientActivityID) =>
      page.handle({ type: 'DIRECT_LINE/POST_ACTIVITY_PENDING', payload: { activity: { type: 'message', channelData: { clientActivityID } } } });
    pending('post-1');
    // The answer may be quicker than the echo of what it answers: this wait is of use.
    assert.deepEqual(page.referencesOf(said('quick', 'hello')), ['hello']);
    assert.deepEqual(page.referencesOf(echo('hello', 'post-1'), said('1', 'hello'), said('2')), [undefined, 'hello', undefined]);
    assert.deepEqual(page.referencesOf(invoke, said('3', 'invoke'), said('4', 'an event of bot-sso')), [undefined, undefined, undefined]);
    pending('post-2');
    page.handle({ type: 'DIRECT_LINE/POST_ACTIVITY_REJECTED', error: true, payload: new Error('refused') });
    assert.deepEqual(page.referencesOf(said('5', 'an event of bot-sso'), said('6', 'hello')), [undefined, 'hello']);
  },
  async 'other activities pass at once, and the echo of the invoke does not'() {
    const page = new Page({ getToken: () => new Promise(() => {}), timeoutMs: 5 });
    const echo = { type: 'invoke', name: 'signin/tokenExchange', id: 'e', from: { role: 'user' } };
    const withoutOffer = { contentType: OAUTH, content: { connectionName: 'graph', buttons: [] } };
    const passing = [
      message('text', []),
      message('none', undefined, { attachments: undefined }),
      message('plain', [withoutOffer]),
      message('own', [card('x')], { from: { id: 'dl_ada', role: 'user' } }),
      message('odd', [null, { contentType: OAUTH }, { contentType: OAUTH, content: { tokenExchangeResource: {} } }]),
      { type: 'typing', id: 'typing', from: { role: 'bot' } },
      { type: 'event', id: 'event', name: 'tokens/response', from: { role: 'bot' } },
    ];
    await page.receive(echo, ...passing);
    assert.deepEqual(page.ids, passing.map(({ id }) => id));
    const action = { type: 'WEB_CHAT/SET_SEND_BOX', payload: {} };
    assert.equal(page.handle(action), action);
  },
  async 'a mistake in the function of the site shows the card all the same'() {
    const { error } = console;
    console.error = () => {};
    const page = new Page({
      answer: () => 'retry',
      onOutcome: () => {
        throw new Error('a mistake');
      },
    });
    await page.receive(message('1'), message('2'));
    console.error = error;
    assert.deepEqual(page.ids, ['1', '2']);
  },
  async 'a card before the connection is shown'() {
    const shown = [];
    const handle = createSingleSignOn({ getToken: async () => 'a token', storage: new Memory() })({})((action) => shown.push(action));
    handle({ type: 'DIRECT_LINE/INCOMING_ACTIVITY', payload: { activity: message('1') } });
    await settle();
    assert.equal(shown.length, 1);
  },
  async 'MSAL gives a token of its account for a listed API only'() {
    const asked = [];
    const client = {
      getActiveAccount: () => null,
      getAllAccounts: () => [{ username: 'ada' }],
      acquireTokenSilent: async (request) => asked.push(request) && { accessToken: 'one' },
      ssoSilent: async (request) => asked.push(request) && { accessToken: 'two' },
    };
    const listed = tokensFromMsal(client, { scopes: { [URI]: [`${URI}/access_as_user`] } });
    assert.equal(await listed({ uri: URI }), 'one');
    assert.deepEqual(asked[0], { scopes: [`${URI}/access_as_user`], account: { username: 'ada' } });
    await assert.rejects(listed({ uri: 'https://graph.microsoft.com' }), { errorCode: 'resource_not_listed' });
    await assert.rejects(listed({ uri: 'toString' }), { errorCode: 'resource_not_listed' });
    const unlisted = tokensFromMsal({ ...client, getAllAccounts: () => [] }, { loginHint: 'ada' });
    assert.equal(await unlisted({ uri: URI }), 'two');
    assert.deepEqual(asked[1], { scopes: [`${URI}/.default`], loginHint: 'ada' });
    await unlisted({ uri: `${URI}/access_as_user` });
    assert.deepEqual(asked[2].scopes, [`${URI}/access_as_user`]);
    await assert.rejects(unlisted({ uri: 'https://graph.microsoft.com' }), { errorCode: 'resource_not_listed' });
  },
  async 'MSAL without a signed-in user gives nothing, and its other failures are failures'() {
    const failing = (errorCode) => ({
      getActiveAccount: () => null,
      getAllAccounts: () => [],
      ssoSilent: async () => {
        throw Object.assign(new Error(), { errorCode });
      },
    });
    assert.equal(await tokensFromMsal(failing('login_required'))({ uri: URI }), undefined);
    await assert.rejects(tokensFromMsal(failing('interaction_required'))({ uri: URI }));
  },
};

for (const [name, run] of Object.entries(CASES)) {
  try {
    await run();
    print({ case: name });
  } catch (error) {
    print({ case: name, problem: error.message });
  }
}
print({ cases: Object.keys(CASES).length });
