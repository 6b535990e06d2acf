// A skill as the Bot Framework SDK's own samples build it (sample 82; botbuilder 4.23, the SDK is unmodified): it signs its user in with an
// OAuthPrompt of its own connection, greets the user by the name that it reads with its own token, and ends the conversation. Like the sample, it saves
// its state before it sends, because an answer to its card arrives before its turn ends.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { CloudAdapter, ConfigurationBotFrameworkAuthentication, ConversationState, MemoryStorage } from 'botbuilder';
import { ComponentDialog, OAuthPrompt, WaterfallDialog, runDialog } from 'botbuilder-dialogs';
import { AuthenticationConfiguration, allowedCallersClaimsValidator } from 'botframework-connector';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

class GreetingDialog extends ComponentDialog {
  constructor(connectionName) {
    super('greeting');
    this.addDialog(new OAuthPrompt('sign-in', { connectionName, title: 'Sign in', text: 'The skill asks you to sign in', timeout: 900_000 }));
    this.addDialog(new WaterfallDialog('steps', [(step) => step.beginDialog('sign-in'), (step) => this.greet(step)]));
    this.initialDialogId = 'steps';
  }

  async greet(step) {
    const text = await actAsUser(step.context.activity, step.result?.token, (name) => `Hello, ${name}. I am the skill.`);
    await step.context.sendActivity(text);
    return step.endDialog();
  }
}

const callers = allowedCallersClaimsValidator([required('PARENT_APP_ID')]);
const authentication = new ConfigurationBotFrameworkAuthentication(
  process.env,
  undefined,
  new AuthenticationConfiguration([], callers, [required('TENANT_ISSUER')]),
);
const conversationState = new ConversationState(new MemoryStorage());
const dialogState = conversationState.createProperty('DialogState');
const dialog = new GreetingDialog(required('CONNECTION_NAME'));

const adapter = new CloudAdapter(authentication);
adapter.onTurnError = async (context, problem) => {
  reportError('turn', problem);
  await context.sendActivity('The skill encountered an error.');
};
adapter.use(async (context, next) => {
  context.onSendActivities(async (_, activities, send) => {
    await conversationState.saveChanges(context, false);
    return send();
  });
  await next();
});

serve((request, response) =>
  adapter.process(request, response, async (context) => {
    noteActivity(context.activity);
    await runDialog(dialog, context, dialogState);
    await conversationState.saveChanges(context, false);
  }),
);
