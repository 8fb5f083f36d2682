// A real OpenID provider for tests of signing in. It prints its address, reads the server's callback address from
// standard input, and then says that it is ready. People sign in with any name and any password; what the provider
// says about them comes from PEOPLE ({ "login": { "email": …, "email_verified": … } }).
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

// Standard output is for the test, which stops reading it after these two lines.
console.info = console.error;
const people = JSON.parse(process.env.PEOPLE);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(`issuer ${issuer}`);
  createInterface({ input: process.stdin }).once('line', (callback) => {
    const provider = new Provider(issuer, {
      clients: [{
        client_id: 'sokiem',
        client_secret: 'a secret of the test',
        redirect_uris: [callback],
        post_logout_redirect_uris: [new URL('/sign-in', callback).href],
      }],
      pkce: { required: () => true },
      claims: { email: ['email', 'email_verified'], profile: ['preferred_username'] },
      ttl: { IdToken: 60 },
      cookies: { keys: ['only for tests'] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, preferred_username: id, ...people[id] }),
      }),
    });
    server.on('request', provider.callback());
    console.log('ready');
  });
});
process.stdin.on('end', () => process.exit(0));
