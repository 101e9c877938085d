// Answering: request to response bytes of the real miner, on a real database and a simulated market.
import { openContext } from '../../agents/runtime/context.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import { BarReader } from '../../blackboard/market.js';
import { connectAdmin, publicAddress } from '../../cli/admin.js';
import { changeSettings } from '../../cli/services/home.js';
import { portsFrom } from '../../cli/services/ports.js';
import { Supervisor } from '../../cli/services/supervisor.js';
import { temporaryHome } from '../../cli/temporary.js';
import { openMarket } from '../../cli/up/market.js';
import { database } from '../../cli/up/up.js';
import { fitAndCompile } from '../../forecast/families/index.js';
import { trainingData } from '../../forecast/fit/training.js';
import { packArtifact } from '../../forecast/manifest.js';
import { openMiner } from '../../miner/serving/main.js';
import { loadProfile } from '../../miner/sn50/profile.js';
import { formatStart } from '../../miner/sn50/prompt.js';
import { setRules } from '../blackboard/rules.js';
import { crown, foundSlots } from '../miner/reign.js';
import { freePorts } from '../ports.js';
import { type Bench, figure, quantile, timed } from './figure.js';
import { spec } from './forecast.js';
import { type PlainGarch, plainAnswer, plainPaths } from './plain.js';

const SLOT = '24h/BTC';
const REQUESTS = 200;
const DAY_S = 86_400;

export const miner: Bench = async (progress) => {
  const temporary = temporaryHome();
  const [base = 0] = await freePorts(4);
  const home = changeSettings(temporary.home, { ports: { base } });
  const supervisor = new Supervisor(home);
  const closing: (() => Promise<unknown>)[] = [async () => temporary.remove(), () => supervisor.stop()];
  try {
    const url = await database(supervisor, home, portsFrom(base).postgres);
    const admin = await connectAdmin(url, 'bench');
    closing.push(() => admin.end());
    const profile = loadProfile('2026-05');
    const choice = { source: 'simulated' as const, assets: ['BTC'], speed: 0, seed: 'bench', profile };
    await setRules(admin, 'disable', ['gate']);
    const market = await openMarket(admin, choice, progress);
    const stop = new AbortController();
    const agent = async (role: 'publisher' | 'miner') => {
      const { path } = await enrolIn(admin, home, { name: role, owner: 'bench', role });
      const options = {
        agentFile: path,
        blackboard: publicAddress(url),
        artifacts: home.artifacts,
        seed: '1',
      };
      const context = await openContext(options, [], stop.signal);
      closing.push(() => context.close());
      return context;
    };
    const publisher = await agent('publisher');
    await foundSlots(publisher);
    progress('fitting');
    const now_s = market.market_at.getTime() / 1000;
    const bars = await new BarReader(publisher.db, 0).series('BTC', 300);
    const train = trainingData(bars, now_s, (90 * DAY_S) / 300);
    const { onnx, manifest } = fitAndCompile(spec, train, {
      data_cutoff_s: now_s,
      dataset_digest: market.dataset_digest,
      code_version: 'bench',
    });
    await crown(publisher, SLOT, await publisher.store.put(packArtifact(onnx, manifest)));
    const process = await openMiner(await agent('miner'), portsFrom(base).miner);
    closing.push(() => process.close());

    progress(`${REQUESTS} requests`);
    const start_s = (run: number): number => now_s + 60 * (run + 2);
    const answers = await timed(REQUESTS, (run) => ask(portsFrom(base).miner, start_s(run)));
    const plain = await timed(30, (run) =>
      plainAnswer(
        plainPaths(manifest.params as unknown as PlainGarch, 1000, 289, bars.close.at(-1)!, `${run}`),
        start_s(run),
        300,
      ),
    );
    const note = `${REQUESTS} requests one by one, 1000 x 289, garch_t in its sandbox, row written first; reference: plain simulate, round, JSON`;
    return [
      figure('answer_p50', 'ms', quantile(answers, 0.5), quantile(plain, 0.5), note),
      figure('answer_p99', 'ms', quantile(answers, 0.99), quantile(plain, 0.99), note),
    ];
  } finally {
    for (const close of closing.reverse()) await close();
  }
};

/** Asks for one forecast and reads the reply to its last byte. */
async function ask(port: number, start_s: number): Promise<void> {
  const simulation_input = {
    asset: 'BTC',
    start_time: formatStart(start_s),
    time_increment: 300,
    time_length: DAY_S,
    num_simulations: 1000,
  };
  const response = await fetch(`http://127.0.0.1:${port}/Simulation`, {
    method: 'POST',
    body: JSON.stringify({ simulation_input }),
  });
  const bytes = (await response.arrayBuffer()).byteLength;
  if (response.status !== 200 || bytes < 1e6)
    throw new Error(`answered ${response.status} with ${bytes} bytes`);
}
