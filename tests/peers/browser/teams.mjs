// Simulates Microsoft Teams for its unmodified library, of the version that the pages name: serves the library at its usual address, and opens
// the page from a window of Teams' origin that answers the library's requests and records its messages.

import { readFile } from 'node:fs/promises';

const HOME = 'https://teams.microsoft.com/';
const CDN = 'https://res.cdn.office.net/teams-js/';
const PACKAGE = new URL('node_modules/@microsoft/teams-js/', import.meta.url);

/** The window of Teams. The library waits for its first answer until `answer()` is called. */
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

/** Answers the browser's requests to other hosts: serves the library, the list of allowed origins and Teams' own window, and refuses the rest. */
export async function interceptOtherHosts(context, own, complaints) {
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

/** Opens the link in a window of its own, as Teams does for a card's button. */
export async function openFromTeams(context, link) {
  const teams = await context.newPage();
  await teams.goto(HOME);
  const opening = context.waitForEvent('page');
  await teams.evaluate((address) => void window.open(address), link);
  const page = await opening;
  await page.waitForLoadState();
  return { teams, page };
}

/** Answers the library, and waits until the page has sent Teams its result and the library has closed the page. */
export async function finishInTeams({ teams, page }) {
  const closed = page.waitForEvent('close');
  await teams.evaluate(() => window.answer());
  await teams.waitForFunction(() => window.heard.some(({ func }) => func.startsWith('authentication.')));
  await closed;
  const heard = await teams.evaluate(() => window.heard);
  return heard.filter(({ func }) => func !== 'initialize').map(({ func, args }) => ({ func, args }));
}
