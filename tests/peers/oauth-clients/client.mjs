// An unmodified OAuth client library uses every endpoint of bot-sso's door of back ends.
//
// Environment: LIBRARY (oauth4webapi, openid-client), METHOD (client_secret_basic, client_secret_post, private_key_jwt), ISSUER,
// CLIENT_ID, CLIENT_SECRET or PRIVATE_KEY_FILE with KEY_ID and ALGORITHM, SUBJECT_TOKEN, AUDIENCE, SCOPE, APP_SCOPE, GRAPH_ME.
// Prints one JSON object; no token is printed.
import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const issuer = new URL(env("ISSUER"));
const clientId = env("CLIENT_ID");
const method = env("METHOD");

async function privateKey() {
  const pem = readFileSync(env("PRIVATE_KEY_FILE"), "utf8");
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const algorithm = env("ALGORITHM");
  const parameters = {
    RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    PS256: { name: "RSA-PSS", hash: "SHA-256" },
    ES256: { name: "ECDSA", namedCurve: "P-256" },
  }[algorithm];
  const key = await crypto.subtle.importKey("pkcs8", der, parameters, false, ["sign"]);
  return { key, kid: env("KEY_ID") };
}

// The two libraries have the same names for the same methods.
async function authentication(library, secret) {
  switch (method) {
    case "client_secret_basic":
      return library.ClientSecretBasic(secret);
    case "client_secret_post":
      return library.ClientSecretPost(secret);
    default:
      return library.PrivateKeyJwt(await privateKey());
  }
}

async function withOauth4webapi(secret) {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const discovered = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, discovered);
  const client = { client_id: clientId };
  const proof = await authentication(oauth, secret);
  return {
    server,
    grant: async (type, parameters) => {
      const response = await oauth.genericTokenEndpointRequest(server, client, proof, type, parameters, insecure);
      return oauth.processGenericTokenEndpointResponse(server, client, response);
    },
    credentials: async (scope) => {
      const response = await oauth.clientCredentialsGrantRequest(server, client, proof, { scope }, insecure);
      return oauth.processClientCredentialsResponse(server, client, response);
    },
    introspect: async (token) => {
      const response = await oauth.introspectionRequest(server, client, proof, token, insecure);
      return oauth.processIntrospectionResponse(server, client, response);
    },
    revoke: async (token) => {
      const response = await oauth.revocationRequest(server, client, proof, token, insecure);
      return oauth.processRevocationResponse(response);
    },
  };
}

async function withOpenidClient(secret) {
  const proof = await authentication(openid, secret);
  const options = { algorithm: "oauth2", execute: [openid.allowInsecureRequests] };
  const configuration = await openid.discovery(issuer, clientId, {}, proof, options);
  return {
    server: configuration.serverMetadata(),
    grant: (type, parameters) => openid.genericGrantRequest(configuration, type, parameters),
    credentials: (scope) => openid.clientCredentialsGrant(configuration, { scope }),
    introspect: (token) => openid.tokenIntrospection(configuration, token),
    revoke: (token) => openid.tokenRevocation(configuration, token),
  };
}

const connect = env("LIBRARY") === "openid-client" ? withOpenidClient : withOauth4webapi;

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return { error: error.error ?? error.cause?.[0]?.scheme ?? error.message, status: error.status ?? error.response?.status };
  }
}

async function shown(answer) {
  if (answer.error) return answer;
  const { access_token, ...rest } = answer;
  const me = await fetch(env("GRAPH_ME"), { headers: { authorization: `Bearer ${access_token}` } });
  return { ...rest, signed_in_as: (await me.json()).displayName };
}

const client = await connect(process.env.CLIENT_SECRET);
const subject = env("SUBJECT_TOKEN");
const exchange = (token) =>
  client.grant(TOKEN_EXCHANGE, {
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    audience: env("AUDIENCE"),
    scope: env("SCOPE"),
  });
const exchanged = await exchange(subject);
const result = {
  grant_types: client.server.grant_types_supported,
  methods: client.server.token_endpoint_auth_methods_supported,
  exchanged: await shown(exchanged),
  subject: await client.introspect(subject),
  kept: await client.introspect(exchanged.access_token),
  unknown: await client.introspect("no-token-of-this-service"),
  refused: await attempt(() => exchange(`${subject}x`)),
  no_grant: await attempt(() => client.grant("password", {})),
};
await client.revoke(exchanged.access_token);
result.revoked = await client.introspect(exchanged.access_token);
await client.revoke("no-token-of-this-service");
const application = await attempt(() => client.credentials(env("APP_SCOPE")));
result.application = { token_type: application.token_type, scope: application.scope, error: application.error };
if (process.env.CLIENT_SECRET) {
  const wrong = await connect("not-the-secret");
  result.wrong_secret = await attempt(() => wrong.introspect(subject));
}
console.log(JSON.stringify(result));
