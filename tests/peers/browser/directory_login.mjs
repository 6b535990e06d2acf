// A user with a real browser (the system's Chromium) signs in at a directory by keyboard alone: a wrong password, then the right one. This program is also
// the app, which redirects the browser once more, to another origin. Prints one JSON object: the pages as the user sees them, where the browser arrived,
// and the problems that the browser reported.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { AUTHORIZATION, APPLICATIONS, ADMINISTRATOR, USERNAME, PASSWORD, LOCALE, SCHEME, SCREENSHOTS } = process.env;
/** The width of a page at four times its size (WCAG 2.2, 1.4.10). */
const VIEWPORT = { width: 320, height: 640 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Starts a server; returns its origin. */
async function serve(answer) {
  const server = createServer(answer);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}

const arrivals = [];
const site = await serve((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1>');
});
const app = await serve((request, response) => {
  arrivals.push(request.url);
  response.writeHead(302, { location: `${site}/` }).end();
});
const registered = await fetch(APPLICATIONS, {
  method: 'POST',
  headers: { authorization: `Bearer ${ADMINISTRATOR}`, 'content-type': 'application/json' },
  body: JSON.stringify({ name: 'Shop', redirectUris: [`${app}/callback`] }),
});
const { clientId } = await registered.json();
const query = { client_id: clientId, response_type: 'code', redirect_uri: `${app}/callback`, state: 's', ui_locales: LOCALE };
const link = `${AUTHORIZATION}?${new URLSearchParams(query)}`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: SCHEME });
const complaints = [];
context.on('weberror', (problem) => complaints.push(String(problem.error())));
context.on('console', (message) => {
  // Chromium also reports the page that is answered 401, and looks for an icon of the service.
  if (message.type() === 'error' && !/ (401|404) /.test(message.text())) {
    complaints.push(message.text());
  }
});

/** The page as the user sees it. */
async function look(page, name) {
  await page.screenshot({ path: `${SCREENSHOTS}-${name}.png`, fullPage: true });
  const looks = await measure(page);
  const seen = await page.evaluate(() => {
    const field = (id) => document.getElementById(id);
    const described = field('password').getAttribute('aria-describedby');
    return {
      title: document.title,
      focused: document.activeElement.id,
      typed: { username: field('username').value, password: field('password').value },
      described: described && document.getElementById(described).textContent,
    };
  });
  // The page's own policy would not let axe in.
  const copy = await context.newPage();
  await copy.setContent((await page.content()).replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  // `measure` looks at contrast: axe takes the ground of a page without a background for white, also in the dark.
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  return { ...seen, looks, findings: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`) };
}

const page = await context.newPage();
await page.goto(link);
const pages = [await look(page, 'first')];
await page.keyboard.type(USERNAME);
await page.keyboard.press('Tab');
await page.keyboard.type('a-wrong-password');
const refused = page.waitForNavigation();
await page.keyboard.press('Enter');
await refused;
pages.push(await look(page, 'refused'));
await page.keyboard.type(PASSWORD);
await page.keyboard.press('Tab');
await page.keyboard.press('Enter');
await page.waitForURL(`${site}/`, { waitUntil: 'load' });
const [arrived] = arrivals;
const tab = await context.newPage();
await tab.goto(link);
const second = arrivals.length === 2 && tab.url() === `${site}/` ? 'silent' : tab.url();
print({ pages, arrived, second, complaints });
await browser.close();
