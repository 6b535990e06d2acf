// Microsoft Teams around a sign-in page, as far as its library (unmodified, of the version that the pages name) can tell: the library comes
// from where the pages look for it, and a window of Teams' origin opens the page, answers what the library asks, and hears what it is told.

import { readFile } from 'node:fs/promises';

const HOME = 'https://teams.microsoft.com/';
const CDN = 'https://res.cdn.office.net/teams-js/';
const PACKAGE = new URL('node_modules/@microsoft/teams-js/', import.meta.url);

/** The client's own window. It keeps the library waiting for its first answer until it is told to `answer()`. */
const WINDOW = `<!doctype html><title>Teams</title><script>
  window.heard = [];
  let answer;
  const asked = new Promise((resolve) => { answer = resolve; });
  window.answer = answer;
  addEventListener('message', async ({ data, origin, source }) => {
    const { id, uuidAsString, func, args } = data;
    heard.push({ func, args, origin });
    if (func === 'initialize') {
      await asked;
      const runtime = JSON.stringify({ apiVersion: 4, isLegacyTeams: false, supports: {} });
      source.postMessage({ id, uuidAsString, args: ['authentication', 'web', runtime, '2.0.1'] }, origin);
    }
  });
</script>`;

/** Whatever the browser asks of other machines: the library, the origins it may speak to, Teams' own window, and nothing else. */
export async function standIn(context, own, complaints) {
  const { version } = JSON.parse(await readFile(new URL('package.json', PACKAGE)));
  const library = await readFile(new URL('dist/umd/MicrosoftTeams.min.js', PACKAGE));
  const answers = {
    [HOME]: { contentType: 'text/html', body: WINDOW },
    [`${HOME}favicon.ico`]: { status: 204 },
    [`${CDN}${version}/js/MicrosoftTeams.min.js`]: { contentType: 'text/javascript', body: library },
    [`${CDN}validDomains/json/validDomains.json`]: {
      headers: { 'access-control-allow-origin': '*' },
      json: { validOrigins: [new URL(HOME).host] },
    },
  };
  const asked = [];
  await context.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    if (own(url)) {
      return route.continue();
    }
    asked.push(url.pathname.split('/').at(-1));
    const answer = answers[url.href];
    if (!answer) {
      complaints.push(`asks ${url.origin}${url.pathname}`);
      return route.abort();
    }
    return route.fulfill(answer);
  });
  return asked;
}

/** Opens the link in a window of its own, as Teams does with a card's button. */
export async function openFromTeams(context, link) {
  const teams = await context.newPage();
  await teams.goto(HOME);
  const opening = context.waitForEvent('page');
  await teams.evaluate((address) => void window.open(address), link);
  const page = await opening;
  await page.waitForLoadState();
  return { teams, page };
}

/** Lets the library begin, and waits until the page has told Teams what came of the sign-in and was closed by the library. */
export async function hear({ teams, page }) {
  const closed = page.waitForEvent('close');
  await teams.evaluate(() => window.answer());
  await teams.waitForFunction(() => window.heard.some(({ func }) => func.startsWith('authentication.')));
  await closed;
  const heard = await teams.evaluate(() => window.heard);
  return heard.filter(({ func }) => func !== 'initialize').map(({ func, args }) => ({ func, args }));
}
