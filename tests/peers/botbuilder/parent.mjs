// A parent bot as the Bot Framework SDK's own samples build it (botbuilder 4.23, the SDK is unmodified): it signs its user in with an
// OAuthPrompt, and sends what follows "ask the skill" to a skill. It has no code that answers a skill's sign-in card.
// SKILL_CALL chooses how it calls the skill: `handler` by the client for skills in normal delivery, with answers through the SDK's handler for skills
// (samples 80 and 82), `dialog` by a SkillDialog with `expectReplies` (sample 81).
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import {
  ChannelServiceRoutes,
  CloudAdapter,
  CloudSkillHandler,
  ConfigurationBotFrameworkAuthentication,
  ConversationState,
  MemoryStorage,
  SkillConversationIdFactory,
  TeamsActivityHandler,
} from 'botbuilder';
import { ComponentDialog, DialogSet, DialogTurnStatus, OAuthPrompt, SkillDialog, WaterfallDialog } from 'botbuilder-dialogs';
import { AuthenticationConfiguration, allowedCallersClaimsValidator } from 'botframework-connector';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';
import { Router } from './router.mjs';

const HOST_PATH = '/api/skills';
const ASKS_THE_SKILL = /^ask the skill/;
const CALLS_BY_DIALOG = required('SKILL_CALL') === 'dialog';

const botId = required('MicrosoftAppId');
const skill = { id: 'the-skill', appId: required('SKILL_APP_ID'), skillEndpoint: required('SKILL_ENDPOINT') };
const callers = allowedCallersClaimsValidator([skill.appId]);
const authentication = new ConfigurationBotFrameworkAuthentication(
  process.env,
  undefined,
  new AuthenticationConfiguration([], callers, [required('TENANT_ISSUER')]),
);
const storage = new MemoryStorage();
const conversationState = new ConversationState(storage);
const conversationIdFactory = new SkillConversationIdFactory(storage);
const skillClient = authentication.createBotFrameworkClient();

/** The conversation with the skill that is in progress, in normal delivery. */
class SkillSession {
  constructor() {
    this.id = conversationState.createProperty('SkillConversationId');
  }

  find(context) {
    return this.id.get(context);
  }

  async begin(context) {
    const fromBotOAuthScope = context.turnState.get(context.adapter.OAuthScopeKey);
    const id = await conversationIdFactory.createSkillConversationIdWithOptions({
      fromBotOAuthScope,
      fromBotId: botId,
      activity: context.activity,
      botFrameworkSkill: skill,
    });
    await this.id.set(context, id);
    await this.forward(context, id);
  }

  /** Sends the user's activity to the skill, and answers an invoke as the skill does. */
  async forward(context, id) {
    // The skill may answer before this turn ends, and its answer is a turn of its own.
    await conversationState.saveChanges(context, true);
    const { status, body } = await skillClient.postActivity(
      botId,
      skill.appId,
      skill.skillEndpoint,
      skillHostUrl(),
      id,
      JSON.parse(JSON.stringify(context.activity)),
    );
    if (context.activity.type === 'invoke') {
      await context.sendActivity({ type: 'invokeResponse', value: { status, body } });
    } else if (!(status >= 200 && status <= 299)) {
      throw new Error(`the skill answered ${status}`);
    }
    // The skill may have ended the conversation meanwhile, in another turn: what is kept is read again.
    await conversationState.load(context, true);
  }

  async end(context) {
    await this.id.delete(context);
    await context.sendActivity('The skill has ended.');
  }
}

class MainDialog extends ComponentDialog {
  constructor() {
    super('main');
    const connectionName = required('CONNECTION_NAME');
    const link = { showSignInLink: true };
    this.addDialog(new OAuthPrompt('sign-in', { connectionName, title: 'Sign in', text: 'Please sign in', timeout: 900_000, ...link }));
    const steps = [(step) => step.beginDialog('sign-in'), (step) => this.useToken(step), (step) => this.end(step)];
    this.addDialog(new WaterfallDialog('steps', steps));
    if (CALLS_BY_DIALOG) {
      const options = { botId, conversationIdFactory, conversationState, skill, skillClient, skillHostEndpoint: skillHostUrl() };
      this.addDialog(new SkillDialog(options, 'skill'));
    }
    this.initialDialogId = 'steps';
  }

  async useToken(step) {
    const { activity } = step.context;
    if (!step.result?.token || !ASKS_THE_SKILL.test(activity.text ?? '')) {
      await step.context.sendActivity(await actAsUser(activity, step.result?.token));
      return step.endDialog();
    }
    if (CALLS_BY_DIALOG) {
      return step.beginDialog('skill', { activity: { ...activity, deliveryMode: 'expectReplies' } });
    }
    return step.endDialog({ asksTheSkill: true });
  }

  async end(step) {
    await step.context.sendActivity('The skill has ended.');
    return step.endDialog();
  }

  /** Continues the waiting dialog, or begins it for a message. Returns what the dialog has resulted in, if it has ended. */
  async run(context, accessor) {
    const dialogs = new DialogSet(accessor);
    dialogs.add(this);
    const dialogContext = await dialogs.createContext(context);
    const continued = await dialogContext.continueDialog();
    if (continued.status !== DialogTurnStatus.empty || context.activity.type !== 'message') {
      return continued.result;
    }
    return (await dialogContext.beginDialog(this.id)).result;
  }
}

class ParentBot extends TeamsActivityHandler {
  constructor() {
    super();
    this.session = new SkillSession();
    this.dialogState = conversationState.createProperty('DialogState');
    this.onMessage((context, next) => this.runDialog(context).then(next));
    this.onTokenResponseEvent((context, next) => this.runDialog(context).then(next));
    this.onEndOfConversation(async (context, next) => {
      if (CALLS_BY_DIALOG) {
        await this.runDialog(context);
      } else {
        await this.session.end(context);
      }
      await next();
    });
  }

  async runDialog(context) {
    this.dialog ??= new MainDialog();
    const result = await this.dialog.run(context, this.dialogState);
    if (result?.asksTheSkill) {
      await this.session.begin(context);
    }
  }

  handleTeamsSigninVerifyState(context) {
    return this.runDialog(context);
  }

  handleTeamsSigninTokenExchange(context) {
    return this.runDialog(context);
  }

  async run(context) {
    noteActivity(context.activity);
    const skillConversation = await this.session.find(context);
    if (skillConversation && context.activity.type !== 'endOfConversation') {
      await this.session.forward(context, skillConversation);
    } else {
      await super.run(context);
    }
    await conversationState.saveChanges(context, false);
  }
}

const adapter = new CloudAdapter(authentication);
adapter.onTurnError = async (context, problem) => {
  reportError('turn', problem);
  await context.sendActivity('The bot encountered an error.');
};
const bot = new ParentBot();
const router = new Router();
const handler = new CloudSkillHandler(adapter, (context) => bot.run(context), conversationIdFactory, authentication);
new ChannelServiceRoutes(handler).register(router, HOST_PATH);
const server = serve(
  (request, response) => adapter.process(request, response, (context) => bot.run(context)),
  (request, pathname) => router.find(request, pathname),
);

/** The address of this bot's skill host. */
function skillHostUrl() {
  return `http://127.0.0.1:${server.address().port}${HOST_PATH}`;
}
