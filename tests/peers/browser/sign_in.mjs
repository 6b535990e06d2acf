// A user with a real browser (the system's Chromium) opens the link behind a card's button, signs in to the stage, and does what the pages
// say. Prints one JSON object a line: each page as the user sees it, and at the end what the Teams library was told.

import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';

const { LINK, USERNAME, PASSWORD, CONSENT, DECISION, SCREENSHOTS, TEAMS_LIBRARY, SCHEME } = process.env;

/** What the pages need of the Teams library; without Teams around it, the real one does nothing. */
const TEAMS_STUB = `window.told = [];
window.microsoftTeams = {
  app: { initialize: () => Promise.resolve() },
  authentication: {
    notifySuccess: (value) => window.told.push({ success: value }),
    notifyFailure: (value) => window.told.push({ failure: value }),
  },
};`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: SCHEME || 'light' });
const page = await context.newPage();
const complaints = [];
page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(String(error)));
if (TEAMS_LIBRARY) {
  await context.route(TEAMS_LIBRARY, (route) => route.fulfill({ contentType: 'text/javascript', body: TEAMS_STUB }));
}

let count = 0;

/** Tells of the page that the browser is on. */
async function tell() {
  count += 1;
  if (SCREENSHOTS) {
    await page.screenshot({ path: `${SCREENSHOTS}-${count}.png`, fullPage: true });
  }
  const code = page.locator('#code');
  const shown = (await code.count()) > 0;
  const { origin, pathname } = new URL(page.url());
  print({
    page: count,
    at: `${origin}${pathname}`,
    title: await page.title(),
    text: (await page.locator('body').innerText()).replace(/\s+/g, ' ').trim(),
    code: shown ? await code.textContent() : undefined,
    codeVisible: shown && (await code.isVisible()),
    tooWide: await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
  });
}

await page.goto(LINK);
if ((await page.locator('select[name=username]').count()) > 0) {
  await page.selectOption('select[name=username]', USERNAME);
  await page.fill('input[name=password]', PASSWORD);
  await page.setChecked('input[name=consent]', CONSENT === 'yes');
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith('/authorize')), page.getByRole('button', { name: 'Sign in' }).click()]);
}
await tell();
const decide = page.locator(`button[name=decision][value=${DECISION || 'continue'}]`);
if ((await decide.count()) > 0) {
  await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), decide.click()]);
  await page.waitForLoadState();
  await tell();
}
// The library is told in a task of its own.
await page.waitForTimeout(100);
print({ told: await page.evaluate(() => window.told ?? []), complaints });
await browser.close();
