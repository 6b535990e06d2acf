// The grants by which the provider exchanges a user's token: token exchange (RFC 8693) and JWT bearer (RFC 7523), registered
// with the package's own means. A third one stands for a page at which a user has signed in.

import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const PAGE_SIGN_IN = 'urn:example:grant-type:page-sign-in';

/** The client ids for which tokens are issued in exchange, as `audience` has them. */
const TARGETS = ['tickets-api', 'tickets archive'];

const values = (parameter) => [parameter ?? []].flat();

/** Answers that no grant of the package gives, chosen by the parameter `scenario` of the request. */
const SCENARIOS = {
  denied: () => { throw new errors.AccessDenied('the policy says no'); },
  unauthorized: () => { throw new errors.UnauthorizedClient('not for this client'); },
  throttled: (context) => {
    context.set('retry-after', '7');
    context.status = 429;
    context.body = { error: 'slow_down' };
  },
  hang_up: (context) => {
    context.respond = false;
    context.req.socket.destroy();
  },
  n_a: (context) => {
    context.body = { access_token: 'not for resources', issued_token_type: `${TOKEN_TYPE}id_token`, token_type: 'N_A' };
  },
  saml: (context) => {
    context.body = { access_token: 'PHNhbWw+', issued_token_type: `${TOKEN_TYPE}saml2`, token_type: 'Bearer', expires_in: 60 };
  },
};

/** Whose token it is: the provider's own by its key set, and Entra's by the stage's. Anything else is refused. */
function verifierOf({ issuer, keys, entra, accounts }) {
  const own = createLocalJWKSet({ keys });
  const remote = entra && createRemoteJWKSet(new URL(entra.jwks));
  return async (token, refuse) => {
    try {
      const { iss, tid } = decodeJwt(token);
      if (iss === issuer) {
        return (await jwtVerify(token, own, { issuer })).payload.sub;
      }
      const tenants = entra?.issuer.replace('{tenantid}', tid);
      const { payload } = await jwtVerify(token, remote, { issuer: tenants, audience: entra.audience });
      return [...accounts].find(([, claims]) => claims.entra === payload.oid)?.[0] ?? refuse('the user is linked to no account');
    } catch (error) {
      return error instanceof errors.OIDCProviderError ? Promise.reject(error) : refuse('the token is not accepted');
    }
  };
}

/** Issues an access token for the account, and a refresh token where `offline_access` is asked for. */
async function issue(provider, context, accountId, gty) {
  const { client, params } = context.oidc;
  const scope = params.scope ?? 'openid';
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const token = new provider.AccessToken({ accountId, client, grantId, gty, scope });
  const answer = { token_type: 'Bearer', scope, access_token: await token.save(), expires_in: token.expiration };
  if (scope.split(' ').includes('offline_access')) {
    answer.refresh_token = await new provider.RefreshToken({ accountId, client, grantId, gty, scope }).save();
  }
  return answer;
}

/** Registers the grants. `seen` is told the parameters of each exchange, without the token. */
export function registerGrants(provider, { seen, ...trust }) {
  const findAccount = verifierOf(trust);
  const exchange = (tokenName, gty, refusal) => async (context) => {
    const { params } = context.oidc;
    const { [tokenName]: token, ...others } = params;
    seen({ ...others, [tokenName]: Boolean(token) });
    const scenario = SCENARIOS[params.scenario];
    if (scenario) {
      scenario(context);
      return;
    }
    if (values(params.audience).some((audience) => !TARGETS.includes(audience))) {
      throw new errors.InvalidTarget('no such target');
    }
    const accountId = await findAccount(token, (detail) => { throw refusal(detail); });
    const issued = await issue(provider, context, accountId, gty);
    context.body = gty === 'token_exchange' ? { ...issued, issued_token_type: `${TOKEN_TYPE}access_token` } : issued;
  };
  const common = ['audience', 'resource', 'scope', 'scenario', 'subject_issuer', 'requested_subject'];
  const repeated = ['audience', 'resource'];
  const names = ['subject_token', 'subject_token_type', 'requested_token_type', ...common];
  const invalidRequest = (detail) => new errors.InvalidRequest(detail);
  provider.registerGrantType(TOKEN_EXCHANGE, exchange('subject_token', 'token_exchange', invalidRequest), names, repeated);
  const invalidGrant = (detail) => new errors.InvalidGrant(detail);
  provider.registerGrantType(JWT_BEARER, exchange('assertion', 'jwt_bearer', invalidGrant), ['assertion', ...common], repeated);
  provider.registerGrantType(PAGE_SIGN_IN, async (context) => {
    const { client, params } = context.oidc;
    const grant = new provider.Grant({ accountId: params.login, clientId: client.clientId });
    const token = new provider.AccessToken({ accountId: params.login, client, gty: 'page', scope: params.scope });
    if (params.resource) {
      const server = { scope: params.scope, audience: params.resource, accessTokenFormat: 'jwt' };
      token.resourceServer = new provider.ResourceServer(params.resource, server);
      grant.addResourceScope(params.resource, params.scope);
    }
    token.grantId = await grant.save();
    context.body = { token_type: 'Bearer', access_token: await token.save() };
  }, ['login', 'scope', 'resource']);
}
