// A skill on the Microsoft 365 Agents SDK for JavaScript 1.8 (the SDK is unmodified), behind `authorizeJWT`. It greets the user by the name that it
// reads with its own token, and ends the conversation. SIGN_IN chooses how it signs the user in: `authorization` by AgentApplication's authorization
// handler, which stores the waiting sign-in after its card has left; `own` by an ActivityHandler and the SDK's client of the Token Service, with the
// waiting sign-in stored before the card leaves, because an answer to the card may arrive before the turn ends.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { Activity, ActivityTypes } from '@microsoft/agents-activity';
import {
  ActivityHandler,
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

const authentication = loadAuthConfigFromEnv();
const adapter = new CloudAdapter(authentication);
const storage = new MemoryStorage();

async function greet(context, token) {
  await context.sendActivity(await actAsUser(context.activity, token, (name) => `Hello, ${name}. I am the skill.`));
  await context.sendActivity(Activity.fromObject({ type: ActivityTypes.EndOfConversation, code: 'completedSuccessfully' }));
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

/** The answer to a client's or a parent's token for the waiting sign-in. */
async function answerTokenExchange(context) {
  const { from, channelId, value } = context.activity;
  const refuse = (status, failureDetail) => ({ status, body: { id: value?.id, connectionName: connection, failureDetail } });
  if (value?.connectionName !== connection || !(await isWaiting(context))) {
    return refuse(400, 'no sign-in waits for it');
  }
  const client = context.turnState.get(adapter.UserTokenClientKey);
  const { token } = (await client.exchangeTokenAsync(from.id, connection, channelId, { token: value.token })) ?? {};
  if (!token) {
    return refuse(412, 'the exchange was refused');
  }
  await storage.delete([waitingKey(context.activity)]);
  await greet(context, token);
  return { status: 200, body: { id: value.id, connectionName: connection } };
}

class SkillHandler extends ActivityHandler {
  constructor() {
    super();
    this.onMessage(async (context, next) => {
      const text = context.activity.text ?? '';
      await greetOrAsk(context, CODE.test(text) && (await isWaiting(context)) ? text : '');
      await next();
    });
  }

  async onInvokeActivity(context) {
    switch (context.activity.name) {
      case 'signin/tokenExchange':
        return answerTokenExchange(context);
      case 'signin/verifyState':
        await greetOrAsk(context, String(context.activity.value?.state ?? ''));
        return { status: 200 };
      default:
        return super.onInvokeActivity(context);
    }
  }
}

/** An agent with the SDK's authorization handler. */
function createApplication() {
  const options = { azureBotOAuthConnectionName: connection, title: 'Sign in', text: 'The skill asks you to sign in' };
  const app = new AgentApplication({ adapter, storage, authorization: { [HANDLER]: options } });
  app.onActivity(
    ActivityTypes.Message,
    async (context) => {
      const { token } = await app.authorization.getToken(context, HANDLER);
      await greet(context, token);
    },
    [HANDLER],
  );
  return app;
}

adapter.onTurnError = async (context, problem) => {
  reportError('turn', problem);
  await context.sendActivity('The skill encountered an error.');
};
const bot = required('SIGN_IN') === 'own' ? new SkillHandler() : createApplication();
const authorize = authorizeJWT(authentication);
serve((request, response) =>
  authorize(request, response, () => {
    if ((request.user?.azp ?? request.user?.appid) !== parent) {
      return response.status(403).end();
    }
    return adapter
      .process(request, response, (context) => {
        noteActivity(context.activity);
        return bot.run(context);
      })
      .catch((problem) => {
        reportError('process', problem);
        response.status(500).end();
      });
  }),
);
