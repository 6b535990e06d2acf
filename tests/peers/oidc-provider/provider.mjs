// An OpenID Connect provider from an unmodified package (oidc-provider 9) with the package's own pages for signing in and consenting. One of its
// users has claims named `oid` and `tid`, which are Entra's names and mean nothing at another provider.
//
// Standard output carries one JSON object a line and never a token; ../README.md lists the environment.

import { X509Certificate, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import Provider from 'oidc-provider';

import { JWT_BEARER, PAGE_SIGN_IN, TOKEN_EXCHANGE, registerGrants } from './grants.mjs';

const TOKEN_SHAPE = /eyJ[\w-]+(\.[\w-]*)*/g;

function print(event) {
  process.stdout.write(`${JSON.stringify(event).replace(TOKEN_SHAPE, '[token]')}\n`);
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    print({ event: 'error', message: `${name} is not set` });
    process.exit(2);
  }
  return value;
}

/** The package warns that its pages and its keys in memory are for development, which is their purpose here. */
console.info = () => {};
console.warn = () => {};

const accounts = new Map([
  ['ada', { name: 'Ada of Elsewhere', preferred_username: 'ada', oid: required('OID'), tid: required('TID'), entra: required('OID') }],
  ['grace', { name: 'Grace of Elsewhere', preferred_username: 'grace', entra: process.env.GRACE_OID }],
  // Some providers take the e-mail address as the subject.
  ['edith@elsewhere.example', { name: 'Edith of Elsewhere', preferred_username: 'edith@elsewhere.example' }],
  ['lin', { name: 'Lin of Elsewhere', preferred_username: 'lin@elsewhere.example' }],
]);

function findAccount(_context, id) {
  const claims = accounts.get(id);
  return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
}

const algorithm = process.env.ID_TOKEN_ALGORITHM ?? 'RS256';

const keyPairs = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

const { privateKey } = keyPairs[algorithm]();
const named = (key) => ({ ...key.export({ format: 'jwk' }), kid: 'peer-1', use: 'sig', alg: algorithm });

/** Whose tokens are exchanged beside the provider's own: those of an Entra, for this audience. */
const entra = process.env.ENTRA_JWKS && {
  jwks: process.env.ENTRA_JWKS,
  issuer: required('ENTRA_ISSUER'),
  audience: required('ENTRA_AUDIENCE'),
};

function clients() {
  const common = {
    redirect_uris: [required('REDIRECT_URI')],
    ...(process.env.BACKCHANNEL_LOGOUT_URI && {
      backchannel_logout_uri: process.env.BACKCHANNEL_LOGOUT_URI,
      backchannel_logout_session_required: true,
      post_logout_redirect_uris: [required('REDIRECT_URI')],
    }),
    grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE, JWT_BEARER],
    response_types: ['code'],
  };
  // A page whose users have signed in already. It sends their tokens along, and is no user itself.
  const page = {
    client_id: 'page',
    client_secret: required('CLIENT_SECRET'),
    redirect_uris: [],
    response_types: [],
    grant_types: [PAGE_SIGN_IN, 'client_credentials'],
  };
  const secret = (id, method) => ({
    ...common,
    client_id: id,
    client_secret: required('CLIENT_SECRET'),
    token_endpoint_auth_method: method,
  });
  const certified = (file) => ({
    ...common,
    client_id: 'certified bot',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...new X509Certificate(readFileSync(file)).publicKey.export({ format: 'jwk' }), use: 'sig' }] },
  });
  const certificate = process.env.CLIENT_CERTIFICATE;
  return [page, secret('tickets bot', 'client_secret_basic'), ...(certificate ? [certified(certificate)] : [])];
}

const server = http.createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const { port } = server.address();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: clients(),
    // The package calls no address of this machine, where the application of the tests is.
    fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
    findAccount,
    jwks: { keys: [named(privateKey)] },
    cookies: { keys: ['of a peer in tests'] },
    claims: { openid: ['sub', 'oid', 'tid'], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: process.env.NAMES_FROM_USERINFO === 'yes',
    clientDefaults: { id_token_signed_response_alg: algorithm },
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    features: {
      revocation: { enabled: true },
      backchannelLogout: { enabled: Boolean(process.env.BACKCHANNEL_LOGOUT_URI) },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'chat', accessTokenFormat: 'jwt' }),
        defaultResource: () => undefined,
      },
    },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  });
  const seen = (params) => print({ event: 'exchange', params });
  registerGrants(provider, { issuer, keys: [named(createPublicKey(privateKey))], entra, accounts, seen });
  for (const name of ['authorization.error', 'grant.error', 'server_error', 'introspection.error']) {
    provider.on(name, (_context, error) => print({ event: name, error: error.error, detail: error.error_detail }));
  }
  provider.on('grant.success', (context) => {
    const { client, params } = context.oidc;
    print({ event: 'grant', type: params.grant_type, client: client.clientId, method: client.clientAuthMethod });
  });
  provider.on('backchannel.success', (_context, client) => print({ event: 'backchannel', client: client.clientId, ok: true }));
  provider.on('backchannel.error', (_context, error, client) => print({ event: 'backchannel', client: client.clientId, ok: false, error: error.cause?.message ?? error.message }));
  provider.on('grant.revoked', () => print({ event: 'revoked' }));
  server.on('request', provider.callback());
  print({ event: 'listening', port });
});
