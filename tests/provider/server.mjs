// Authorization servers that are not ours, one for each name of a host, all in this process. Who they
// are to be, what has happened at them and how late it is there is said and asked below `/_control/`.
// Ends with its standard input, so that it outlives no test.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

// Each has a clock of its own.
const place = new AsyncLocalStorage();
const now = Date.now;
Date.now = () => now() + (place.getStore()?.ahead ?? 0);

const places = new Map();

const events = [
  'authorization_code.saved', 'authorization_code.consumed', 'access_token.saved', 'access_token.destroyed',
  'client_credentials.saved', 'refresh_token.saved', 'refresh_token.consumed', 'refresh_token.destroyed',
];
const errors = ['authorization.error', 'grant.error', 'introspection.error', 'revocation.error', 'userinfo.error', 'server_error'];

// A client with a private key is given by that key.
function registered({ pem, ...client }) {
  if (!pem) return client;
  return { ...client, jwks: { keys: [{ ...createPublicKey(pem).export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] } };
}

function open(host, settings) {
  const provider = new Provider(`https://${host}`, {
    clients: settings.clients.map(registered),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // The public client, too, which could not keep them otherwise.
    rotateRefreshToken: true,
    pkce: { required: () => true },
    clockTolerance: settings.tolerance,
    ttl: {
      AccessToken: settings.access_seconds, ClientCredentials: settings.access_seconds, AuthorizationCode: 60,
      RefreshToken: 86400, Grant: 86400, Interaction: 600, Session: 86400, IdToken: 600,
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    cookies: { keys: ['tests only'] },
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: { enabled: false },
    },
  });
  // The tests speak plain http, as behind a proxy that ends TLS.
  provider.proxy = true;
  const made = { ahead: 0, answer: {}, log: [] };
  for (const event of events) {
    provider.on(event, ({ jti, grantId }) => made.log.push({ event, token: jti, grant: grantId }));
  }
  provider.on('grant.revoked', (_, grant) => made.log.push({ event: 'grant.revoked', grant }));
  for (const event of errors) {
    provider.on(event, (context, { error, message, error_description, error_detail, cause }) => made.log.push({
      event, path: context.path, error: error ?? message, told: error_description, meant: error_detail ?? cause?.message,
    }));
  }
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route === 'token' && context.status === 200) {
      made.log.push({ event: 'answered', members: Object.keys(context.body) });
      Object.assign(context.body, made.answer);
    }
  });
  // What is used after this is not heard of.
  made.handle = provider.callback();
  places.set(host, made);
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text && JSON.parse(text);
}

async function control(request, host, what) {
  if (request.method === 'POST') return open(host, await body(request)) ?? {};
  const made = places.get(host);
  if (what === 'log') return made.log;
  return Object.assign(made, await body(request)) && {};
}

const server = createServer((request, response) => {
  const [, marked, host, what] = request.url.split('/');
  if (marked === '_control') {
    control(request, host, what).then(
      (answer) => response.end(JSON.stringify(answer)),
      (error) => response.writeHead(500).end(String(error)),
    );
    return;
  }
  const made = places.get(request.headers.host);
  if (!made) {
    response.writeHead(404).end();
    return;
  }
  request.headers['x-forwarded-proto'] = 'https';
  place.run(made, () => {
    response.setHeader('date', new Date(Date.now()).toUTCString());
    made.handle(request, response);
  });
});

// The package's advice is for those who run it for real, and nobody reads on after the first line.
console.info = console.warn = () => {};
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`));
process.stdin.on('end', () => process.exit()).resume();
