// A bot as the Teams SDK's own samples build it (Teams SDK for JavaScript 2.0, the SDK is unmodified): an App with its
// default connection, which signs in with `signin()` and is notified by the event. The tests put it behind the gateway with
// `after_exchange = "forward"`.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { PUBLIC, withOverrides } from '@microsoft/teams.api';
import { App } from '@microsoft/teams.apps';
import { actAsUser, noteActivity, reportError, required, serve } from '../bot.mjs';

// The SDK would write URLs that hold codes to its log.
const silent = () => undefined;
const logger = { error: silent, warn: silent, info: silent, debug: silent, log: silent, child: () => logger };

/** The bot trusts the stage's tokens instead of the public cloud's. */
const cloud = withOverrides(PUBLIC, {
  openIdMetadataUrl: required('ToBotFromChannelOpenIdMetadataUrl'),
  tokenIssuer: required('ToBotFromChannelTokenIssuer'),
});

let handleMessages;
const httpServerAdapter = {
  registerRoute: (_method, _path, handler) => {
    handleMessages = handler;
  },
};

const app = new App({ logger, cloud, httpServerAdapter, oauth: { defaultConnectionName: required('CONNECTION_NAME') } });

app.on('message', async ({ activity, signin, send }) => {
  const token = await signin();
  if (token) {
    await send(await actAsUser(activity, token));
  }
});
app.event('signin', async ({ activity, token, send }) => {
  try {
    await send(await actAsUser(activity, token.token));
  } catch (problem) {
    reportError('signin', problem);
  }
});
app.event('error', ({ error }) => reportError('app', error));
await app.initialize();

serve(async (request, response) => {
  noteActivity(request.body);
  const { status, body } = await handleMessages({ body: request.body, headers: request.headers });
  response.status(status);
  if (body !== undefined) {
    response.send(body);
  }
  response.end();
});
