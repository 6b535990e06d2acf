// A bot as the Teams AI library's own samples build it (Teams AI library for JavaScript 1.7, the library is unmodified): an
// Application that signs in automatically, with a card action, a query and a link that act as the user. The bot itself
// exchanges nothing. The library does, where it gets a token. The tests put the bot behind the gateway.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { Application, TeamsAdapter } from '@microsoft/teams-ai';
import { ActivityTypes, CardFactory, MemoryStorage } from 'botbuilder';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

// The library writes what it caught to the console.
console.log = (...parts) => reportError('library', parts[0]);

const adapter = new TeamsAdapter(process.env);
adapter.onTurnError = async (_context, problem) => reportError('turn', problem);

const connectionName = required('CONNECTION_NAME');
const app = new Application({
  adapter,
  storage: new MemoryStorage(),
  authentication: {
    settings: {
      main: {
        connectionName,
        title: 'Sign in',
        text: 'Please sign in',
        enableSso: true,
        tokenExchangeUri: required('TOKEN_EXCHANGE_URI'),
        endOnInvalidMessage: true,
      },
    },
    autoSignIn: true,
  },
});

const speak = (context, state) => actAsUser(context.activity, state.temp.authTokens?.main);

async function findItems(context, state) {
  const attachment = CardFactory.thumbnailCard(await speak(context, state));
  return { type: 'result', attachmentLayout: 'list', attachments: [attachment] };
}

app.authentication.get('main').onUserSignInSuccess(async (context, state) => {
  await context.sendActivity(await speak(context, state));
});
app.adaptiveCards.actionExecute('show', speak);
app.messageExtensions.query('search', findItems);
app.messageExtensions.queryLink(findItems);
app.activity(ActivityTypes.Message, async (context, state) => {
  await context.sendActivity(await speak(context, state));
});

serve((request, response) => {
  noteActivity(request.body, request.digest);
  return adapter.process(request, response, (context) => app.run(context));
});
