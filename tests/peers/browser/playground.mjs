// A developer with a real browser (the system's Chromium) at the page of the playground. STEPS is a JSON list of steps, each an object with
// one member that names the step. Prints a JSON object for each step that has a result, and at the end what the browser complained about.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';

const { PAGE, STEPS, SCHEME, WIDTH, HEIGHT = 760, SCREENSHOTS } = process.env;
const CODE = /\b\d{6}\b/g;
/** The button of a sign-in card that was not pressed yet. */
const CARD_BUTTON = '#chat .ac-pushButton';
/** Axe's words for what keeps people from using a page. */
const SERIOUS = ['serious', 'critical'];

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: Number(WIDTH), height: Number(HEIGHT) }, colorScheme: SCHEME });
const complaints = [];
/** What Web Chat says when it has held a message back for an activity that did not come. */
const HELD_BACK = 'Timed out while waiting for activity';
context.on('console', (message) => {
  if (message.type() === 'error' || message.text().includes(HELD_BACK)) {
    complaints.push(`${message.text()} ${message.location().url.replace(/[?#].*/, '')}`);
  }
});
context.on('weberror', (problem) => complaints.push(String(problem.error())));
await context.exposeBinding('complain', (_, text) => complaints.push(text));
await context.addInitScript(() => {
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
    window.complain(`policy: ${effectiveDirective} ${blockedURI}`));
});
const sockets = [];
const tabs = [];
let page;

/** The texts of the chat, oldest first. */
async function transcript() {
  const texts = await page.locator('#chat .webchat__bubble__content').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').replace(CODE, '[code]').trim());
}

/** Says a text in the chat. Web Chat ignores the Enter key and keeps the text until it is connected. */
async function say(text) {
  const box = page.locator('#chat [data-testid="send box text area"], #chat .webchat__send-box-text-box__input').first();
  await box.fill(text);
  do {
    await box.press('Enter');
  } while (!(await isTaken(box)));
}

/** Whether Web Chat has taken the text out of the box to send it. */
async function isTaken(box) {
  const taken = page.waitForFunction((element) => element.value === '', await box.elementHandle(), { timeout: 1000 });
  return taken.then(() => true, () => false);
}

/** Follows the card's button to the sign-in pages, and gives the bot the code. */
async function signInByCard({ username, password }) {
  const opening = context.waitForEvent('page');
  await page.locator(CARD_BUTTON).last().click();
  const pages = await opening;
  await pages.selectOption('select[name=username]', username);
  await pages.fill('input[name=password]', password);
  await pages.setChecked('input[name=consent]', true);
  await pages.getByRole('button', { name: 'Sign in' }).click();
  await pages.locator('button[name=decision][value=continue]').click();
  const code = await pages.locator('#code').textContent();
  await pages.close();
  await say(code);
}

const STEP = {
  async open() {
    page = await context.newPage();
    tabs.push(page);
    page.on('websocket', () => sockets.push('opened'));
    await page.goto(PAGE);
    await page.locator('#visitor.signed-in, #chat > p').first().waitFor();
  },
  async tab(number) {
    page = tabs[number];
    await page.bringToFront();
  },
  say,
  async wait(text) {
    await page.locator('#chat').getByText(text, { exact: false }).last().waitFor();
  },
  /** Waits until the chat has a text a number of times. */
  async wait_count([text, count]) {
    await page.locator('#chat .webchat__bubble__content').filter({ hasText: text }).nth(count - 1).waitFor();
  },
  async outcome(text) {
    await page.locator('#outcome').getByText(text, { exact: false }).waitFor();
  },
  /** Waits until the line below the user says something. */
  async story(text) {
    await page.locator('#story').getByText(text, { exact: false }).waitFor();
  },
  async press(name) {
    await page.getByRole('button', { name, exact: true }).click();
  },
  /** Chooses from a list of the page, which is loaded anew. */
  async choose([list, value]) {
    const loaded = page.waitForEvent('load');
    await page.locator(`select[name=${list}]`).selectOption(value);
    await loaded;
    await page.locator('#visitor.signed-in').waitFor();
  },
  async card() {
    await page.locator(CARD_BUTTON).last().waitFor();
  },
  signInByCard,
  async reload() {
    await page.reload();
    await page.locator('#visitor.signed-in').waitFor();
  },
  /** The number of tokens that were exchanged until now, by the stage's own count. */
  async exchanges(url) {
    const { by_grant: counts } = await (await fetch(url)).json();
    print({ step: 'exchanges', count: counts.on_behalf_of ?? 0 });
  },
  /** A call by a program beside the browser. */
  async call({ url, method = 'POST', headers = {} }) {
    const answer = await fetch(url, { method, headers });
    print({ step: 'call', status: answer.status });
  },
  async look() {
    const cards = await page.locator(CARD_BUTTON).count();
    const text = (selector) => page.locator(selector).innerText();
    const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
    print({ step: 'look', visitor: await text('#visitor'), outcome: await text('#outcome'), chat: await transcript(), cards, width });
  },
  async missing() {
    print({ step: 'missing', text: await page.locator('#chat').innerText() });
  },
  async axe() {
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await page.evaluate(() => window.axe.run());
    const serious = violations.filter(({ impact }) => SERIOUS.includes(impact));
    print({ step: 'axe', serious: serious.map(({ id, nodes }) => ({ id, at: nodes.map(({ target }) => target.join(' ')) })) });
  },
  async screenshot(name) {
    await page.screenshot({ path: `${SCREENSHOTS}-${name}.png` });
  },
};

for (const step of JSON.parse(STEPS)) {
  const [[name, argument]] = Object.entries(step);
  try {
    await STEP[name](argument);
  } catch (error) {
    await page?.screenshot({ path: `${SCREENSHOTS}-failed.png` });
    throw new Error(`${JSON.stringify(name)}: ${error.message}; the browser said: ${complaints.join('; ')}`);
  }
}
print({ complaints, sockets: sockets.length });
await browser.close();
