// A user with a real browser (the system's Chromium) and two web apps of a directory. Prints one JSON object a line: each page on the
// way as the user sees it, and at the end the problems that the browser reported.
//
// APPS: two addresses (JSON). SIGN_OUT: the path of the first app's sign-out. SPA (JSON, optional): {url, clientId, discovery} of a page
// on App ID's SDK for browsers, which signs its user in in a popup; with {logout} as well, an address that ends the session, the page
// also signs its user in silently, in a hidden frame: before the popup, after it, after a reload, and after the logout.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { measure } from './looks.mjs';

const { USERNAME, PASSWORD, SIGN_OUT, SCREENSHOTS } = process.env;
const [first, second] = JSON.parse(process.env.APPS);
const spa = process.env.SPA ? JSON.parse(process.env.SPA) : null;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** The width of the narrowest telephones. */
const VIEWPORT = { width: 360, height: 740 };

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: VIEWPORT });
const complaints = [];
context.on('weberror', (problem) => complaints.push(String(problem.error())));
await context.exposeBinding('complain', (_, text) => complaints.push(text));
await context.addInitScript(() => {
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => window.complain(`policy: ${effectiveDirective}`));
});

/** Prints the page as the user sees it. */
async function look(step, page) {
  await page.screenshot({ path: `${SCREENSHOTS}-${step.replaceAll(' ', '-')}.png`, fullPage: true });
  const looks = await measure(page);
  const text = (await page.locator('body').innerText()).replace(/\s+/g, ' ').trim();
  // The page's own policy would not let axe in.
  const copy = await context.newPage();
  await copy.setContent((await page.content()).replace(/<script.*?<\/script>/gs, '').replace(/ nonce="[^"]*"/g, ''));
  await copy.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await copy.evaluate(() => window.axe.run(document, { rules: { 'color-contrast': { enabled: false } } }));
  await copy.close();
  const asks = await page.locator('input[type=password]').count();
  print({ step, text, asks: asks > 0, looks, findings: violations.map(({ id }) => id) });
}

async function signIn(page) {
  await page.fill('input[name=username]', USERNAME);
  await page.fill('input[name=password]', PASSWORD);
  await page.locator('button[type=submit]').click();
}

async function showApps() {
  const tab = await context.newPage();
  await tab.goto(first);
  await look('login', tab);
  await signIn(tab);
  await tab.waitForURL(`${first}**`);
  await look('first app', tab);
  const other = await context.newPage();
  await other.goto(second);
  await look('second app', other);
  await tab.goto(new URL(SIGN_OUT, first).href);
  await look('signed out', tab);
  await tab.goto(first);
  await look('first app again', tab);
}

/** The page on App ID's SDK for browsers. */
async function showSpa() {
  const page = await context.newPage();
  await page.goto(spa.url);
  await page.evaluate(({ clientId, discovery }) => {
    document.querySelector('button').addEventListener('click', async () => {
      try {
        const app = new window.AppID();
        await app.init({ clientId, discoveryEndpoint: discovery });
        const { accessToken, idTokenPayload } = await app.signin();
        const userinfo = await app.getUserInfo(accessToken);
        window.outcome = { email: idTokenPayload.email, aud: idTokenPayload.aud, userinfo: userinfo.email };
      } catch (error) {
        window.outcome = { error: String(error.message ?? error), name: error.name };
      }
    });
  }, spa);
  // The popup, or the outcome of a sign-in that opens none.
  const opened = Promise.race([context.waitForEvent('page'), page.waitForFunction(() => window.outcome).then(() => null)]);
  await page.getByRole('button').click();
  const popup = await opened;
  if (popup) {
    await popup.waitForSelector('input[type=password]');
    await signIn(popup);
  }
  await page.waitForFunction(() => window.outcome);
  print({ step: 'page', ...(await page.evaluate(() => window.outcome)) });
  return page;
}

/** Prints what a silent sign-in of the page comes to. */
async function signInSilently(step, page) {
  const outcome = await page.evaluate(async ({ clientId, discovery }) => {
    const app = new window.AppID();
    await app.init({ clientId, discoveryEndpoint: discovery });
    try {
      const { accessToken, idTokenPayload } = await app.silentSignin();
      return { email: idTokenPayload.email, userinfo: (await app.getUserInfo(accessToken)).email };
    } catch (error) {
      return { error: error.error ?? String(error.message ?? error) };
    }
  }, spa);
  print({ step, ...outcome, frames: page.frames().length - 1 });
}

async function showSilentSpa() {
  const stranger = await context.newPage();
  await stranger.goto(spa.url);
  await signInSilently('before', stranger);
  const page = await showSpa();
  await signInSilently('after', page);
  await page.reload();
  await signInSilently('renewed', page);
  await signInSilently('another tab', stranger);
  await stranger.goto(spa.logout);
  await signInSilently('signed out', page);
}

await (spa?.logout ? showSilentSpa() : spa ? showSpa() : showApps());
print({ step: 'end', complaints });
await browser.close();
