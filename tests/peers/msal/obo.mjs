// Unmodified @azure/msal-node completes the on-behalf-of grant against the local tenant, with a secret and with a certificate.
//
// Environment: STAGE_AUTHORITY (https://host:port/tenant), STAGE_TOKEN_ENDPOINT (for the password grant; plain http will
// do), STAGE_GRAPH_ME, STAGE_CLIENT_ID, STAGE_CLIENT_SECRET, STAGE_CERTIFICATE_FILE, STAGE_KEY_FILE, STAGE_USER_CLIENT_ID,
// STAGE_EXCHANGE_SCOPE, STAGE_SCOPE, STAGE_USERS: JSON {signs_in, lacks_consent, needs_mfa}, each {name, password}.
// NODE_EXTRA_CA_CERTS must name the stage's CA file. Prints one JSON object; no token is printed.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfidentialClientApplication } from "@azure/msal-node";

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const authority = env("STAGE_AUTHORITY");
const users = JSON.parse(env("STAGE_USERS"));

async function exchangeableToken(user) {
  const answer = await fetch(env("STAGE_TOKEN_ENDPOINT"), {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "password",
      client_id: env("STAGE_USER_CLIENT_ID"),
      username: user.name,
      password: user.password,
      scope: env("STAGE_EXCHANGE_SCOPE"),
    }),
  });
  const body = await answer.json();
  if (!body.access_token) throw new Error(`no exchangeable token: ${body.error_description}`);
  return body.access_token;
}

function client(credential) {
  return new ConfidentialClientApplication({
    auth: {
      clientId: env("STAGE_CLIENT_ID"),
      authority,
      knownAuthorities: [new URL(authority).host],
      ...credential,
    },
  });
}

const secret = () => client({ clientSecret: env("STAGE_CLIENT_SECRET") });
const certificate = () => {
  const x5c = readFileSync(env("STAGE_CERTIFICATE_FILE"), "utf8");
  return client({
    clientCertificate: {
      thumbprintSha256: new X509Certificate(x5c).fingerprint256.replaceAll(":", ""),
      privateKey: readFileSync(env("STAGE_KEY_FILE"), "utf8"),
      x5c,
    },
  });
};

async function exchange(application, user) {
  const oboAssertion = await exchangeableToken(user);
  try {
    const result = await application.acquireTokenOnBehalfOf({ oboAssertion, scopes: [env("STAGE_SCOPE")] });
    const me = await fetch(env("STAGE_GRAPH_ME"), { headers: { authorization: `Bearer ${result.accessToken}` } });
    return {
      token_type: result.tokenType,
      scopes: result.scopes,
      account: result.account?.username,
      signed_in_as: (await me.json()).displayName,
    };
  } catch (error) {
    return {
      error: error.errorCode,
      number: error.errorNo,
      suberror: error.subError,
      claims: error.claims,
      correlation_id: error.correlationId,
      message: error.errorMessage,
    };
  }
}

const results = {
  secret: await exchange(secret(), users.signs_in),
  certificate: await exchange(certificate(), users.signs_in),
  no_consent: await exchange(secret(), users.lacks_consent),
  mfa: await exchange(secret(), users.needs_mfa),
};
process.stdout.write(`${JSON.stringify(results)}\n`);
