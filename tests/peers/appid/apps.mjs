// Two web apps on App ID's SDK, and the page of a third app on App ID's SDK for browsers, in one process, each on a port of its own
// that it binds itself.
//
// Environment: OAUTH_SERVER_URL, TENANT_ID; APPS (JSON: [{name, clientId, secret}]); ASSERTION_KEY_FILE, the private key (PEM) of
// the first app's assertions. Prints {event: "listening", name, url} for each app, and never a token.
import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const express = require("express");
const session = require("express-session");
const passport = require("passport");
// The SDK's own settings log to standard output.
process.env.LOG4JS_CONFIG = new URL("log4js.json", import.meta.url).pathname;
const { APIStrategy, TokenManager, WebAppStrategy } = require("ibmcloud-appid");

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const oauthServerUrl = env("OAUTH_SERVER_URL");
const tenantId = env("TENANT_ID");
const print = (line) => console.log(JSON.stringify(line));
const text = (value) => String(value ?? "").replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

// An assertion of the app about a user of its own (RFC 7523).
function assertion(clientId, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const body = { iss: clientId, aud: oauthServerUrl, iat: now, exp: now + 300, ...claims };
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(body)}`;
  const key = readFileSync(env("ASSERTION_KEY_FILE"), "utf8");
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const attempt = (work) => work.catch((error) => ({ error: error.message }));

function build({ name, clientId, secret }, url) {
  const app = express();
  const users = new passport.Passport();
  const config = { tenantId, clientId, secret, oauthServerUrl, redirectUri: `${url}/callback` };
  const web = new WebAppStrategy(config);
  const tokens = new TokenManager(config);
  users.use(web);
  users.use(new APIStrategy({ oauthServerUrl }));
  users.serializeUser((user, done) => done(null, user));
  users.deserializeUser((user, done) => done(null, user));

  const kept = { resave: false, saveUninitialized: true, cookie: { sameSite: "lax" } };
  const sessions = session({ secret: "cookie-secret-of-the-local-stage", name: `${name}.sid`, ...kept });
  const api = users.authenticate(APIStrategy.STRATEGY_NAME, { session: false });
  app.get("/api/me", api, (request, response) => {
    const { accessTokenPayload, identityTokenPayload } = request.appIdAuthorizationContext;
    response.json({ sub: accessTokenPayload.sub, scope: accessTokenPayload.scope, email: identityTokenPayload?.email });
  });
  app.use(sessions, users.initialize(), users.session());
  app.get("/callback", users.authenticate(WebAppStrategy.STRATEGY_NAME, { keepSessionInfo: true }));
  app.get("/signed-out", (request, response) => {
    response.send(`<title>${text(name)}</title><h1>signed out</h1><p id="known">${text(request.user?.email)}</p>`);
  });
  app.get("/logout", (request, response) => {
    web.logoutSSO(request, response, { redirect_uri: `${url}/signed-out` });
  });
  app.get("/logout-everywhere", (request, response) => {
    web.logoutSSO(request, response, { redirect_uri: `${url}/signed-out`, all_sessions: true });
  });

  // The pages on which users help themselves, as the SDK's samples open them.
  const show = (page) => users.authenticate(WebAppStrategy.STRATEGY_NAME, { successRedirect: "/", show: page });
  app.get("/sign-up", show(WebAppStrategy.SIGN_UP));
  app.get("/forgot-password", show(WebAppStrategy.FORGOT_PASSWORD));
  app.get("/change-password", show(WebAppStrategy.CHANGE_PASSWORD));
  app.get("/change-details", show(WebAppStrategy.CHANGE_DETAILS));

  app.use(users.authenticate(WebAppStrategy.STRATEGY_NAME));
  const context = (request) => request.session[WebAppStrategy.AUTH_CONTEXT];
  app.get("/", (request, response) => {
    response.send(`<title>${text(name)}</title><h1>${text(name)}</h1><p id="user">${text(request.user.email)}</p>`);
  });
  app.get("/me", (request, response) => {
    const { name: called, email, sub, identities, amr } = request.user;
    response.json({ name: called, email, sub, identities, amr, sid: request.user.sid });
  });
  // The app refreshes its tokens as the SDK's samples do, and says whether they have changed.
  app.get("/refresh", async (request, response) => {
    const before = context(request);
    const refreshed = await attempt(web.refreshTokens(request, before.refreshToken));
    const after = context(request);
    response.json({
      error: refreshed?.error,
      changed: [before.accessToken !== after.accessToken, before.refreshToken !== after.refreshToken],
      sub: after.identityTokenPayload.sub,
    });
  });
  // Calls the other app's API with this app's tokens, and with one that is spoilt.
  app.get("/call", async (request, response) => {
    const { accessToken, identityToken } = context(request);
    const call = async (authorization) => {
      const answer = await fetch(request.query.api, { headers: authorization ? { authorization } : {} });
      const json = answer.headers.get("content-type")?.includes("json");
      return { status: answer.status, body: json ? await answer.json() : null, challenge: answer.headers.get("www-authenticate") };
    };
    response.json({
      both: await call(`Bearer ${accessToken} ${identityToken}`),
      access: await call(`Bearer ${accessToken}`),
      spoilt: await call(`Bearer ${accessToken.slice(0, -4)}AAAA`),
      none: await call(null),
    });
  });
  app.get("/token-manager", async (request, response) => {
    const own = await attempt(tokens.getApplicationIdentityToken());
    const claims = { sub: "crm-7", name: "Custom Carla", email: "carla@crm.example" };
    const custom = await attempt(tokens.getCustomIdentityTokens(assertion(clientId, claims), ["appid_default"]));
    const again = await attempt(tokens.getCustomIdentityTokens(assertion(clientId, claims)));
    const forged = await attempt(tokens.getCustomIdentityTokens(`${assertion(clientId, claims).slice(0, -4)}AAAA`));
    const seen = custom.error ? {} : claimsOf(custom.identityToken);
    response.json({
      own: own.error ?? { type: own.tokenType, sub: claimsOf(own.accessToken).sub },
      custom: custom.error ?? { name: seen.name, amr: seen.amr, sub_is_its_own: seen.sub === "crm-7" },
      same_sub: !again.error && claimsOf(again.identityToken).sub === seen.sub,
      forged: forged.error ?? "accepted",
    });
  });
  return app;
}

async function serve(name, handle) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  server.on("request", handle(url));
  print({ event: "listening", name, url });
}

for (const entry of JSON.parse(env("APPS"))) {
  await serve(entry.name, (url) => build(entry, url));
}
const page = express();
page.get("/", (request, response) => {
  response.send('<!doctype html><title>Page</title><button>Sign in</button><script src="/sdk.js"></script>');
});
page.get("/sdk.js", (request, response) => response.sendFile(require.resolve("ibmcloud-appid-js/dist/appid.umd.min.js")));
await serve("page", () => page);
