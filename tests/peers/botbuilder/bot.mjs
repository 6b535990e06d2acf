// A Bot Framework bot as the SDK's own samples build it (botbuilder 4.23, nothing of the SDK changed or replaced): CloudAdapter with
// inbound authentication on, one OAuthPrompt, and a step that uses the token. The tests put it behind the gateway.
//
// Standard output carries one JSON object a line and never a token; README.md lists the environment.

import http from 'node:http';
import {
  ActivityHandler,
  CloudAdapter,
  ConfigurationBotFrameworkAuthentication,
  ConversationState,
  MemoryStorage,
  TeamsActivityHandler,
  UserState,
} from 'botbuilder';
import { ComponentDialog, DialogSet, DialogTurnStatus, OAuthPrompt, WaterfallDialog } from 'botbuilder-dialogs';

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_MESSAGE_CHARACTERS = 400;
const TOKEN_SHAPE = /eyJ[\w-]+(\.[\w-]*)*/g;

/** What happened so far, for `GET /state`. */
const seen = { continued: 0, noToken: 0, errors: 0, activities: [], continuations: [] };

function print(event) {
  process.stdout.write(`${JSON.stringify(event).replace(TOKEN_SHAPE, '[token]')}\n`);
}

function reportError(where, problem) {
  seen.errors += 1;
  const message = String(problem?.message ?? problem).slice(0, MAX_MESSAGE_CHARACTERS);
  print({ event: 'error', where, message, status: problem?.statusCode });
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    reportError('settings', `${name} is not set`);
    process.exit(2);
  }
  return value;
}

/** The SDK writes caught exceptions to the console whole, request headers included: they become redacted lines instead. */
console.error = (...parts) => reportError('sdk', parts.find((part) => part instanceof Error) ?? parts[0]);
console.warn = (...parts) => print({ event: 'warning', message: String(parts[0]) });

/** Who the token says the user is, by the same call a bot would make at Microsoft Graph. */
async function readDisplayName(graphUrl, token) {
  const answer = await fetch(graphUrl, { headers: { authorization: `Bearer ${token}` }, redirect: 'error' });
  if (!answer.ok) {
    throw new Error(`the graph answered ${answer.status}`);
  }
  return (await answer.json()).displayName;
}

class MainDialog extends ComponentDialog {
  constructor(connectionName, graphUrl) {
    super('main');
    this.graphUrl = graphUrl;
    this.addDialog(new OAuthPrompt('sign-in', { connectionName, title: 'Sign in', text: 'Please sign in', timeout: 900_000 }));
    this.addDialog(new WaterfallDialog('steps', [(step) => step.beginDialog('sign-in'), (step) => this.useToken(step)]));
    this.initialDialogId = 'steps';
  }

  async useToken(step) {
    const token = step.result?.token;
    const { channelId, conversation, from } = step.context.activity;
    if (!token) {
      seen.noToken += 1;
      print({ event: 'no_token', user: from?.id });
      await step.context.sendActivity('no token');
      return step.endDialog();
    }
    const displayName = await readDisplayName(this.graphUrl, token);
    seen.continued += 1;
    const count = seen.continued;
    const cause = step.context.activity.name ?? step.context.activity.type;
    seen.continuations.push({ count, displayName, cause, channelId, conversation: conversation.id, user: from?.id });
    print({ event: 'continued', count, displayName, cause, conversation: conversation.id, user: from?.id });
    await step.context.sendActivity(`Signed in as ${displayName} (#${count})`);
    return step.endDialog();
  }

  /** Continues the waiting dialog; with none waiting, begins it. This is what the samples' `run` does for every kind of turn. */
  async run(context, accessor) {
    const dialogs = new DialogSet(accessor);
    dialogs.add(this);
    const dialogContext = await dialogs.createContext(context);
    const results = await dialogContext.continueDialog();
    if (results.status === DialogTurnStatus.empty) {
      await dialogContext.beginDialog(this.id);
    }
  }
}

/** The samples' DialogBot over either handler class; `handleTeamsSignin…` is Teams', `onSignInInvoke` the plain one's. */
function dialogBot(Handler) {
  return class DialogBot extends Handler {
    constructor(conversationState, userState, dialog) {
      super();
      this.conversationState = conversationState;
      this.userState = userState;
      this.dialog = dialog;
      this.dialogState = conversationState.createProperty('DialogState');
      this.onMessage(async (context, next) => {
        await this.runDialog(context);
        await next();
      });
      this.onTokenResponseEvent(async (context, next) => {
        await this.runDialog(context);
        await next();
      });
    }

    runDialog(context) {
      return this.dialog.run(context, this.dialogState);
    }

    async run(context) {
      const { type, name } = context.activity;
      seen.activities.push({ type, name });
      print({ event: 'activity', type, name });
      await super.run(context);
      await this.conversationState.saveChanges(context, false);
      await this.userState.saveChanges(context, false);
    }
  };
}

class TeamsDialogBot extends dialogBot(TeamsActivityHandler) {
  handleTeamsSigninVerifyState(context) {
    return this.runDialog(context);
  }

  handleTeamsSigninTokenExchange(context) {
    return this.runDialog(context);
  }
}

class PlainDialogBot extends dialogBot(ActivityHandler) {
  onSignInInvoke(context) {
    return this.runDialog(context);
  }
}

function createBot() {
  const storage = new MemoryStorage();
  const dialog = new MainDialog(required('CONNECTION_NAME'), required('GRAPH_URL'));
  const Bot = process.env.HANDLER === 'plain' ? PlainDialogBot : TeamsDialogBot;
  return new Bot(new ConversationState(storage), new UserState(storage), dialog);
}

function createAdapter() {
  const adapter = new CloudAdapter(new ConfigurationBotFrameworkAuthentication(process.env));
  // As in the samples: tell the user. State is not saved for such a turn, so a dialog that waited still waits.
  adapter.onTurnError = async (context, problem) => {
    reportError('turn', problem);
    await context.sendActivity('The bot encountered an error.');
  };
  return adapter;
}

async function readJson(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new Error('body too large');
    }
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** What restify or express would hand to the adapter: the parsed body, and a response with `status`, `send`, `header`, `end`. */
function asSdkResponse(response) {
  return {
    status: (code) => {
      response.statusCode = code;
    },
    header: (name, value) => response.setHeader(name, value),
    send: (body) => {
      response.setHeader('content-type', typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8');
      response.write(typeof body === 'string' ? body : JSON.stringify(body));
    },
    end: () => response.end(),
  };
}

function answerJson(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function serve(adapter, bot, request, response) {
  const { pathname } = new URL(request.url, 'http://bot');
  if (request.method === 'GET' && pathname === '/state') {
    return answerJson(response, 200, seen);
  }
  if (pathname !== '/api/messages') {
    return answerJson(response, 404, { error: 'not found' });
  }
  if (request.method === 'POST') {
    request.body = await readJson(request);
  }
  return adapter.process(request, asSdkResponse(response), (context) => bot.run(context));
}

const bot = createBot();
const adapter = createAdapter();
const server = http.createServer((request, response) => {
  serve(adapter, bot, request, response).catch((problem) => {
    reportError('http', problem);
    if (!response.headersSent) {
      answerJson(response, 400, { error: 'bad request' });
    }
  });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => print({ event: 'listening', port: server.address().port }));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => process.exit(0));
}
