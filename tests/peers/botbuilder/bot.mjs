// A Bot Framework bot as the SDK's own samples build it (botbuilder 4.23, the SDK is unmodified): CloudAdapter with
// inbound authentication on, one OAuthPrompt, and a step that uses the token. The tests put it behind the gateway.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

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
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

class MainDialog extends ComponentDialog {
  constructor(connectionName) {
    super('main');
    // Without this, the prompt outside Teams lets the channel build the sign-in link, which leads to the hosted service.
    const link = { showSignInLink: true };
    this.addDialog(new OAuthPrompt('sign-in', { connectionName, title: 'Sign in', text: 'Please sign in', timeout: 900_000, ...link }));
    this.addDialog(new WaterfallDialog('steps', [(step) => step.beginDialog('sign-in'), (step) => this.useToken(step)]));
    this.initialDialogId = 'steps';
  }

  async useToken(step) {
    await step.context.sendActivity(await actAsUser(step.context.activity, step.result?.token));
    return step.endDialog();
  }

  /** Continues the waiting dialog, or begins it if none waits, as the samples' `run` does for every kind of turn. */
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

/** The samples' DialogBot on either handler class. `handleTeamsSignin…` belongs to the Teams class, `onSignInInvoke` to the plain one. */
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
      noteActivity(context.activity);
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
  const dialog = new MainDialog(required('CONNECTION_NAME'));
  const Bot = process.env.HANDLER === 'plain' ? PlainDialogBot : TeamsDialogBot;
  return new Bot(new ConversationState(storage), new UserState(storage), dialog);
}

function createAdapter() {
  const adapter = new CloudAdapter(new ConfigurationBotFrameworkAuthentication(process.env));
  // Tells the user, as the samples do. The bot saves no state for such a turn, so a waiting dialog keeps waiting.
  adapter.onTurnError = async (context, problem) => {
    reportError('turn', problem);
    await context.sendActivity('The bot encountered an error.');
  };
  return adapter;
}

const bot = createBot();
const adapter = createAdapter();
serve((request, response) => adapter.process(request, response, (context) => bot.run(context)));
