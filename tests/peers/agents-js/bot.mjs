// An agent as the SDK's own samples build it (Microsoft 365 Agents SDK for JavaScript 1.8, the SDK is unmodified):
// CloudAdapter behind `authorizeJWT`, AgentApplication with an authorization handler, and a route that needs it. The tests put it behind
// the gateway with `after_exchange = "forward"`.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { ActivityTypes } from '@microsoft/agents-activity';
import { AgentApplication, CloudAdapter, MemoryStorage, authorizeJWT, loadAuthConfigFromEnv } from '@microsoft/agents-hosting';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

const HANDLER = 'graph';

const authentication = loadAuthConfigFromEnv();
const adapter = new CloudAdapter(authentication);
const app = new AgentApplication({
  adapter,
  storage: new MemoryStorage(),
  authorization: {
    [HANDLER]: { azureBotOAuthConnectionName: required('CONNECTION_NAME'), title: 'Sign in', text: 'Please sign in' },
  },
});

app.onActivity(
  ActivityTypes.Message,
  async (context) => {
    const { token } = await app.authorization.getToken(context, HANDLER);
    await context.sendActivity(await actAsUser(context.activity, token));
  },
  [HANDLER],
);
app.onError(async (context, problem) => {
  reportError('turn', problem);
  await context.sendActivity('The bot encountered an error.');
});

const authorize = authorizeJWT(authentication);
serve((request, response) =>
  authorize(request, response, () =>
    adapter
      .process(request, response, (context) => {
        noteActivity(context.activity);
        return app.run(context);
      })
      .catch((problem) => {
        reportError('process', problem);
        response.status(500).end();
      }),
  ),
);
