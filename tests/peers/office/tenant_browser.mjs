// The browser of a user who signs in at the stage's tenant: it keeps cookies, follows redirects, and sends the login page's form.

import { createHash, randomBytes } from 'node:crypto';
import { JSDOM } from 'jsdom';

const MAX_REDIRECTS = 10;
/** The `fetch` of Node; a pane replaces the global one by its own. */
const realFetch = globalThis.fetch;
/** An address of this machine, at which no page is loaded: the browser stops there. */
const REDIRECT_URI = 'http://127.0.0.1:9/redirect';

export class TenantBrowser {
  #cookies = new Map();

  /** Opens an address. Returns the page at which the redirects end, or the address of `stopAt`. */
  async open(url, init = {}, stopAt = undefined) {
    for (let count = 0; count < MAX_REDIRECTS; count += 1) {
      if (stopAt && String(url).startsWith(stopAt)) {
        return { url: String(url) };
      }
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await realFetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, ...(cookie && { cookie }) } });
      for (const line of response.headers.getSetCookie()) {
        const [name, ...value] = line.split(';')[0].split('=');
        this.#cookies.set(name, value.join('='));
      }
      const location = response.headers.get('location');
      if (!location) {
        return { url: String(url), status: response.status, html: await response.text() };
      }
      url = new URL(location, url);
      init = {};
    }
    throw new Error('too many redirects');
  }

  /** Sends the form of the login page at `url`, or presses its button `cancel`. */
  async sendLoginPage({ url, html }, { name, password }, { cancel = false, stopAt } = {}) {
    const { document } = new JSDOM(html).window;
    const form = new URLSearchParams({ ticket: document.querySelector('input[name=ticket]').value });
    const answer = { username: name, password, ...(cancel ? { cancel: 'yes' } : { consent: 'yes' }) };
    Object.entries(answer).forEach(([field, value]) => form.set(field, value));
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(url).origin };
    return this.open(url, { method: 'POST', body: form.toString(), headers }, stopAt);
  }
}

/** The token of a user who signs in on the login page, with a second factor: what Office gets with `authChallenge`. */
export async function getTokenInBrowser({ tenant, clients }, user, scope, claims) {
  const { client_id: clientId } = clients.find(({ name }) => name === 'web-chat');
  const authority = tenant.authority.replace(tenant.id, user.tid);
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope,
    claims,
    state: 'state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const browser = new TenantBrowser();
  const page = await browser.open(`${authority}/oauth2/v2.0/authorize?${query}`);
  const { url } = await browser.sendLoginPage(page, user, { stopAt: REDIRECT_URI });
  const code = new URL(url).searchParams.get('code');
  return requestToken(authority, {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
    scope,
  });
}

/** The token that Office has of a user who is signed in to it. */
export function getTokenSilently({ tenant, clients }, user, scope) {
  const { client_id: clientId } = clients.find(({ name }) => name === 'office');
  const fields = { grant_type: 'password', client_id: clientId, username: user.name, password: user.password, scope };
  return requestToken(tenant.authority.replace(tenant.id, user.tid), fields);
}

async function requestToken(authority, fields) {
  const response = await realFetch(`${authority}/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams(fields) });
  const { access_token: token, error_description: problem } = await response.json();
  if (!token) {
    throw new Error(`the tenant gave no token: ${problem}`);
  }
  return token;
}


