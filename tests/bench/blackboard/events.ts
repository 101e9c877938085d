// From a claim's commit to its event at a consumer: outbox, NOTIFY, relay, JetStream, pull.
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDb } from '../../../blackboard/db.js';
import { connectNats } from '../../../blackboard/events/connect.js';
import { runRelay } from '../../../blackboard/events/relay.js';
import { pull } from '../../../blackboard/events/stream.js';
import { ensureNats } from '../../../cli/services/nats.js';
import { launchNats, natsReady } from '../../../cli/services/nats-server.js';
import { freePorts } from '../../ports.js';
import { type Figure, figure, quantile } from '../figure.js';
import { authorOf, insertClaims } from './claims.js';
import { type BenchGround, connected } from './ground.js';

const RATE = 200;
const SECONDS = 15;

/** No figures where there is no nats-server. */
export async function events(ground: BenchGround, progress: (line: string) => void): Promise<Figure[]> {
  const found = await ensureNats({ root: ground.home.root }, { install: true });
  if (found.mode === 'none') {
    progress(`events: ${found.reason}`);
    return [];
  }
  const [port = 0] = await freePorts(1);
  const log = openSync(join(ground.home.logs, 'bench-nats.log'), 'a');
  const directory = join(ground.home.root, 'bench-nats');
  const server = await launchNats({ directory, port, login: null }, found, log);
  const stop = new AbortController();
  await natsReady(port, AbortSignal.timeout(30_000));
  const relay = await ground.enrol('relay', 'bench-relay', 'bench');
  const author = await authorOf(
    ground,
    await ground.enrol('explorer', 'bench-events', 'bench'),
    RATE * SECONDS + 100,
  );
  const db = openDb({ url: relay.url, name: 'bench relay' });
  const url = `nats://127.0.0.1:${port}`;
  const relaying = runRelay({
    db,
    databaseUrl: relay.url,
    nats: { url, name: relay.who.name },
    signal: stop.signal,
    onProblem: (error) => progress(`relay: ${error}`),
    onPass: () => undefined,
  });
  const client = await connected(author.url);
  try {
    await delay(5000);
    const login = { url, name: author.who.name };
    const nats = await connectNats(login);
    const arrived = new Map<string, number>();
    const listening = (async () => {
      for await (const { event, ack } of pull(nats, login, stop.signal)) {
        if (event !== null) arrived.set(event.ref, performance.now());
        ack();
      }
    })();
    progress(`events: ${RATE} claims a second`);
    const committed = new Map<string, number>();
    const began = performance.now();
    for (let i = 0; i < RATE * SECONDS; i++) {
      const wait = began + (i * 1000) / RATE - performance.now();
      if (wait > 1) await delay(wait);
      for (const id of await insertClaims(client, author)) committed.set(id, performance.now());
    }
    for (let i = 0; i < 100 && arrived.size < committed.size; i++) await delay(100);
    const lost = [...committed.keys()].filter((id) => !arrived.has(id)).length;
    // An event may be there before its writer has heard that its commit is: then it took no time.
    const spent = [...committed].flatMap(([id, at]) =>
      arrived.has(id) ? [Math.max(0, arrived.get(id)! - at)] : [],
    );
    stop.abort();
    await listening;
    await nats.close();
    const rate = (1000 * committed.size) / (Math.max(...committed.values()) - began);
    const note = `commit to consumer at ${rate.toFixed(0)} claims/s, ${lost} lost; reference: the aim`;
    return [
      figure('event_p50', 'ms', quantile(spent, 0.5), 10, note),
      figure('event_p99', 'ms', quantile(spent, 0.99), 60, note),
    ];
  } finally {
    stop.abort();
    await relaying;
    await client.end();
    await db.destroy();
    server.kill('SIGINT');
  }
}
