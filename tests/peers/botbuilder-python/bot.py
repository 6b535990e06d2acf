"""A Bot Framework bot as the samples of the SDK for Python build it (4.17, the SDK is unmodified): CloudAdapter with
inbound authentication on, one OAuthPrompt, and a step that uses the token.
"""

import sys
from pathlib import Path

from botbuilder.core import ConversationState, MemoryStorage, TurnContext
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.dialogs import ComponentDialog, DialogSet, DialogTurnStatus, WaterfallDialog
from botbuilder.dialogs.prompts import OAuthPrompt, OAuthPromptSettings
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from config import Config

sys.path.insert(1, str(Path(__file__).parents[1]))
from bot_common import CONNECTION, act_as_user, note_activity, report_error, serve  # noqa: E402  pylint: disable=wrong-import-position


class MainDialog(ComponentDialog):
    def __init__(self):
        super().__init__("main")
        settings = OAuthPromptSettings(connection_name=CONNECTION, title="Sign in", text="Please sign in", timeout=900_000)
        self.add_dialog(OAuthPrompt("sign-in", settings))
        self.add_dialog(WaterfallDialog("steps", [self.sign_in, self.use_token]))
        self.initial_dialog_id = "steps"

    async def sign_in(self, step):
        return await step.begin_dialog("sign-in")

    async def use_token(self, step):
        activity = step.context.activity
        cause = activity.name or activity.type
        token = step.result.token if step.result else None
        said = await act_as_user(cause, activity.conversation.id, activity.from_property.id, token)
        await step.context.send_activity(said)
        return await step.end_dialog()


class Bot(TeamsActivityHandler):
    def __init__(self):
        self._state = ConversationState(MemoryStorage())
        self._dialogs = DialogSet(self._state.create_property("DialogState"))
        self._dialogs.add(MainDialog())

    async def on_turn(self, turn_context: TurnContext):
        note_activity(turn_context.activity.type, turn_context.activity.name)
        await super().on_turn(turn_context)
        await self._state.save_changes(turn_context)

    async def _run_dialog(self, turn_context):
        dialog_context = await self._dialogs.create_context(turn_context)
        results = await dialog_context.continue_dialog()
        if results.status == DialogTurnStatus.Empty:
            await dialog_context.begin_dialog("main")

    async def on_message_activity(self, turn_context):
        await self._run_dialog(turn_context)

    async def on_token_response_event(self, turn_context):
        await self._run_dialog(turn_context)

    async def on_teams_signin_verify_state(self, turn_context):
        await self._run_dialog(turn_context)

    async def on_teams_signin_token_exchange(self, turn_context):
        await self._run_dialog(turn_context)


async def on_turn_error(context, problem):
    report_error("turn", problem)
    await context.send_activity("The bot encountered an error.")


bot = Bot()
adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(Config))
adapter.on_turn_error = on_turn_error


async def messages(request):
    return await adapter.process(request, bot)


serve(messages)
