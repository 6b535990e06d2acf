// A web app on `openid-client`: discovery, the code flow with PKCE, and every endpoint that discovery names.
//
// Environment: ISSUER, CLIENT_ID, and CLIENT_SECRET, without which the app is a public one. Prints {event: "listening", port}, and
// never a token. GET /login begins a sign-in, GET /callback answers with what the endpoints have said, GET /sign-out ends the session. GET /login-and-keep begins a sign-in whose tokens stay good.
// POST /logged-out takes a logout token, and prints {event: "logged_out"} with what it says if the directory's published keys check it
// (OpenID Connect Back-Channel Logout 1.0 §2.6).
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as openid from "openid-client";

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const secret = process.env.CLIENT_SECRET;
const proof = secret ? openid.ClientSecretBasic(secret) : openid.None();
const configuration = await openid.discovery(new URL(env("ISSUER")), env("CLIENT_ID"), {}, proof, {
  execute: [openid.allowInsecureRequests],
});
const metadata = configuration.serverMetadata();
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
let waiting;
let idToken;

async function login() {
  const verifier = openid.randomPKCECodeVerifier();
  waiting = { verifier, state: openid.randomState(), nonce: openid.randomNonce() };
  return openid.buildAuthorizationUrl(configuration, {
    redirect_uri: `${url}/callback`,
    scope: "openid",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: waiting.state,
    nonce: waiting.nonce,
  });
}

const publishedKeys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const LOGOUT = "http://schemas.openid.net/event/backchannel-logout";
const seen = new Set();

// As the standard demands it of an application, step by step.
async function loggedOut(request) {
  let body = "";
  for await (const part of request) body += part;
  const token = new URLSearchParams(body).get("logout_token");
  const { payload } = await jwtVerify(token, publishedKeys, {
    issuer: metadata.issuer,
    audience: env("CLIENT_ID"),
    typ: "logout+jwt",
    algorithms: ["RS256"],
    maxTokenAge: "2 minutes",
    requiredClaims: ["iat", "exp", "jti", "events"],
  });
  if (Object.keys(payload.events).join() !== LOGOUT || "nonce" in payload || seen.has(payload.jti)) throw new Error("no logout token");
  if (!payload.sub && !payload.sid) throw new Error("neither sub nor sid");
  seen.add(payload.jti);
  return { event: "logged_out", sub: payload.sub, sid: payload.sid ?? null };
}

const attempt = (work) => work.catch((error) => ({ error: error.error ?? error.message, status: error.status }));

async function callback(location) {
  const checks = { pkceCodeVerifier: waiting.verifier, expectedState: waiting.state, expectedNonce: waiting.nonce };
  const tokens = await openid.authorizationCodeGrant(configuration, location, checks);
  const claims = tokens.claims();
  idToken = tokens.id_token;
  const userinfo = (token) => attempt(openid.fetchUserInfo(configuration, token, claims.sub));
  // A public client cannot ask.
  const active = async (token) => (secret ? (await openid.tokenIntrospection(configuration, token)).active : null);
  const result = {
    issuer: metadata.issuer,
    claims: { sub: claims.sub, email: claims.email, name: claims.name, has_auth_time: Number.isInteger(claims.auth_time) },
    token_type: tokens.token_type,
    userinfo: (await userinfo(tokens.access_token)).email,
    active: await active(tokens.access_token),
    replayed: await attempt(openid.authorizationCodeGrant(configuration, location, checks)).then((again) => again.error),
    active_after_replay: await active(tokens.access_token),
  };
  return result;
}

// The calls after a second sign-in, whose code is used once.
async function renewed(location) {
  const checks = { pkceCodeVerifier: waiting.verifier, expectedState: waiting.state, expectedNonce: waiting.nonce };
  const tokens = await openid.authorizationCodeGrant(configuration, location, checks);
  const { sub } = tokens.claims();
  idToken = tokens.id_token;
  const refreshed = await openid.refreshTokenGrant(configuration, tokens.refresh_token);
  const userinfo = (token) => attempt(openid.fetchUserInfo(configuration, token, sub));
  const before = await userinfo(refreshed.access_token);
  await openid.tokenRevocation(configuration, refreshed.refresh_token);
  return {
    same_sub: refreshed.claims().sub === sub,
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    before: before.sub === sub,
    after_revocation: (await userinfo(refreshed.access_token)).status ?? "still good",
    refresh_after_revocation: (await attempt(openid.refreshTokenGrant(configuration, refreshed.refresh_token))).error,
  };
}

// A sign-in that leaves its tokens alone.
async function keep(location) {
  const checks = { pkceCodeVerifier: waiting.verifier, expectedState: waiting.state, expectedNonce: waiting.nonce };
  const tokens = await openid.authorizationCodeGrant(configuration, location, checks);
  idToken = tokens.id_token;
  return { sub: tokens.claims().sub };
}

let signIns = 0;
server.on("request", async (request, response) => {
  const location = new URL(request.url, url);
  const redirect = (to) => response.writeHead(302, { location: to.href }).end();
  try {
    if (location.pathname === "/logged-out") {
      console.log(JSON.stringify(await loggedOut(request)));
      return response.writeHead(200, { "cache-control": "no-store" }).end();
    }
    if (location.pathname === "/login" || location.pathname === "/login-and-keep") {
      const to = await login();
      waiting.keeps = location.pathname === "/login-and-keep";
      return redirect(to);
    }
    if (location.pathname === "/sign-out") {
      const to = { post_logout_redirect_uri: `${url}/signed-out`, id_token_hint: idToken, state: "left" };
      return redirect(openid.buildEndSessionUrl(configuration, to));
    }
    if (location.pathname === "/signed-out") return response.end(JSON.stringify({ signed_out: location.searchParams.get("state") }));
    const found = waiting.keeps ? await keep(location) : signIns++ === 0 ? await callback(location) : await renewed(location);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
  } catch (error) {
    const told = { error: error.error ?? error.message, code: error.code };
    response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify(told));
  }
});
console.log(JSON.stringify({ event: "listening", port: server.address().port }));
