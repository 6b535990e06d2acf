// A developer with a real browser looks at the panel of the playground, while a user chats over Direct Line. Prints one JSON object a line:
// what the panel shows after each step, and at the end the problems that the browser reported.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { print } from '../steps.mjs';
import { DirectLineChat } from './direct_line_chat.mjs';
import { measure } from './looks.mjs';

const { STAGE, MANIFEST, SCENARIO, SCREENSHOTS } = process.env;
const manifest = JSON.parse(MANIFEST);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Findings of axe that are no reason to fail. */
const HARMLESS = ['minor', 'moderate'];

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const complaints = [];

/** Opens the playground; the chat beside the panel is not used. */
async function open({ width = 1280, scheme = 'light', reducedMotion = 'no-preference' } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion });
  context.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  context.on('weberror', (problem) => complaints.push(String(problem.error())));
  const page = await context.newPage();
  await page.goto(`${STAGE}/`);
  await page.getByRole('heading', { name: 'What happens' }).waitFor();
  await page.locator('.panel-buttons button').first().waitFor();
  return page;
}

/** The arrows of the request `id`, as a developer reads them. */
async function arrowsOf(page, id) {
  return page.locator(`.panel-group[data-correlation-id="${id}"] .panel-arrow`).evaluateAll((arrows) =>
    arrows.map((arrow) => ({
      kind: arrow.dataset.kind,
      status: arrow.dataset.status,
      reason: arrow.dataset.reason,
      text: arrow.innerText.replace(/\s+/g, ' ').trim(),
      spoken: arrow.textContent.replace(/\s+/g, ' ').trim(),
    })),
  );
}

/** Waits until the gateway has answered `count` exchanges on the panel, and returns the id of the last one's request. */
async function exchangeShown(page, count = 1) {
  const answered = page.locator('.panel-group', { hasText: 'signin/tokenExchange' }).filter({ has: page.locator('[data-kind=activity_answered]') });
  await answered.nth(count - 1).waitFor();
  return answered.nth(count - 1).getAttribute('data-correlation-id');
}

/** What the switch board says is on, and what follows. */
async function switchesOf(page) {
  const pressed = page.locator('.panel-buttons button[aria-pressed=true]');
  return { pressed: await pressed.allInnerTexts(), follows: (await page.locator('.panel-follows').innerText()).trim() };
}

async function press(page, name) {
  const answered = page.waitForResponse((response) => response.url().endsWith('/playground/switches') && response.request().method() === 'POST');
  await page.getByRole('button', { name, exact: true }).click();
  await answered;
  await page.locator('.panel-follows').waitFor();
}

/** The findings of axe that are serious. */
async function axeFindings(page) {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations.filter(({ impact }) => !HARMLESS.includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Whether the latest arrow is in sight: after a reload, when the switches have arrived; not once the reader has scrolled up; and again at the end. */
async function latestArrow(page, chat) {
  const scroller = page.locator('.panel-scroller');
  const arrows = page.locator('.panel-arrow');
  const isAtEnd = () => scroller.evaluate(({ scrollTop, clientHeight, scrollHeight }) => scrollTop + clientHeight >= scrollHeight - 2);
  const scroll = async (lines) => {
    const scrolled = scroller.evaluate((element) => new Promise((resolve) => element.addEventListener('scrollend', resolve, { once: true })));
    await scroller.hover();
    await page.mouse.wheel(0, lines);
    await scrolled;
  };
  /** Lets the bot be told something, which draws four arrows more. */
  const drawMore = async () => {
    const drawn = await arrows.count();
    await chat.say('hello');
    await arrows.nth(drawn + 3).waitFor({ state: 'attached' });
  };
  const drawn = await arrows.count();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route('**/playground/switches', (route) => held.then(() => route.continue()), { times: 1 });
  await page.reload();
  await arrows.nth(drawn - 1).waitFor({ state: 'attached' });
  release();
  await page.locator('.panel-buttons button').first().waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  const loaded = await isAtEnd();
  await scroll(-200);
  await drawMore();
  const away = await isAtEnd();
  await scroll(5000);
  await drawMore();
  return { latestArrow: { loaded, away, back: await isAtEnd() } };
}

async function picture(page, name) {
  await page.screenshot({ path: `${SCREENSHOTS}-${name}.png`, fullPage: true });
}

const scenarios = {
  /** A user signs in silently, in two windows; the developer looks into the details. */
  async success() {
    const page = await open();
    const chat = await DirectLineChat.start(manifest, 'ada');
    const { status, sendAgain } = await chat.signIn();
    const id = await exchangeShown(page);
    await page.locator(`[data-correlation-id="${id}"] [data-kind=bot_answered]`).waitFor();
    print({ status, arrows: await arrowsOf(page, id), outcome: await page.locator('.panel-outcome').innerText() });
    await sendAgain();
    print({ duplicate: await arrowsOf(page, await exchangeShown(page, 2)) });
    const arrow = page.locator(`[data-correlation-id="${id}"] [data-kind=activity_answered]`);
    await arrow.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show the token’s claims' }).click();
    const claims = JSON.parse(await page.locator('.panel-claims pre').innerText());
    const time = await page.locator('.panel-details:not([hidden]) dd').first().innerText();
    print({ expanded: await arrow.getAttribute('aria-expanded'), time, claims });
    await picture(page, 'details');
    print(await latestArrow(page, chat));
  },

  /** A user's consent is missing. */
  async refusal() {
    const page = await open();
    await press(page, 'No consent');
    const chat = await DirectLineChat.start(manifest, 'ada');
    const { status } = await chat.signIn();
    const id = await exchangeShown(page);
    await page.locator(`[data-correlation-id="${id}"] [data-kind=activity_answered]`).click();
    const details = page.locator('.panel-details:not([hidden])');
    const link = details.getByRole('link');
    const guide = await fetch(new URL(await link.getAttribute('href'), STAGE));
    const shown = { hint: await details.locator('.panel-hint').innerText(), link: await link.innerText(), guide: guide.status };
    print({ status, arrows: await arrowsOf(page, id), ...shown, guideHas: (await guide.text()).includes('## What the identity provider says') });
    await picture(page, 'details');
  },

  /** The panel in both colour schemes and on a telephone: readable, and axe finds nothing serious. */
  async looks() {
    const chat = await DirectLineChat.start(manifest, 'ada');
    await chat.signIn();
    for (const look of [{ scheme: 'light' }, { scheme: 'dark' }, { scheme: 'light', width: 360 }, { scheme: 'dark', width: 360, reducedMotion: 'reduce' }]) {
      const page = await open(look);
      const id = await exchangeShown(page);
      await page.locator(`[data-correlation-id="${id}"] [data-kind=activity_answered]`).click();
      const group = page.locator(`[data-correlation-id="${id}"]`);
      await group.evaluate((element) => Promise.allSettled(element.getAnimations().map(({ finished }) => finished)));
      const { width, poorest } = await measure(page);
      const animation = await group.evaluate((element) => getComputedStyle(element).animationName);
      print({ ...look, width: { window: look.width ?? 1280, page: width }, poorest, animation, axe: await axeFindings(page) });
      await picture(page, `${look.scheme}-${look.width ?? 'wide'}`);
      await page.context().close();
    }
  },

  /** Each switch, what the panel then shows, and all as it was. */
  async switches() {
    const page = await open();
    const tries = [
      { switched: 'Issuer down', user: 'ada' },
      { switched: '429', user: 'ben' },
      { switched: 'Expired token', user: 'gus' },
      { switched: 'Wrong audience', user: 'gus' },
      { switched: 'No consent', user: 'ada' },
      { switched: 'Needs MFA', user: 'ada' },
      { switched: 'Disabled', user: 'ada' },
      { switched: 'Guest', user: 'ada' },
      { switched: 'Signs in', user: 'ada' },
    ];
    for (const [index, { switched, user }] of tries.entries()) {
      await press(page, switched);
      const on = await switchesOf(page);
      const chat = await DirectLineChat.start(manifest, user);
      const { status } = await chat.signIn();
      const id = await exchangeShown(page, index + 1);
      await page.locator(`[data-correlation-id="${id}"] [data-kind=activity_answered]`).click();
      const group = page.locator(`[data-correlation-id="${id}"]`);
      await group.getByRole('button', { name: 'Show the token’s claims' }).click();
      const claims = JSON.parse(await group.locator('.panel-claims pre').innerText());
      print({ switched, ...on, status, arrows: await arrowsOf(page, id), claims });
      if (index === 0) {
        await picture(page, 'on');
      }
      const reset = page.getByRole('button', { name: 'All as it was' });
      if (await reset.isEnabled()) {
        await press(page, 'All as it was');
      }
      print({ after: switched, ...(await switchesOf(page)), isOff: await reset.isDisabled() });
    }
  },

  /** A user of the assistant asks for two skills: the card of the first one is answered, the other one lacks consent. */
  async skills() {
    const page = await open();
    const lanes = () => page.locator('.panel-lanes span:visible').allInnerTexts();
    const before = await lanes();
    const chat = await DirectLineChat.start(manifest, 'ada', 'assistant');
    await chat.signIn();
    for (const [index, skill] of ['weather', 'calendar'].entries()) {
      await chat.say(skill);
      const group = page.locator('.panel-group', { has: page.locator('[data-kind=skill_card]') }).nth(index);
      await group.locator('[data-kind=operation_answered]').waitFor();
      const id = await group.getAttribute('data-correlation-id');
      print({ skill, before, lanes: await lanes(), title: await group.locator('.panel-about').innerText(), arrows: await arrowsOf(page, id) });
    }
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
    const { width, poorest } = await measure(page);
    print({ width, poorest, axe: await axeFindings(page) });
    await picture(page, 'wide');
  },

  /** The bot is slow, until all is as it was. */
  async slow_bot() {
    const page = await open();
    const chat = await DirectLineChat.start(manifest, 'ada');
    await press(page, 'Bot slow');
    const said = chat.say('hello');
    const group = page.locator('.panel-group', { hasText: 'message' }).filter({ has: page.locator('[data-kind=bot_asked]') });
    await group.first().waitFor();
    const id = await group.first().getAttribute('data-correlation-id');
    print({ waiting: await arrowsOf(page, id), ...(await switchesOf(page)) });
    await press(page, 'All as it was');
    await page.locator(`[data-correlation-id="${id}"] [data-kind=activity_answered]`).waitFor();
    print({ status: await said, arrows: await arrowsOf(page, id) });
  },
};

await scenarios[SCENARIO]();
print({ complaints });
await browser.close();
