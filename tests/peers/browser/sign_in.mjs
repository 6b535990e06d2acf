// A user with a real browser (the system's Chromium) opens the link of a card, signs in to the stage, and does what the pages say. Prints one
// JSON object a line: each page as the user sees it, and at the end the problems that the browser reported. The code and the messages to Teams
// go to a file instead.

import { writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';
import { finishInTeams, openFromTeams, interceptOtherHosts } from './teams.mjs';

const { LINK, USERNAME, PASSWORD, DECISION, SCREENSHOTS, CLIENT, SCHEME, OUTCOME } = process.env;
/** The width of the narrowest telephones. */
const VIEWPORT = { width: 360, height: 740 };
/** The time after which the pages stop waiting for Teams. */
const FALLBACK_MS = 5000;
const CODE = /\b\d{6}\b/g;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: SCHEME });
const { origin: ours, hostname } = new URL(LINK);
await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: ours });
const complaints = [];
context.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
context.on('weberror', (problem) => complaints.push(String(problem.error())));
await context.exposeBinding('complain', (_, text) => complaints.push(text));
await context.addInitScript(() => {
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.complain(`policy: ${effectiveDirective}`));
});
const asked = await interceptOtherHosts(context, (url) => url.hostname === hostname, complaints);

let count = 0;

/** Prints the page that the browser shows. */
async function printPage(page) {
  count += 1;
  await page.screenshot({ path: `${SCREENSHOTS}-${count}.png`, fullPage: true });
  const code = page.locator('#code');
  const { origin, pathname } = new URL(page.url());
  print({
    page: count,
    at: `${origin}${pathname}`,
    title: await page.title(),
    text: (await page.locator('body').innerText()).replace(/\s+/g, ' ').replace(CODE, '[code]').trim(),
    codeVisible: await code.isVisible(),
    looks: await measure(page),
    copied: (await page.locator('#copy').isVisible()) ? await copy(page, await code.textContent()) : undefined,
  });
}

/** Presses the button below the code. Returns its new label, and whether the clipboard holds the code. */
async function copy(page, code) {
  const button = page.locator('#copy');
  await page.evaluate(() => navigator.clipboard.writeText('nothing'));
  await button.click();
  await page.waitForFunction(() => document.getElementById('copy').textContent !== 'Copy the code');
  const clipboard = await page.evaluate(() => navigator.clipboard.readText());
  return { says: await button.textContent(), same: clipboard === code };
}

async function signIn(page) {
  const left = page.waitForURL((url) => !url.pathname.endsWith('/authorize'));
  await page.selectOption('select[name=username]', USERNAME);
  await page.fill('input[name=password]', PASSWORD);
  await page.setChecked('input[name=consent]', true);
  await page.getByRole('button', { name: DECISION === 'give up' ? 'Cancel' : 'Sign in' }).click();
  await left;
}

async function open() {
  if (CLIENT !== 'browser') {
    return openFromTeams(context, LINK);
  }
  const page = await context.newPage();
  await page.goto(LINK);
  return { page };
}

const windows = await open();
const { page } = windows;
if ((await page.locator('select[name=username]').count()) > 0) {
  await signIn(page);
}
await printPage(page);
/** Presses the button twice, as in a double click, then reloads, and goes back and forward. */
const REPEATS = DECISION === 'continue over and over';
const decide = page.locator(`button[name=decision][value=${REPEATS ? 'continue' : DECISION.replace(' ', '-')}]`);
if ((await decide.count()) > 0) {
  const question = await page.title();
  await decide.click({ clickCount: REPEATS ? 2 : 1, noWaitAfter: true });
  await page.waitForFunction((before) => document.readyState === 'complete' && document.title !== before, question);
  await page.waitForLoadState('networkidle');
  await printPage(page);
}
if (REPEATS) {
  await page.reload();
  await printPage(page);
  await page.goBack();
  await page.goForward();
  await printPage(page);
}
const shown = page.locator('#code');
const code = (await shown.count()) > 0 ? await shown.textContent() : undefined;
if (CLIENT === 'silent teams') {
  await page.waitForTimeout(FALLBACK_MS);
  await printPage(page);
}
const told = CLIENT === 'teams' ? await finishInTeams(windows) : [];
await writeFile(OUTCOME, JSON.stringify({ code, told }), { mode: 0o600 });
print({ complaints, asked });
await browser.close();
