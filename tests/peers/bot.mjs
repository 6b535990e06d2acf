// The shared part of the test bots on every SDK: an HTTP server with an endpoint for messages and one for the state so far. Prints one JSON
// object a line and never a token.

import { createHash } from 'node:crypto';
import http from 'node:http';
import { MAX_MESSAGE_CHARACTERS, print } from './steps.mjs';

const MAX_BODY_BYTES = 1024 * 1024;

/** The state so far, for `GET /state`. */
const seen = { continued: 0, noToken: 0, errors: 0, activities: [], continuations: [] };

export function reportError(where, problem) {
  seen.errors += 1;
  const message = String(problem?.message ?? problem).slice(0, MAX_MESSAGE_CHARACTERS);
  print({ event: 'error', where, message, status: problem?.statusCode ?? problem?.status });
}

export function required(name) {
  const value = process.env[name];
  if (!value) {
    reportError('settings', `${name} is not set`);
    process.exit(2);
  }
  return value;
}

/** SDKs write whole exceptions to the console, including request headers. This prints a redacted line instead. */
console.error = (...parts) => reportError('sdk', parts.find((part) => part instanceof Error) ?? parts[0]);
console.warn = (...parts) => print({ event: 'warning', message: String(parts[0]) });

/** `digest` is that of the request's body, where a test compares the bytes. */
export function noteActivity({ type, name }, digest) {
  seen.activities.push({ type, name, digest });
  print({ event: 'activity', type, name, digest });
}

/**
 * Acts as the user: asks the graph which user the token belongs to, as a bot would. Returns the text that the bot says; `say` makes it of
 * the user's name and the number of times the bot has acted.
 */
export async function actAsUser(activity, token, say = (name, count) => `Signed in as ${name} (#${count})`) {
  const { channelId, conversation, from } = activity;
  if (!token) {
    seen.noToken += 1;
    print({ event: 'no_token', user: from?.id });
    return 'no token';
  }
  const displayName = await readDisplayName(required('GRAPH_URL'), token);
  seen.continued += 1;
  const count = seen.continued;
  const cause = activity.name ?? activity.type;
  seen.continuations.push({ count, displayName, cause, channelId, conversation: conversation.id, user: from?.id });
  print({ event: 'continued', count, displayName, cause, conversation: conversation.id, user: from?.id });
  return say(displayName, count);
}

async function readDisplayName(graphUrl, token) {
  const answer = await fetch(graphUrl, { headers: { authorization: `Bearer ${token}` }, redirect: 'error' });
  if (!answer.ok) {
    throw new Error(`the graph answered ${answer.status}`);
  }
  return (await answer.json()).displayName;
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new Error('body too large');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The response object that restify or express hands to an adapter: `status`, `send`, `header`, `setHeader`, `end`. */
function asSdkResponse(response) {
  const shown = {
    get headersSent() {
      return response.headersSent;
    },
    get writableEnded() {
      return response.writableEnded;
    },
    status: (code) => {
      response.statusCode = code;
      return shown;
    },
    header: (name, value) => response.setHeader(name, value),
    setHeader: (name, value) => response.setHeader(name, value),
    send: (body) => {
      const isText = typeof body === 'string';
      response.setHeader('content-type', isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8');
      response.write(isText ? body : JSON.stringify(body));
      return shown;
    },
    end: () => response.end(),
  };
  return shown;
}

function answerJson(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function answer(find, request, response) {
  const { pathname } = new URL(request.url, 'http://bot');
  if (request.method === 'GET' && pathname === '/state') {
    return answerJson(response, 200, seen);
  }
  const handle = find(request, pathname);
  if (!handle) {
    return answerJson(response, 404, { error: 'not found' });
  }
  if (request.method === 'POST' || request.method === 'PUT') {
    const body = await readBody(request);
    request.digest = createHash('sha256').update(body).digest('hex');
    request.body = JSON.parse(body.toString('utf8'));
  }
  return handle(request, asSdkResponse(response));
}

/**
 * Serves on `PORT` of 127.0.0.1, and returns the server. `handle` takes the arguments of an SDK's adapter. `findRoute` finds the function
 * for a request that is not one to the bot's endpoint.
 */
export function serve(handle, findRoute = () => undefined) {
  const find = (request, pathname) => (pathname === '/api/messages' ? handle : findRoute(request, pathname));
  const server = http.createServer((request, response) => {
    answer(find, request, response).catch((problem) => {
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
  return server;
}
