// A user with a real browser (the system's Chromium, 320 px wide) on the account page of a directory: signs in there, ends the access of
// an app and the session of another browser, and signs out everywhere. Prints one JSON object a line: each page as the user sees it, and
// at the end the problems that the browser reported.
//
// ACCOUNT: the address of the page.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { ACCOUNT, USERNAME, PASSWORD, SCREENSHOTS } = process.env;
/** The width of a page at four times its size (WCAG 2.2, 1.4.10). */
const VIEWPORT = { width: 320, height: 640 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const complaints = [];

async function open() {
  const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en' });
  context.on('weberror', (problem) => complaints.push(String(problem.error())));
  await context.exposeBinding('complain', (_, text) => complaints.push(text));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.complain(`policy: ${effectiveDirective}`));
  });
  return context;
}

/** Prints the page as the user sees it. */
async function look(step, page) {
  await page.screenshot({ path: `${SCREENSHOTS}-${step.replaceAll(' ', '-')}.png`, fullPage: true });
  const looks = await measure(page);
  const text = (await page.locator('body').innerText()).replace(/\s+/g, ' ').trim();
  const headings = await page.locator('h1').count();
  const names = await page.locator('button, a').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.innerText.trim()));
  // The page's own policy would not let axe in.
  const copy = await page.context().newPage();
  await copy.setContent((await page.content()).replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  print({ step, text, headings, names, looks, path: new URL(page.url()).pathname, findings: violations.map(({ id }) => id) });
}

async function signIn(context) {
  const page = await context.newPage();
  await page.goto(ACCOUNT);
  await page.fill('input[name=username]', USERNAME);
  await page.fill('input[name=password]', PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.waitForURL('**/account?*');
  return page;
}

const other = await open();
await signIn(other);
const page = await signIn(await open());
await look('account', page);
await page.locator('button[name=session]').nth(1).click();
await page.getByRole('status').waitFor();
await look('one session less', page);
// The keyboard alone leads to the end of everything.
await page.getByRole('link', { name: 'Sign out everywhere' }).focus();
await page.keyboard.press('Enter');
await page.getByRole('button', { name: 'Sign out everywhere' }).waitFor();
await look('question', page);
await page.getByRole('button', { name: 'Sign out everywhere' }).focus();
await page.keyboard.press('Enter');
await page.waitForURL('**/account/signed-out?*');
await look('signed out', page);
await page.goto(ACCOUNT);
await page.waitForSelector('input[type=password]');
print({ step: 'end', complaints });
await browser.close();
