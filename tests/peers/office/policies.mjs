// Runs the module for panes at MODULE in jsdom, with a scripted Office and scripted answers. Compares its table of codes with the guide at
// GUIDE. Prints a JSON object for each case, with the problem if there is one, and the number of cases at the end.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { print } from '../steps.mjs';
import { Host, SIGNED_IN, openPage, scriptAnswers } from './pane.mjs';

const page = openPage('https://addin.example.com/pane/index.html');
const { CLIENT_CODES, SingleSignOnError, continueToSignIn, createSingleSignOn, tokensFromMsal } = await import(pathToFileURL(process.env.MODULE));

const BASE = 'https://sso.example.com';
const ME = `${BASE}/api/add-ins/files/downstream/me`;
const CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["C1 \\u00e9"]}}}';
const ok = { body: { displayName: 'Ada' } };
const challenge = { status: 401, body: { type: 'ClaimsChallenge', error: 'interaction_required', message: 'a second factor', claims: CLAIMS } };
const expired = { status: 401, body: { type: 'TokenExpiredError', error: 'invalid_token', message: 'expired' } };
const consent = { status: 403, body: { type: 'ConsentRequired', error: 'invalid_grant', suberror: 'consent_required', message: 'consent' } };
const PROMPTS = { allowSignInPrompt: true, allowConsentPrompt: true };

/** A pane with a host, and the answers to its requests. */
function open({ host = new Host(), answers = [ok], ...options } = {}) {
  const requests = scriptAnswers(answers);
  const { office, officeRuntime } = host;
  const singleSignOn = createSingleSignOn({ baseUrl: BASE, addIn: 'files', dialogUrl: '/sign-in.html', office, officeRuntime, ...options });
  return { host, requests, singleSignOn, me: (...more) => singleSignOn.fetchDownstream('/me', ...more) };
}

/** The failure of a call, of which the kind and the code are as expected. */
async function failure(promise, kind, code) {
  const error = await promise.then(
    () => assert.fail(`the call succeeded, and not with ${kind}`),
    (error) => error
  );
  assert.ok(error instanceof SingleSignOnError, `${error}`);
  assert.deepEqual([error.kind, error.code], [kind, code]);
  assert.ok(error.message.length > 3 && !/token-?\d|eyJ/.test(error.message), error.message);
  return error;
}

const counts = ({ host, requests }) => [host.asked.length, requests.length, host.dialogs.length];

const CASES = {
  async 'each form of the API gives a token, which is sent as the bearer'() {
    for (const form of ['OfficeRuntime.auth', 'Office.auth', 'getAccessTokenAsync']) {
      const pane = open({ host: new Host({ form }) });
      const answer = await pane.me();
      assert.deepEqual(await answer.json(), { displayName: 'Ada' });
      assert.deepEqual(pane.requests.map(({ url, method, token }) => [url, method, token]), [[ME, 'GET', 'Bearer token']], form);
      assert.deepEqual(pane.host.asked, [form === 'getAccessTokenAsync' ? {} : PROMPTS], form);
    }
  },
  async 'the newest form of the API is used where there are several'() {
    const [newest, older] = [new Host({ form: 'OfficeRuntime.auth', answers: ['new'] }), new Host({ answers: ['old'] })];
    const pane = open({ host: { office: older.office, officeRuntime: newest.officeRuntime } });
    assert.equal(await pane.singleSignOn.getToken(), 'new');
  },
  async 'the global objects are used if the page names none'() {
    const host = new Host();
    globalThis.Office = host.office;
    try {
      assert.equal(await open({ host: {} }).singleSignOn.getToken(), 'token');
    } finally {
      delete globalThis.Office;
    }
  },
  async 'older names of options become present ones, and those of the page stay'() {
    const pane = open();
    await pane.singleSignOn.getToken({ forceConsent: true, forceAddAccount: false, forMSGraphAccess: true });
    await pane.singleSignOn.getToken({ allowConsentPrompt: false, authChallenge: CLAIMS });
    assert.deepEqual(pane.host.asked, [
      { allowConsentPrompt: true, allowSignInPrompt: false, forMSGraphAccess: true },
      { allowConsentPrompt: false, allowSignInPrompt: true, authChallenge: CLAIMS },
    ]);
    const silent = open({ tokenOptions: { allowSignInPrompt: false } });
    await silent.singleSignOn.getToken();
    assert.deepEqual(silent.host.asked, [{ ...PROMPTS, allowSignInPrompt: false }]);
  },
  async 'the callback form forces a prompt only after the silent way has failed'() {
    for (const [code, forced] of [[13001, { forceAddAccount: true }], [13005, { forceConsent: true }]]) {
      const pane = open({ host: new Host({ form: 'getAccessTokenAsync', answers: [code, 'token'] }) });
      assert.equal(await pane.singleSignOn.getToken(), 'token');
      assert.deepEqual(pane.host.asked, [{}, forced]);
    }
    const never = open({ host: new Host({ form: 'getAccessTokenAsync', answers: [13001] }) });
    await failure(never.singleSignOn.getToken({ allowSignInPrompt: false }), 'not_signed_in', 13001);
    assert.equal(never.host.asked.length, 1);
    const twice = open({ host: new Host({ form: 'getAccessTokenAsync', answers: [13001] }) });
    await failure(twice.singleSignOn.getToken(), 'not_signed_in', 13001);
    assert.equal(twice.host.asked.length, 2);
    const named = open({ host: new Host({ form: 'getAccessTokenAsync' }) });
    await named.singleSignOn.getToken({ forceConsent: true, forceAddAccount: true, authChallenge: CLAIMS });
    assert.deepEqual(named.host.asked, [{ forceAddAccount: true, forceConsent: true, authChallenge: CLAIMS }]);
  },
  async 'each code of Office leads to what the table says'() {
    for (const [code, { action, kind }] of Object.entries(CLIENT_CODES)) {
      const pane = open({ host: new Host({ answers: [Number(code)] }) });
      await failure(pane.me(), kind, Number(code));
      assert.deepEqual(counts(pane), action === 'fallback' ? [2, 0, 1] : [1, 0, 0], code);
      const cured = open({ host: new Host({ answers: [Number(code), 'token'] }) });
      if (action === 'fallback') {
        assert.equal((await cured.me()).status, 200);
        assert.deepEqual(counts(cured), [2, 1, 1]);
      }
    }
  },
  async 'a failure without a code, and a host without the API, are like 13000'() {
    for (const answers of [[() => { throw new TypeError('lost'); }], [''], [undefined]]) {
      const pane = open({ host: new Host({ answers }) });
      await failure(pane.me(), 'unsupported', undefined);
      assert.deepEqual(counts(pane), [2, 0, 1]);
    }
    const pane = open({ host: new Host({ form: 'none' }) });
    await failure(pane.me(), 'unsupported', 13000);
    assert.equal(pane.host.dialogs.length, 1);
  },
  async 'the guide lists exactly the codes of the table'() {
    const guide = await readFile(process.env.GUIDE, 'utf8');
    const actions = { fallback: 'sign-in dialog, then once again', ask_user: 'tell the user', retry_later: 'repeat later', developer: 'correct the set-up' };
    const rows = Object.entries(CLIENT_CODES).map(([code, { action, kind, cause }]) => `| ${code} | ${cause} | ${actions[action]} | \`${kind}\` |`);
    const listed = guide.split('\n').filter((line) => /^\| (13\d\d\d|50001) \|/.test(line));
    assert.deepEqual(listed, rows);
  },
  async 'a claims challenge is passed to Office once, unchanged, and the call is repeated'() {
    const pane = open({ answers: [challenge, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(pane.host.asked, [PROMPTS, { ...PROMPTS, authChallenge: CLAIMS }]);
    const again = open({ answers: [challenge] });
    const error = await failure(again.me(), 'challenge', 'ClaimsChallenge');
    assert.equal(error.claims, CLAIMS);
    assert.deepEqual(counts(again), [2, 2, 0]);
  },
  async 'a challenge of the API that is called is read from its header'() {
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"},"name":"ä"}}';
    const header = `Bearer realm="", error="insufficient_claims", claims="${Buffer.from(claims).toString('base64url')}"`;
    const pane = open({ answers: [{ status: 401, headers: { 'www-authenticate': header } }, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.equal(pane.host.asked[1].authChallenge, claims);
  },
  async 'an expired token is got anew once, and the dialog is the last resort'() {
    const pane = open({ answers: [expired, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(counts(pane), [2, 2, 0]);
    assert.deepEqual(pane.host.asked, [PROMPTS, PROMPTS]);
    const again = open({ answers: [expired] });
    await failure(again.me(), 'expired', 'TokenExpiredError');
    assert.deepEqual(counts(again), [3, 3, 1]);
    const without = open({ answers: [expired], dialogUrl: undefined });
    await failure(without.me(), 'expired', 'TokenExpiredError');
    assert.deepEqual(counts(without), [2, 2, 0]);
  },
  async 'a missing consent opens the sign-in dialog once'() {
    const pane = open({ answers: [consent, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(counts(pane), [2, 2, 1]);
    const [dialog] = pane.host.dialogs;
    assert.equal(dialog.url, 'https://addin.example.com/sign-in.html');
    assert.ok(dialog.isClosed);
    const again = open({ answers: [consent] });
    await failure(again.me(), 'consent', 'ConsentRequired');
    assert.deepEqual(counts(again), [2, 2, 1]);
    const without = open({ answers: [consent], dialogUrl: undefined });
    await failure(without.me(), 'consent', 'ConsentRequired');
    assert.deepEqual(counts(without), [1, 1, 0]);
  },
  async 'an interaction without a challenge opens the dialog, too'() {
    const body = { type: 'InteractionRequired', error: 'interaction_required', message: 'sign in' };
    const pane = open({ answers: [{ status: 403, body }, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(counts(pane), [2, 2, 1]);
    const again = open({ answers: [{ status: 403, body }] });
    await failure(again.me(), 'interaction', 'InteractionRequired');
    assert.deepEqual(counts(again), [2, 2, 1]);
  },
  async 'a consent that only an administrator gives opens nothing'() {
    const admin = { status: 403, body: { ...consent.body, adminConsentRequired: true } };
    const pane = open({ answers: [admin] });
    await failure(pane.me(), 'admin_consent', 'ConsentRequired');
    assert.deepEqual(counts(pane), [1, 1, 0]);
  },
  async 'all remedies together are tried once each'() {
    const pane = open({ host: new Host({ answers: [13012, 'token'] }), answers: [challenge, expired, consent, ok] });
    await failure(pane.me(), 'consent', 'ConsentRequired');
    assert.deepEqual(counts(pane), [4, 3, 1]);
    const cured = open({ answers: [expired, challenge, consent, ok] });
    assert.equal((await cured.me()).status, 200);
    assert.deepEqual(counts(cured), [4, 4, 1]);
    for (const answers of [[challenge, consent, challenge], [expired, challenge, expired], [consent, expired, consent, challenge], [expired, expired, challenge, consent]]) {
      const endless = open({ answers });
      await assert.rejects(endless.me(), SingleSignOnError);
      assert.ok(endless.requests.length <= 4, `${endless.requests.length}`);
    }
    // A later call has all remedies again.
    const later = open({ answers: [challenge, ok, challenge, ok] });
    await later.me();
    assert.equal((await later.me()).status, 200);
  },
  async 'an outage asks the user nothing, and says when to repeat'() {
    for (const [answer, wait] of [
      [{ status: 503, body: { type: 'TemporarilyUnavailable', error: 'temporarily_unavailable', message: 'later' }, headers: { 'retry-after': '17' } }, 17],
      [{ status: 429, body: { error: { code: 'TooManyRequests' } }, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } }, 60],
      [{ status: 502 }, undefined],
      [{ status: 503, headers: { 'retry-after': 'soon' } }, undefined],
    ]) {
      const pane = open({ answers: [answer] });
      const error = await failure(pane.me(), 'retry_later', answer.body?.type ?? answer.status);
      assert.ok(Math.abs((error.retryAfter ?? -9) - (wait ?? -9)) <= 1, `${error.retryAfter}`);
      assert.deepEqual(counts(pane), [1, 1, 0]);
    }
    const pane = open({ answers: [new TypeError('fetch failed')] });
    await failure(pane.me(), 'retry_later', 'network');
  },
  async 'other refusals end the call'() {
    for (const [status, body, kind] of [
      [401, { type: 'TokenInvalid', error: 'invalid_token', message: 'wrong' }, 'developer'],
      [401, { type: 'WrongAudienceGraph', error: 'invalid_token', message: 'ask for', scope: 'api://1/access_as_user' }, 'developer'],
      [403, { type: 'MissingScope', error: 'insufficient_scope', message: 'scope' }, 'developer'],
      [403, { type: 'AppOnlyToken', error: 'access_denied', message: 'no user' }, 'developer'],
      [403, { type: 'AccessDenied', error: 'access_denied', message: 'not assigned' }, 'denied'],
      [403, { type: 'Microsoft Graph', error: 'access_denied', message: 'refused' }, 'denied'],
      [401, { type: 'SignInRequired', error: 'login_required', message: 'signed out' }, 'retry_later'],
      [404, { type: 'PathNotListed', error: 'invalid_request', message: 'not listed' }, 'developer'],
      [500, { type: 'ServerError', error: 'server_error', message: 'see the log' }, 'developer'],
    ]) {
      const pane = open({ answers: [{ status, body }] });
      const error = await failure(pane.me(), kind, body.type);
      assert.equal(error.message, body.scope ? `${body.message} (${body.scope})` : body.message);
      assert.deepEqual(counts(pane), [1, 1, 0]);
    }
  },
  async "an answer of the API itself is the page's, whatever its status"() {
    for (const answer of [
      { status: 404, body: { error: { code: 'itemNotFound', message: 'none' } } },
      { status: 403, body: { error: { code: 'accessDenied' } } },
      { status: 404, body: { error: 'there is none' } },
      { status: 409, body: { type: 'https://api.example.com/problems/conflict', title: 'conflict', status: 409 } },
      { status: 200, body: { error: 'a text of the user', claims: 'not a challenge' } },
      { status: 204 },
    ]) {
      const pane = open({ answers: [answer] });
      const response = await pane.me();
      assert.equal(response.status, answer.status);
      assert.equal(await response.text(), answer.body ? JSON.stringify(answer.body) : '');
      assert.deepEqual(counts(pane), [1, 1, 0]);
    }
  },
  async 'refusals in the body of a 200 are read where they may be there'() {
    const inline = (body) => ({ status: 200, body });
    const mfa = inline({ error: 'interaction_required', error_description: 'AADSTS50076: …', error_codes: [50076], claims: CLAIMS });
    const late = inline({ error: 'invalid_grant', error_description: 'AADSTS500133: the assertion is not within its valid time range.' });
    const needsConsent = inline({ error: 'invalid_grant', error_description: 'AADSTS65001: …', suberror: 'consent_required' });
    for (const [first, expected] of [[mfa, [2, 2, 0]], [late, [2, 2, 0]], [needsConsent, [2, 2, 1]]]) {
      const pane = open({ answers: [first, ok], errors: 'inline' });
      const answer = await pane.singleSignOn.call('/getuserdata');
      assert.deepEqual(await answer.json(), ok.body);
      assert.equal(pane.requests[0].url, `${BASE}/getuserdata`);
      assert.deepEqual(counts(pane), expected);
    }
    for (const [body, kind] of [
      [{ error: 'temporarily_unavailable', error_description: 'AADSTS90033' }, 'retry_later'],
      [{ error: 'invalid_grant', error_description: 'AADSTS90094: an administrator' }, 'admin_consent'],
      [{ error: 'access_denied', error_description: 'AADSTS50105: not assigned' }, 'denied'],
      [{ error: 'invalid_grant', error_description: 'AADSTS50013: the signature' }, 'developer'],
      [{ error: 'server_error', error_description: 'see the log' }, 'developer'],
    ]) {
      const pane = open({ answers: [inline(body)], errors: 'inline' });
      await failure(pane.singleSignOn.call('/getuserdata'), kind, body.error);
      assert.deepEqual(counts(pane), [1, 1, 0]);
    }
    const early = open({ answers: [expired, ok], errors: 'inline' });
    assert.equal((await early.singleSignOn.call('/getuserdata')).status, 200);
  },
  async 'a dialog that is closed, blocked or declined is said to the page'() {
    const closed = open({ host: new Host({ dialog: (opened) => opened.end(12006) }), answers: [consent] });
    await failure(closed.me(), 'cancelled', 12006);
    assert.deepEqual(counts(closed), [1, 1, 1]);
    const lost = open({ host: new Host({ dialog: (opened) => opened.end(12002) }), answers: [consent] });
    await failure(lost.me(), 'developer', 12002);
    for (const [code, kind] of [[12004, 'developer'], [12007, 'retry_later'], [12009, 'cancelled'], [12011, 'user_action'], [5001, 'unsupported']]) {
      const pane = open({ host: new Host({ opening: { code } }), answers: [consent] });
      await failure(pane.me(), kind, code);
    }
    const none = new Host();
    delete none.office.context.ui;
    await failure(open({ host: none, answers: [consent] }).me(), 'unsupported', undefined);
  },
  async 'only a message of the sign-in, from the origin of bot-sso, ends the dialog'() {
    const stray = (opened) => {
      opened.message(SIGNED_IN, { origin: 'https://evil.example' });
      opened.message({ ...SIGNED_IN, type: 'something' });
      opened.message('no JSON');
      opened.message('null');
      assert.ok(!opened.isClosed);
      opened.message({ ...SIGNED_IN, status: 'cancelled' }, { origin: BASE });
    };
    const pane = open({ host: new Host({ dialog: stray }), answers: [consent] });
    await failure(pane.me(), 'cancelled', 'cancelled');
    assert.ok(pane.host.dialogs[0].isClosed);
  },
  async 'a sign-in that fails stays open, so that the user can begin again'() {
    const failed = { type: 'bot-sso', status: 'failed', reason: 'WrongAccount', reference: 'r-1' };
    const again = (opened) => {
      opened.message(failed);
      assert.ok(!opened.isClosed);
      opened.message(SIGNED_IN);
    };
    const pane = open({ host: new Host({ dialog: again }), answers: [consent, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.ok(pane.host.dialogs[0].isClosed);
    const givesUp = (opened) => {
      opened.message(failed);
      opened.end(12006);
    };
    const error = await failure(open({ host: new Host({ dialog: givesUp }), answers: [consent] }).me(), 'sign_in_failed', 'WrongAccount');
    assert.ok(error.message.includes('r-1'));
  },
  async 'calls at the same time share one question to Office and one dialog'() {
    let finish;
    const host = new Host({ answers: [() => new Promise((resolve) => (finish = resolve))] });
    const pane = open({ host });
    const both = [pane.singleSignOn.getToken(), pane.singleSignOn.getToken()];
    await new Promise((resolve) => setTimeout(resolve, 0));
    const third = pane.singleSignOn.getToken({ authChallenge: CLAIMS });
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.equal(host.asked.length, 1, 'a second question waits');
    host.answers = ['second'];
    finish('first');
    assert.deepEqual(await Promise.all([...both, third]), ['first', 'first', 'second']);
    assert.equal(host.asked.length, 2);
    await pane.singleSignOn.getToken();
    assert.equal(host.asked.length, 3, 'Office keeps the tokens, and not the page');
    const waiting = open({ answers: [consent, consent, ok] });
    assert.deepEqual((await Promise.all([waiting.me(), waiting.me()])).map(({ status }) => status), [200, 200]);
    assert.equal(waiting.host.dialogs.length, 1);
  },
  async 'after a failed question the next one is asked'() {
    const pane = open({ host: new Host({ answers: [13008, 'token'] }) });
    await failure(pane.me(), 'retry_later', 13008);
    assert.equal((await pane.me()).status, 200);
  },
  async 'a token goes to bot-sso and to the own origin only, and a path stays below its base'() {
    const pane = open();
    await pane.singleSignOn.call('https://addin.example.com/api/orders', { method: 'POST', body: '{}', headers: { Authorization: 'Bearer mine' } });
    assert.deepEqual([pane.requests[0].url, pane.requests[0].token], ['https://addin.example.com/api/orders', 'Bearer token']);
    assert.equal(pane.requests[0].init.credentials, 'omit');
    for (const url of ['https://evil.example/', '//evil.example/x', 'https://sso.example.com.evil.example/', 'http://sso.example.com/x']) {
      await assert.rejects(pane.singleSignOn.call(url), TypeError, url);
    }
    for (const path of ['me', '/../identity', '/../../../../oauth2/token', '/%2e%2e/identity', '/a/..\\..\\identity']) {
      await assert.rejects(pane.singleSignOn.fetchDownstream(path), TypeError, path);
    }
    await assert.rejects(pane.me({ method: 'PUT', body: new ReadableStream() }), TypeError);
    assert.equal(pane.requests.length, 1);
    await pane.singleSignOn.fetchDownstream('/me/drive/root:/a b.txt:/content?$top=1', { method: 'GET' });
    assert.equal(pane.requests[1].url, `${BASE}/api/add-ins/files/downstream/me/drive/root:/a%20b.txt:/content?$top=1`);
  },
  async 'a base with a path keeps it, and the identity is read'() {
    const user = { id: 'o@t', oid: 'o', tid: 't', name: 'Ada' };
    const pane = open({ baseUrl: 'https://sso.example.com/bots/', answers: [{ body: user }] });
    assert.deepEqual(await pane.singleSignOn.fetchIdentity(), user);
    assert.equal(pane.requests[0].url, 'https://sso.example.com/bots/api/add-ins/files/identity');
    assert.throws(() => createSingleSignOn({ baseUrl: BASE }), TypeError);
    const lost = open({ answers: [{ status: 404, body: { error: { code: 'NotFound', message: 'none' } } }] });
    await failure(lost.singleSignOn.fetchIdentity(), 'developer', 404);
  },
  async "a request that the page aborts fails with the page's own error"() {
    const controller = new AbortController();
    controller.abort();
    const pane = open({ answers: [new DOMException('aborted', 'AbortError')] });
    await assert.rejects(pane.me({ signal: controller.signal }), { name: 'AbortError' });
  },
  async 'a token source of the page is used under the same rules'() {
    const asked = [];
    const acquireToken = async (wanted) => `token-${asked.push(wanted)}`;
    const pane = open({ acquireToken, answers: [challenge, expired, consent, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(asked, [PROMPTS, { ...PROMPTS, authChallenge: CLAIMS, claims: CLAIMS }, { ...PROMPTS, forceRefresh: true }, PROMPTS]);
    assert.deepEqual(pane.requests.map(({ token }) => token), [1, 2, 3, 4].map((number) => `Bearer token-${number}`));
    assert.deepEqual([pane.host.asked.length, pane.host.dialogs.length], [0, 1]);
    const failing = open({ acquireToken: async () => { throw Object.assign(new Error('no'), { errorCode: 'user_cancelled' }); } });
    await failure(failing.me(), 'token_failed', 'user_cancelled');
    assert.equal(failing.host.dialogs.length, 0);
  },
  async "a token source for what Office cannot give replaces the dialog"() {
    const asked = [];
    const fallbackToken = async (wanted) => `own-${asked.push(wanted)}`;
    const pane = open({ host: new Host({ answers: [13000] }), fallbackToken, answers: [challenge, ok] });
    assert.equal((await pane.me()).status, 200);
    assert.deepEqual(pane.requests.map(({ token }) => token), ['Bearer own-1', 'Bearer own-2']);
    assert.equal(asked[1].claims, CLAIMS);
    assert.deepEqual(counts(pane), [2, 2, 0]);
    const cancelled = open({ host: new Host({ answers: [13002] }), fallbackToken });
    await failure(cancelled.me(), 'cancelled', 13002);
    assert.equal(asked.length, 2);
    const failing = open({ host: new Host({ answers: [13012] }), fallbackToken: async () => '' });
    await failure(failing.me(), 'token_failed', undefined);
    assert.deepEqual(counts(failing), [1, 0, 0]);
  },
  async 'MSAL asks silently first, and then in a window if it may'() {
    const asked = [];
    const fails = async (name, request) => { asked.push([name, request]); throw new Error('interaction_required'); };
    const client = {
      getActiveAccount: () => null,
      getAllAccounts: () => [{ username: 'ada' }],
      acquireTokenSilent: (request) => fails('silent', request),
      ssoSilent: (request) => fails('sso', request),
      acquireTokenPopup: async (request) => asked.push(['popup', request]) && { accessToken: 'popup' },
    };
    const scopes = ['api://addin.example.com/1/access_as_user'];
    const acquireToken = tokensFromMsal(client, { scopes });
    assert.equal(await acquireToken({ ...PROMPTS, claims: CLAIMS, forceRefresh: true }), 'popup');
    const request = { scopes, claims: CLAIMS, account: { username: 'ada' } };
    assert.deepEqual(asked.splice(0), [['silent', { ...request, forceRefresh: true }], ['popup', request]]);
    await assert.rejects(tokensFromMsal({ ...client, getAllAccounts: () => [] }, { scopes })({ allowSignInPrompt: false }));
    assert.deepEqual(asked, [['sso', { scopes }]]);
  },
  async 'the first page of the dialog goes on to bot-sso'() {
    const visited = [];
    const real = globalThis.location;
    globalThis.location = { origin: 'https://addin.example.com', replace: (url) => visited.push(url) };
    try {
      continueToSignIn({ baseUrl: `${BASE}/`, addIn: 'files' });
    } finally {
      globalThis.location = real;
    }
    assert.deepEqual(visited, [`${BASE}/api/add-ins/files/sign-in?origin=https%3A%2F%2Faddin.example.com`]);
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
page.window.close();
print({ cases: Object.keys(CASES).length });
