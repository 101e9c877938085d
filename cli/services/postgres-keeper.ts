// The process that keeps one home's Postgres: `node postgres-keeper.js <home> <port>`, started by postgres.ts.
// Reads the password from the home's settings, so that it is neither an argument nor in the environment.
// Leaves to keeper.ts: when to stop. To the supervisor: starting again.
import { openHome } from './home.js';
import { keep } from './keeper.js';
import { homeServer } from './postgres.js';
import { postgresBinaries, serverUser } from './postgres-binaries.js';
import { ensureCluster } from './postgres-cluster.js';
import { launchPostgres, postgresReady, stopPostgresOn } from './postgres-server.js';

const [root = '', port = ''] = process.argv.slice(2);
const spec = homeServer(openHome(root), Number(port));

await keep({
  name: 'postgres',
  gentle: 'SIGINT',
  forceful: 'SIGQUIT',
  patienceMs: 45_000,
  async launch() {
    const user = serverUser();
    const binaries = postgresBinaries(user);
    const left = await stopPostgresOn(spec.dataDirectory);
    if (left > 0) console.error(`postgres: ended ${left} process(es) that an earlier keeper left`);
    await ensureCluster(spec, binaries, user);
    return launchPostgres(spec, binaries, user);
  },
  ready: (signal) => postgresReady(spec, signal),
});
