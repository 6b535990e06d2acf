// The Token Service client of the Microsoft 365 Agents SDK for JavaScript, unmodified, as its CloudAdapter makes it for a turn:
// `TOKEN_SERVICE_ENDPOINT` is the one setting that points it at bot-sso.

import { CloudAdapter, loadAuthConfigFromEnv } from '@microsoft/agents-hosting';
import { settings, runSteps } from '../steps.mjs';

const story = settings();
const { connection, appId } = story;
const channel = story.activity.channelId;

const adapter = new CloudAdapter(loadAuthConfigFromEnv());
const client = await adapter.createUserTokenClient({ aud: appId });

/** The value of `activity.getConversationReference()` inside a turn. */
function referenceOf({ id, from, recipient, conversation, channelId, locale, serviceUrl }) {
  return { activityId: id, user: from, bot: recipient, conversation, channelId, locale, serviceUrl };
}

await runSteps(
  {
    status: (user) => client.getTokenStatus(user, channel),
    token: (user) => client.getUserToken(connection, channel, user),
    resource: (activity) => client.getSignInResource(appId, connection, referenceOf(activity)),
    exchange: (user, token) => client.exchangeTokenAsync(user, connection, channel, { token }),
    aadTokens: (user) => client.getAadTokens(user, connection, channel, { resourceUrls: [story.resource] }),
    signOut: (user) => client.signOut(user, connection, channel),
  },
  story,
);
