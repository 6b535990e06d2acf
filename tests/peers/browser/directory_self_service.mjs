// A person with a real browser (the system's Chromium) signs up at a directory, confirms the address by the link of the message, forgets the password and
// sets another one, by keyboard alone. This program is also the app, and reads the messages in the outbox. Prints one JSON object: the pages as the person
// sees them, where the browser arrived, and the problems that the browser reported.

import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { AUTHORIZATION, APPLICATIONS, ADMINISTRATOR, OUTBOX, EMAIL, PASSWORD, LOCALE, SCHEME, SCREENSHOTS } = process.env;
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
const link = `${AUTHORIZATION}?${new URLSearchParams(query)}`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: SCHEME, locale: LOCALE });
const complaints = [];
context.on('weberror', (problem) => complaints.push(String(problem.error())));
context.on('console', (message) => {
  // Chromium also reports the page that is answered 400 or 401, and looks for an icon of the service.
  if (message.type() === 'error' && !/ (400|401|404) /.test(message.text())) {
    complaints.push(message.text());
  }
});
const page = await context.newPage();
const pages = [];

/** Notes the page as the person sees it. */
async function look(name) {
  await page.screenshot({ path: `${SCREENSHOTS}-${name}.png`, fullPage: true });
  const looks = await measure(page);
  const seen = await page.evaluate(() => ({ title: document.title, language: document.documentElement.lang, focused: document.activeElement.id }));
  // The page's own policy would not let axe in.
  const copy = await context.newPage();
  await copy.setContent((await page.content()).replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  // `measure` looks at contrast: axe takes the ground of a page without a background for white, also in the dark.
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  pages.push({ name, ...seen, looks, findings: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`) });
}

/** Presses Enter, and waits for the page that it leads to. */
async function enter() {
  const loaded = page.waitForNavigation();
  await page.keyboard.press('Enter');
  await loaded;
}

async function follow(id) {
  await page.focus(`#${id}`);
  await enter();
}

/** The text of a message: mail programs decode it. */
function decode(text) {
  const [head, ...rest] = text.replaceAll('\r\n', '\n').split('\n\n');
  const body = rest.join('\n\n');
  if (/transfer-encoding: base64/i.test(head)) return Buffer.from(body, 'base64').toString();
  if (!/transfer-encoding: quoted-printable/i.test(head)) return body;
  const bytes = body.replaceAll('=\n', '').replace(/=([0-9A-F]{2})/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

/** Waits for the link that has this purpose in its path. */
async function findLink(purpose) {
  for (;;) {
    for (const file of await readdir(OUTBOX)) {
      if (!file.endsWith('.eml')) continue;
      const found = decode(await readFile(`${OUTBOX}/${file}`, 'utf8')).match(/https?:\/\/\S+/g) ?? [];
      const wanted = found.find((url) => url.includes(`/link/${purpose}`));
      if (wanted) return wanted;
    }
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

await page.goto(link);
await follow('sign-up');
await look('sign-up');
await page.keyboard.type(EMAIL);
await page.focus('#password');
await page.keyboard.type('short');
await enter();
await look('sign-up-refused');
await page.keyboard.type(PASSWORD);
await enter();
await look('mailbox');
await page.goto(await findLink('confirm'));
await look('confirm');
await page.focus('button');
await enter();
await look('confirmed');
await follow('sign-in');
await follow('forgot-password');
await look('forgot');
await page.keyboard.type(EMAIL);
await enter();
await page.goto(await findLink('reset'));
await look('reset');
await page.keyboard.type(`another-${PASSWORD}`);
await enter();
await look('reset-done');
await page.goBack();
await page.goForward();
await look('reset-again');
await follow('sign-in');
await page.keyboard.type(EMAIL);
await page.keyboard.press('Tab');
await page.keyboard.type(`another-${PASSWORD}`);
await page.keyboard.press('Enter');
await page.waitForURL(`${app}/callback**`, { waitUntil: 'load' });
print({ pages, arrived: arrivals.find((url) => url.startsWith('/callback')), complaints });
await browser.close();
