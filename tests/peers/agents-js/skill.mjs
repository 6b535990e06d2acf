// A skill on the Microsoft 365 Agents SDK for JavaScript 1.8 (the SDK is unmodified): AgentApplication behind `authorizeJWT`. It greets the
// user by the name that it reads with its own token, and ends the conversation. SIGN_IN chooses how it signs the user in: `authorization` by the
// SDK's authorization handler, which stores the waiting sign-in after its card has left; `own` by the SDK's client of the Token Service, with the waiting
// message stored before the card leaves, because an answer to the card may arrive before the turn ends.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { Activity, ActivityTypes } from '@microsoft/agents-activity';
import {
  AgentApplication,
  CardFactory,
  CloudAdapter,
  MemoryStorage,
  MessageFactory,
  authorizeJWT,
  loadAuthConfigFromEnv,
} from '@microsoft/agents-hosting';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

const HANDLER = 'graph';
const CODE = /^\d{6}$/;
const connection = required('CONNECTION_NAME');
const parent = required('PARENT_APP_ID');
const signsInItself = required('SIGN_IN') === 'own';

const authentication = loadAuthConfigFromEnv();
const adapter = new CloudAdapter(authentication);
const storage = new MemoryStorage();
const authorization = { [HANDLER]: { azureBotOAuthConnectionName: connection, title: 'Sign in', text: 'The skill asks you to sign in' } };
const app = new AgentApplication({ adapter, storage, ...(signsInItself ? {} : { authorization }) });

async function greet(context, token) {
  await context.sendActivity(await actAsUser(context.activity, token, (name) => `Hello, ${name}. I am the skill.`));
  await context.sendActivity(Activity.fromObject({ type: ActivityTypes.EndOfConversation, code: 'completedSuccessfully' }));
}

function answerInvoke(context, status, body) {
  return context.sendActivity(Activity.fromObject({ type: ActivityTypes.InvokeResponse, value: { status, body } }));
}

/** The sign-in that a conversation waits for. */
function waitingKey({ conversation }) {
  return `waiting/${conversation.id}`;
}

async function isWaiting({ activity }) {
  return Object.keys(await storage.read([waitingKey(activity)])).length > 0;
}

/** Greets a user who is signed in, and sends a card to any other. */
async function greetOrAsk(context, code = '') {
  const { activity } = context;
  const client = context.turnState.get(adapter.UserTokenClientKey);
  const { tokenResponse, signInResource } = await client.getTokenOrSignInResource(
    activity.from.id,
    connection,
    activity.channelId,
    activity.getConversationReference(),
    activity.relatesTo,
    code,
  );
  if (tokenResponse?.token) {
    await storage.delete([waitingKey(activity)]);
    return greet(context, tokenResponse.token);
  }
  await storage.write({ [waitingKey(activity)]: { since: activity.id } });
  const card = CardFactory.oauthCard(connection, 'Sign in', 'The skill asks you to sign in', signInResource);
  return context.sendActivity(MessageFactory.attachment(card));
}

async function answerTokenExchange(context) {
  const { from, channelId, value } = context.activity;
  if (value?.connectionName !== connection || !(await isWaiting(context))) {
    return answerInvoke(context, 400, { id: value?.id, connectionName: connection, failureDetail: 'no sign-in waits for it' });
  }
  const client = context.turnState.get(adapter.UserTokenClientKey);
  const { token } = (await client.exchangeTokenAsync(from.id, connection, channelId, { token: value.token })) ?? {};
  if (!token) {
    return answerInvoke(context, 412, { id: value.id, connectionName: connection, failureDetail: 'the exchange was refused' });
  }
  await storage.delete([waitingKey(context.activity)]);
  await answerInvoke(context, 200, { id: value.id, connectionName: connection });
  return greet(context, token);
}

async function answerVerifyState(context) {
  await answerInvoke(context, 200);
  return greetOrAsk(context, String(context.activity.value?.state ?? ''));
}

function isInvoke(name) {
  return ({ activity }) => Promise.resolve(activity.type === ActivityTypes.Invoke && activity.name === name);
}

if (signsInItself) {
  app.onActivity(ActivityTypes.Message, async (context) => {
    const text = context.activity.text ?? '';
    return greetOrAsk(context, CODE.test(text) && (await isWaiting(context)) ? text : '');
  });
  app.addRoute(isInvoke('signin/tokenExchange'), answerTokenExchange, true);
  app.addRoute(isInvoke('signin/verifyState'), answerVerifyState, true);
} else {
  app.onActivity(
    ActivityTypes.Message,
    async (context) => {
      const { token } = await app.authorization.getToken(context, HANDLER);
      await greet(context, token);
    },
    [HANDLER],
  );
}
app.onError(async (context, problem) => {
  reportError('turn', problem);
  await context.sendActivity('The skill encountered an error.');
});

const authorize = authorizeJWT(authentication);
serve((request, response) =>
  authorize(request, response, () => {
    if ((request.user?.azp ?? request.user?.appid) !== parent) {
      return response.status(403).end();
    }
    return adapter
      .process(request, response, (context) => {
        noteActivity(context.activity);
        return app.run(context);
      })
      .catch((problem) => {
        reportError('process', problem);
        response.status(500).end();
      });
  }),
);
