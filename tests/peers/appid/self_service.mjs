// An app on App ID's SelfServiceManager, as IBM's sample for pages of an app's own has it, on a port that it binds itself.
//
// Environment: MANAGEMENT_URL, IAM_TOKEN_URL, API_KEY. Prints {event: "listening", name, url, methods}, and never a token. `/call`
// makes the call of the manager that its query names (`method`, and `args` in JSON). The manager's promises end in
// {result} or in {error: {code, statusCode, message}}.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
// The SDK's own settings log to standard output.
process.env.LOG4JS_CONFIG = new URL("log4js.json", import.meta.url).pathname;
const { SelfServiceManager } = require("ibmcloud-appid");

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const options = { managementUrl: env("MANAGEMENT_URL"), iamTokenUrl: env("IAM_TOKEN_URL") };
const manager = new SelfServiceManager({ ...options, iamApiKey: env("API_KEY") });
const managers = {
  usual: manager,
  wrongKey: new SelfServiceManager({ ...options, iamApiKey: "wrong" }),
  noKey: new SelfServiceManager(options),
};

const settle = (promise) =>
  promise.then(
    (result) => ({ result }),
    (error) => ({
      error: error instanceof Error
        ? { code: error.code, statusCode: error.statusCode, message: error.message }
        : { message: typeof error === "string" ? error : JSON.stringify(error) },
    }),
  );

const ROUTES = {
  "/call": (query) => {
    const args = JSON.parse(query.get("args") ?? "[]");
    return settle(managers[query.get("manager") ?? "usual"][query.get("method")](...args));
  },
  // The pages to which links of messages lead.
  "/verified": (query) => settle(manager.getSignUpConfirmationResult(query.get("context"))),
  "/reset": (query) => settle(manager.getForgotPasswordConfirmationResult(query.get("context"))),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  const answer = await ROUTES[url.pathname]?.(url.searchParams);
  response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(answer ?? {}));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const methods = Object.keys(SelfServiceManager.prototype).sort();
console.log(JSON.stringify({ event: "listening", name: "self-service", url, methods }));
