// Unmodified @azure/msal-node is the source of a pane's tokens: it plays Office, which acquires a token for the add-in's own
// scope, and the pane calls bot-sso with it.
//
// Environment: STAGE_AUTHORITY (https://host:port/tenant), OFFICE_CLIENT_ID, ADD_IN_SCOPE, USER_NAME, USER_PASSWORD, IDENTITY_URL,
// DOWNSTREAM_URL. NODE_EXTRA_CA_CERTS must name the stage's CA file. Prints one JSON object; no token is printed.
import { PublicClientApplication } from "@azure/msal-node";

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const authority = env("STAGE_AUTHORITY");
const office = new PublicClientApplication({
  auth: { clientId: env("OFFICE_CLIENT_ID"), authority, knownAuthorities: [new URL(authority).host] },
});
const scopes = [env("ADD_IN_SCOPE")];
const acquired = await office.acquireTokenByUsernamePassword({
  scopes,
  username: env("USER_NAME"),
  password: env("USER_PASSWORD"),
});

async function call(url, token) {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: await answer.json() };
}

// A pane asks its host again for each call, and the host answers from its cache.
const again = await office.acquireTokenSilent({ scopes, account: acquired.account });
const results = {
  account: acquired.account.username,
  from_cache: again.fromCache,
  identity: await call(env("IDENTITY_URL"), acquired.accessToken),
  me: await call(`${env("DOWNSTREAM_URL")}/me`, again.accessToken),
  id_token: await call(env("IDENTITY_URL"), acquired.idToken),
};
process.stdout.write(`${JSON.stringify(results)}\n`);
