// Panes of the stage's add-in in jsdom, with the module that the gateway serves, and the unmodified client half of office-addin-sso. Office
// is played by the stage's tenant. MANIFEST is the stage's manifest. Prints a JSON object for each case, with the problem if there is one, and
// the number of cases at the end.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { JSDOM } from 'jsdom';
import { print } from '../steps.mjs';
import { Host, openPage } from './pane.mjs';
import { TenantBrowser, getTokenInBrowser, getTokenSilently } from './tenant_browser.mjs';

const manifest = JSON.parse(process.env.MANIFEST);
const [addIn] = manifest.add_ins;
const gateway = new URL(addIn.identity_url).origin;
const panesOrigin = new URL(manifest.tenant.token_endpoint).origin;
const user = (name) => manifest.users.find((entry) => entry.name === name);

const served = await fetch(`${gateway}/office/single-sign-on.js`);
assert.equal(served.status, 200);
const { createSingleSignOn } = await import(`data:text/javascript;base64,${Buffer.from(await served.arrayBuffer()).toString('base64')}`);

/** `fetch` of a page: it says where the page is from, and gives the page only answers that permit it. */
const plainFetch = globalThis.fetch;
globalThis.fetch = async (url, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('origin', panesOrigin);
  const asks = { origin: panesOrigin, 'access-control-request-method': init.method ?? 'GET', 'access-control-request-headers': 'authorization' };
  const preflight = await plainFetch(url, { method: 'OPTIONS', headers: asks });
  const permitted = preflight.headers.get('access-control-allow-headers') ?? '';
  const response = await plainFetch(url, { ...init, headers });
  const isPermitted = response.headers.get('access-control-allow-origin') === panesOrigin && permitted.includes('authorization');
  if (!preflight.ok || !isPermitted) {
    throw new TypeError('the answer does not permit the page to read it');
  }
  return response;
};

/** What a user does in the dialog, up to its last page, whose script then runs as in Office. */
async function signInByDialog(opened, { name, password }, cancel) {
  const browser = new TenantBrowser();
  const loginPage = await browser.open(`${gateway}/api/add-ins/${addIn.name}/sign-in?origin=${encodeURIComponent(panesOrigin)}`);
  const { url, html } = await browser.sendLoginPage(loginPage, { name, password }, { cancel });
  assert.ok(!/eyJ|[?&]code=/.test(html + url), 'the last page has a token or a code');
  let said;
  new JSDOM(html, {
    url,
    runScripts: 'dangerously',
    beforeParse(window) {
      const messageParent = (message, { targetOrigin }) => {
        said = targetOrigin === panesOrigin ? message : undefined;
      };
      window.Office = { onReady: (ready) => ready(), context: { ui: { messageParent } } };
    },
  });
  assert.ok(said, `the last page says nothing to the pane: ${html}`);
  opened.message(said, { origin: new URL(url).origin });
}

/** A pane of the user's, in an Office in which the user is signed in. */
function paneOf(name, { cancels = false, ...options } = {}) {
  const person = user(name);
  const answer = ({ authChallenge: claims }) =>
    claims ? getTokenInBrowser(manifest, person, addIn.scope, claims) : getTokenSilently(manifest, person, addIn.scope);
  const dialog = (opened) => signInByDialog(opened, person, cancels).catch((error) => opened.end(error.message));
  const host = new Host({ answers: [answer], dialog });
  const { office, officeRuntime } = host;
  const dialogUrl = `${panesOrigin}/sign-in.html`;
  return { host, person, singleSignOn: createSingleSignOn({ baseUrl: gateway, addIn: addIn.name, dialogUrl, office, officeRuntime, ...options }) };
}

/** A page of the gateway's origin, where the path of office-addin-sso is (`/getuserdata`). */
const page = openPage(`${gateway}/taskpane.html`);
/** The client half of office-addin-sso; its jQuery keeps the page at which it is loaded. */
const client = createRequire(import.meta.url)('office-addin-sso');

const CASES = {
  async 'a user is signed in without a page, and the API is called without its token'() {
    const { singleSignOn, person, host } = paneOf('ada');
    const identity = await singleSignOn.fetchIdentity();
    assert.deepEqual([identity.id, identity.oid, identity.tid], [`${person.oid}@${person.tid}`, person.oid, person.tid]);
    const me = await singleSignOn.fetchDownstream('/me');
    const text = await me.text();
    assert.equal(me.status, 200);
    assert.equal(JSON.parse(text).id, person.oid);
    assert.ok(!text.includes('eyJ'));
    const files = await (await singleSignOn.fetchDownstream('/me/drive/root/children?$top=5')).json();
    assert.equal(files.value[0].name, 'ada-budget.xlsx');
    assert.deepEqual([host.asked.length, host.dialogs.length], [3, 0]);
  },
  async 'a path that is not listed is refused, and the pane is told'() {
    const { singleSignOn } = paneOf('ada');
    await assert.rejects(singleSignOn.fetchDownstream('/users'), { kind: 'developer', code: 'PathNotListed' });
  },
  async 'a second factor is asked for by Office, with the claims of the tenant'() {
    const { singleSignOn, person, host } = paneOf('dan');
    const me = await singleSignOn.fetchDownstream('/me');
    assert.deepEqual([me.status, (await me.json()).id], [200, person.oid]);
    assert.equal(host.asked.length, 2);
    assert.ok(JSON.parse(host.asked[1].authChallenge).access_token.capolids.essential);
  },
  async 'a refusal is final, and no dialog opens'() {
    const { singleSignOn, host } = paneOf('eve');
    await assert.rejects(singleSignOn.fetchDownstream('/me'), { kind: 'denied', code: 'AccessDenied' });
    assert.equal(host.dialogs.length, 0);
  },
  async 'a consent that the user cancels in the dialog is not asked for again'() {
    const { singleSignOn, host } = paneOf('cleo', { cancels: true });
    await assert.rejects(singleSignOn.fetchDownstream('/me'), { kind: 'cancelled' });
    assert.deepEqual([host.dialogs.length, host.dialogs[0].isClosed], [1, true]);
  },
  async 'a missing consent is told inline to clients of office-addin-sso'() {
    const answer = await client.makeGraphApiCall(await getTokenSilently(manifest, user('cleo'), addIn.scope));
    assert.equal(answer.error, 'invalid_grant');
    assert.match(answer.error_description, /AADSTS65001/);
    assert.equal(answer.claims, undefined);
  },
  async 'a consent that is given in the dialog makes the call succeed'() {
    const { singleSignOn, person, host } = paneOf('cleo');
    const me = await singleSignOn.fetchDownstream('/me');
    assert.deepEqual([me.status, (await me.json()).id], [200, person.oid]);
    assert.deepEqual([host.asked.length, host.dialogs.length, host.dialogs[0].isClosed], [2, 1, true]);
    assert.equal((await singleSignOn.fetchDownstream('/me')).status, 200);
    assert.equal(host.dialogs.length, 1);
  },
  async 'office-addin-sso reads the data of the user, and the claims of a challenge'() {
    const data = await client.makeGraphApiCall(await getTokenSilently(manifest, user('ben'), addIn.scope));
    assert.equal(data.id, user('ben').oid);
    // The user of the case above has signed in with a second factor, and this token was made without one.
    const silent = await getTokenSilently(manifest, user('dan'), addIn.scope);
    const challenged = await client.makeGraphApiCall(silent);
    const claims = challenged.claims;
    assert.ok(JSON.parse(claims).access_token.capolids.essential);
    const stronger = await getTokenInBrowser(manifest, user('dan'), addIn.scope, claims);
    assert.equal((await client.makeGraphApiCall(stronger)).id, user('dan').oid);
    assert.equal(page.window.document.querySelector('#message-area').textContent, '');
    assert.equal(await client.makeGraphApiCall('no-token'), undefined);
    assert.match(page.window.document.querySelector('#message-area').textContent, /Error from Microsoft Graph/);
  },
  async 'the module reads the inline convention of the same path'() {
    const { singleSignOn, person, host } = paneOf('dan', { errors: 'inline' });
    const data = await (await singleSignOn.call('/getuserdata')).json();
    assert.deepEqual([data.id, host.asked.length], [person.oid, 2]);
  },
  async 'office-addin-sso falls back where the module does'() {
    for (const [code, fallsBack] of [[13000, true], [13001, false], [13002, false], [13003, true], [13006, false], [13012, true], [50001, true]]) {
      assert.equal(client.handleClientSideErrors({ code }), fallsBack, `${code}`);
    }
  },
};

for (const [name, run] of Object.entries(CASES)) {
  try {
    await run();
    print({ case: name });
  } catch (error) {
    print({ case: name, problem: error.stack.slice(0, 600) });
  }
}
print({ cases: Object.keys(CASES).length });
process.exit(0);
