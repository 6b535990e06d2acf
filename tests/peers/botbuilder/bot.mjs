// A Bot Framework bot as the SDK's own samples build it (botbuilder 4.23, nothing of the SDK changed or replaced): CloudAdapter with
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
    // Outside Teams the prompt leaves its button to the channel otherwise, which would lead to another service than its own.
    const link = { showSignInLink: true };
    this.addDialog(new OAuthPrompt('sign-in', { connectionName, title: 'Sign in', text: 'Please sign in', timeout: 900_000, ...link }));
    this.addDialog(new WaterfallDialog('steps', [(step) => step.beginDialog('sign-in'), (step) => this.useToken(step)]));
    this.initialDialogId = 'steps';
  }

  async useToken(step) {
    await step.context.sendActivity(await actAsUser(step.context.activity, step.result?.token));
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
  // As in the samples: tell the user. State is not saved for such a turn, so a dialog that waited still waits.
  adapter.onTurnError = async (context, problem) => {
    reportError('turn', problem);
    await context.sendActivity('The bot encountered an error.');
  };
  return adapter;
}

const bot = createBot();
const adapter = createAdapter();
serve((request, response) => adapter.process(request, response, (context) => bot.run(context)));
