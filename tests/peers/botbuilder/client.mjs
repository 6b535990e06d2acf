// The Token Service client of botbuilder 4.23 (botframework-connector's), unmodified, as its CloudAdapter makes it for a turn: the
// setting `OAuthUrl` points it at bot-sso.

import { ConfigurationBotFrameworkAuthentication } from 'botbuilder';
import { ClaimsIdentity, UserTokenClient } from 'botframework-connector';
import { settings, runSteps } from '../steps.mjs';

const story = settings();
const { connection, appId } = story;
const channel = story.activity.channelId;

const authentication = new ConfigurationBotFrameworkAuthentication(process.env);
const bot = new ClaimsIdentity([
  { type: 'aud', value: appId },
  { type: 'appid', value: appId },
  { type: 'ver', value: '1.0' },
]);
const client = await authentication.createUserTokenClient(bot);

/** The SDK's CloudAdapter no longer makes this call. This code makes it as `getSignInLink` of the BotFrameworkAdapter does. */
async function linkFor(activity) {
  const state = UserTokenClient.createTokenExchangeState(appId, connection, activity);
  return (await client.client.botSignIn.getSignInUrl(state))._response.bodyAsText;
}

await runSteps(
  {
    status: (user) => client.getTokenStatus(user, channel),
    token: (user) => client.getUserToken(user, connection, channel),
    resource: (activity) => client.getSignInResource(connection, activity),
    link: linkFor,
    exchange: (user, token) => client.exchangeToken(user, connection, channel, { token }),
    aadTokens: (user) => client.getAadTokens(user, connection, [story.resource], channel),
    signOut: (user) => client.signOutUser(user, connection, channel),
  },
  story,
);
