// A user with a real browser (the system's Chromium) signs in in an add-in's dialog or in the popup of an app's front end. Prints one JSON object:
// the last page as the user sees it, what the pane or the front end was told, and the problems that the browser reported.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { OPENER, LINK, FRONT, USERNAME, PASSWORD, DECISION, SCHEME, SCREENSHOTS } = process.env;
/** The width of the narrowest telephones. */
const VIEWPORT = { width: 360, height: 740 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const OFFICE = 'https://appsforoffice.microsoft.com';
/** Stands in for the Office library outside of Office: it loads a part of itself, as the library does, and notes what its parent is told. */
const LIBRARY = `
  window.told = [];
  const part = document.createElement('script');
  part.src = '${OFFICE}/lib/1/hosted/part-of-office.js';
  const ready = new Promise((resolve) => { part.onload = resolve; });
  document.head.append(part);
  window.Office = {
    onReady: (callback) => ready.then(callback),
    context: { ui: { messageParent: (message, { targetOrigin }) => window.told.push({ message, targetOrigin }) } },
  };`;
/** The page of a front end, which opens a window for the sign-in. */
const FRONT_END = `<!doctype html><title>Front end</title><link rel="icon" href="data:,"><button>Sign in</button><script>
  window.told = [];
  addEventListener('message', ({ data: { type, access_token, is_new_user }, origin }) => {
    told.push({ type, origin, is_new_user, tokenLength: access_token.length });
  });
  document.querySelector('button').addEventListener('click', () => { open(${JSON.stringify(LINK)}, '_blank', 'popup'); });
</script>`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: SCHEME });
const { hostname } = new URL(LINK);
const complaints = [];
const loaded = [];
context.on('weberror', (problem) => complaints.push(String(problem.error())));
await context.exposeBinding('complain', (_, text) => complaints.push(text));
await context.addInitScript(() => {
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.complain(`policy: ${effectiveDirective}`));
});
await context.route('**/*', (route) => {
  const url = new URL(route.request().url());
  if (url.origin === FRONT) {
    return route.fulfill({ contentType: 'text/html', body: FRONT_END });
  }
  if (url.origin === OFFICE && OPENER !== 'page') {
    loaded.push(url.pathname.split('/').at(-1));
    return route.fulfill({ contentType: 'text/javascript', body: url.pathname.endsWith('/office.js') ? LIBRARY : '' });
  }
  if (url.hostname === hostname) {
    return route.continue();
  }
  if (url.origin !== OFFICE) {
    complaints.push(`asks ${url.origin}${url.pathname}`);
  }
  return route.abort();
});

async function signIn(page) {
  await page.selectOption('select[name=username]', USERNAME);
  await page.fill('input[name=password]', PASSWORD);
  await page.setChecked('input[name=consent]', true);
  await page.getByRole('button', { name: DECISION === 'give up' ? 'Cancel' : 'Sign in' }).click();
}

/** The last page as the user sees it. */
async function look(page) {
  await page.screenshot({ path: `${SCREENSHOTS}.png`, fullPage: true });
  const looks = await measure(page);
  const [title, text] = [await page.title(), (await page.locator('body').innerText()).replace(/\s+/g, ' ').trim()];
  // The page's own policy would not let axe in.
  const copy = await context.newPage();
  await copy.setContent((await page.content()).replace(/<script.*?<\/script>/gs, '').replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  // `measure` looks at contrast: axe takes the ground of a page without a background for white, also in the dark.
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  return { title, text, looks, findings: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`) };
}

/** A dialog, or a page without Office: the last page stays open. */
async function visit() {
  const page = await context.newPage();
  await page.goto(LINK);
  const left = page.waitForURL((url) => /\/sign-in\/|\/auth\/sso\/callback$/.test(url.pathname), { waitUntil: 'load' });
  await signIn(page);
  await left;
  if (OPENER === 'dialog') {
    await page.waitForFunction(() => window.told?.length > 0);
  }
  const told = await page.evaluate(() => window.told ?? []);
  return { ...(await look(page)), told };
}

/** The popup of a front end, which closes by itself before it can be looked at. */
async function visitByPopup() {
  const front = await context.newPage();
  await front.goto(`${FRONT}/`);
  const opened = context.waitForEvent('page');
  await front.getByRole('button', { name: 'Sign in' }).click();
  const popup = await opened;
  await popup.waitForLoadState();
  const closed = popup.waitForEvent('close');
  await signIn(popup);
  await closed;
  await front.waitForFunction(() => window.told.length > 0);
  const told = await front.evaluate(() => window.told);
  return { told, isClosed: popup.isClosed(), looks: { width: 0, poorest: { contrast: 21 } }, findings: [] };
}

const seen = OPENER === 'popup' ? await visitByPopup() : await visit();
print({ ...seen, loaded, complaints });
await browser.close();
