// A person with a real browser (the system's Chromium) signs in to an app of a directory by the button of another identity provider, cancels there once, and
// looks at the page on which the account is linked. This program is also the app. Prints one JSON object: the pages of the directory as the person sees them,
// where the browser arrived, and the problems that the browser reported.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { AUTHORIZATION, APPLICATIONS, ADMINISTRATOR, LINK, BUTTON, LOGIN, LOCALE, SCHEME, SCREENSHOTS } = process.env;
/** The width of a page at four times its size (WCAG 2.2, 1.4.10). */
const VIEWPORT = { width: 320, height: 640 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const arrivals = [];
const server = createServer((request, response) => {
  arrivals.push(request.url);
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1>');
});
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
server.unref();
const app = `http://127.0.0.1:${server.address().port}`;
const registered = await fetch(APPLICATIONS, {
  method: 'POST',
  headers: { authorization: `Bearer ${ADMINISTRATOR}`, 'content-type': 'application/json' },
  body: JSON.stringify({ name: 'Shop', redirectUris: [`${app}/callback`] }),
});
const { clientId } = await registered.json();
const query = { client_id: clientId, response_type: 'code', redirect_uri: `${app}/callback`, state: 's', ui_locales: LOCALE };

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: SCHEME, locale: LOCALE });
const complaints = [];
const issuer = new URL(AUTHORIZATION).origin;
await context.exposeBinding('complain', ({ page }, text) => {
  // The provider's own pages are not ours.
  if (page.url().startsWith(issuer)) complaints.push(text);
});
await context.addInitScript(() => {
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.complain(`policy: ${effectiveDirective}`));
});
const page = await context.newPage();
const pages = [];

/** Notes the page as the person sees it. */
async function look(name) {
  await page.screenshot({ path: `${SCREENSHOTS}-${name}.png`, fullPage: true });
  const looks = await measure(page);
  const seen = await page.evaluate(() => ({ title: document.title, language: document.documentElement.lang }));
  // The page's own policy would not let axe in.
  const copy = await context.newPage();
  await copy.setContent((await page.content()).replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  pages.push({ name, ...seen, looks, findings: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`) });
}

/** Presses Enter on an element, and waits for the page that it leads to. */
async function enter(locator) {
  await locator.focus();
  const loaded = page.waitForNavigation();
  await page.keyboard.press('Enter');
  await loaded;
}

await page.goto(`${AUTHORIZATION}?${new URLSearchParams(query)}`);
await look('sign-in');
await enter(page.getByRole('link', { name: BUTTON }));
await page.waitForSelector('input[type=password]');
await enter(page.locator('a[href*=abort]').first());
await page.waitForURL(`${issuer}/**`);
await look('cancelled');
await enter(page.getByRole('link', { name: BUTTON }));
await page.fill('input[name=login]', LOGIN);
await page.fill('input[name=password]', 'any');
await page.keyboard.press('Enter');
const consent = page.locator('form button[type=submit]');
await Promise.race([page.waitForURL(`${app}/callback**`), page.waitForURL('**/interaction/*').then(() => consent.click())]);
await page.waitForURL(`${app}/callback**`, { waitUntil: 'load' });
await page.goto(LINK);
await look('linked');
await enter(page.locator('form button'));
await look('kept');
print({ pages, arrived: arrivals.find((url) => url.startsWith('/callback')), complaints });
await browser.close();
