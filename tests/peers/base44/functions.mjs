// Functions of a Base44 app, with the unmodified @base44/sdk: they read the tokens of the app's users.
//
// Environment: SERVER_URL, APP_ID, SERVICE_TOKEN, USER_TOKEN and USER_ID (a user who has signed in, and our token for that
// user), OTHER_USER_ID (another user who has signed in), NOT_SIGNED_IN (a user who has not), GRAPH_ME.
// Prints one JSON object a step; no token is printed.
import { createClient, createClientFromRequest } from "@base44/sdk";

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const serverUrl = env("SERVER_URL");
const appId = env("APP_ID");
const serviceToken = env("SERVICE_TOKEN");
const userId = env("USER_ID");

async function step(name, run) {
  let result;
  try {
    result = await run();
  } catch (error) {
    const { status, code, message } = error;
    result = { name: error.name, status, code, has_message: typeof message === "string" && message.length > 0 };
  }
  console.log(JSON.stringify({ step: name, result }));
}

const client = (options) => createClient({ serverUrl, appId, serviceToken, ...options });
const sso = (options) => client(options).asServiceRole.sso;

// Whom the graph knows by the access token that the SDK returned.
async function describe(token) {
  const answer = await fetch(env("GRAPH_ME"), { headers: { authorization: `Bearer ${token.access_token}` } });
  const expiry = new Date(token.expires_at).getTime() > Date.now() && token.expires_in > 0;
  return { graph: (await answer.json()).id, type: token.token_type, has_expiry: expiry };
}

const userOf = (idToken) => JSON.parse(Buffer.from(idToken.split(".")[1], "base64url")).oid;

const request = new Request("https://functions.example/read", {
  headers: {
    "Base44-App-Id": appId,
    "Base44-Api-Url": serverUrl,
    "Base44-Service-Authorization": `Bearer ${serviceToken}`,
    Authorization: `Bearer ${env("USER_TOKEN")}`,
  },
});
const ofUser = { token: env("USER_TOKEN") };

await step("service", async () => describe(await sso().getAccessToken(userId)));
await step("service_other", async () => describe(await sso().getAccessToken(env("OTHER_USER_ID"))));
await step("service_slash", async () => describe(await sso({ serverUrl: `${serverUrl}/` }).getAccessToken(userId)));
await step("service_id_token", async () => userOf(await sso().getIdToken(userId)));
await step("on_behalf_of", async () => describe(await sso(ofUser).getAccessToken(userId)));
await step("on_behalf_of_id_token", async () => userOf(await sso(ofUser).getIdToken(userId)));
await step("on_behalf_of_other", async () => describe(await sso(ofUser).getAccessToken(env("OTHER_USER_ID"))));
await step("from_request", async () => {
  const { asServiceRole } = createClientFromRequest(request);
  return describe(await asServiceRole.sso.getAccessToken(userId));
});
await step("from_request_me", async () => {
  const { id, full_name } = await createClientFromRequest(request).auth.me();
  return { id, full_name };
});
await step("undefined", async () => describe(await sso().getAccessToken(undefined)));
await step("injected", async () => describe(await sso().getAccessToken("../../../evil")));
await step("not_signed_in", async () => describe(await sso().getAccessToken(env("NOT_SIGNED_IN"))));
await step("wrong_service_token", async () => describe(await sso({ serviceToken: "wrong" }).getAccessToken(userId)));
await step("wrong_user_token", async () => describe(await sso({ token: "wrong" }).getAccessToken(userId)));
process.exit(0);
