// The Token Service client of the Teams SDK for JavaScript, unmodified, as its App makes it: `OAUTH_URL` is the one setting that
// points it at bot-sso. A client id without a secret means a managed identity. With `AGENT_TOKEN` the App gets the token of an agent's user from its
// option `token`: this version of the SDK does not ask for one itself.

import { App } from '@microsoft/teams.apps';
import { settings, runSteps } from '../steps.mjs';

const story = settings();
const { connection: connectionName, appId } = story;
const { channelId } = story.activity;

const silent = () => undefined;
const logger = { error: silent, warn: silent, info: silent, debug: silent, log: silent, child: () => logger };
const { AGENT_TOKEN, CLIENT_ID: clientId, TENANT_ID: tenantId } = process.env;
const { api } = new App({ logger, ...(AGENT_TOKEN && { clientId, tenantId, token: async () => AGENT_TOKEN }) });

/** Encodes the state as `signin()` of the SDK's context does. */
function stateOf({ id, from, recipient, conversation, channelId: channel, locale, serviceUrl }) {
  const reference = { activityId: id, user: from, bot: recipient, conversation, channelId: channel, locale, serviceUrl };
  return Buffer.from(JSON.stringify({ connectionName, conversation: reference, msAppId: appId })).toString('base64');
}

await runSteps(
  {
    status: (userId) => api.users.token.getStatus({ userId, channelId, includeFilter: '' }),
    token: (userId) => api.users.token.get({ userId, connectionName, channelId }),
    resource: (activity) => api.bots.signIn.getResource({ state: stateOf(activity) }),
    link: (activity) => api.bots.signIn.getUrl({ state: stateOf(activity) }),
    exchange: (userId, token) => api.users.token.exchange({ userId, connectionName, channelId, exchangeRequest: { token } }),
    aadTokens: (userId) => api.users.token.getAad({ userId, connectionName, channelId, resourceUrls: [story.resource] }),
    signOut: (userId) => api.users.token.signOut({ userId, connectionName, channelId }),
  },
  story,
);
