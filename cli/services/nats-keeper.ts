// The process that keeps one home's nats-server: `node nats-keeper.js <home> <port> <binary> <version>`.
// Reads the password from the home's settings, so that it is neither an argument nor in the environment.
// Leaves to keeper.ts: when to stop. To the supervisor: starting again.
import { openHome } from './home.js';
import { keep } from './keeper.js';
import { launchNats, natsReady, stopNatsOn } from './nats-server.js';

const [root = '', port = '', path = '', version = ''] = process.argv.slice(2);
const home = openHome(root);

await keep({
  name: 'nats',
  // Both SIGINT and SIGTERM are orderly; only SIGINT exits 0.
  gentle: 'SIGINT',
  forceful: 'SIGKILL',
  patienceMs: 20_000,
  async launch() {
    const left = await stopNatsOn(home.nats);
    if (left > 0) console.error('nats: ended a server that an earlier keeper left');
    return launchNats(
      { directory: home.nats, port: Number(port), login: home.settings.nats },
      { path, version },
    );
  },
  ready: (signal) => natsReady(Number(port), signal),
});
