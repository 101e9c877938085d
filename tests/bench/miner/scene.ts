// A real miner with its axon, on a real database and a simulated market, and validators in another process that ask it.
import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { type AgentContext, openContext } from '../../../agents/runtime/context.js';
import { enrolIn } from '../../../blackboard/identity/enrol.js';
import { BarReader } from '../../../blackboard/market.js';
import { connectAdmin, publicAddress } from '../../../cli/admin.js';
import { changeSettings } from '../../../cli/services/home.js';
import { portsFrom } from '../../../cli/services/ports.js';
import { Supervisor } from '../../../cli/services/supervisor.js';
import { temporaryHome } from '../../../cli/temporary.js';
import { openMarket } from '../../../cli/up/market.js';
import { database } from '../../../cli/up/up.js';
import { fitAndCompile } from '../../../forecast/families/index.js';
import { trainingData } from '../../../forecast/fit/training.js';
import { packArtifact } from '../../../forecast/manifest.js';
import type { MinerProcess } from '../../../miner/context.js';
import { openMiner } from '../../../miner/serving/main.js';
import { loadProfile } from '../../../miner/sn50/profile.js';
import { cryptoReady } from '../../../miner/wallet/sr25519.js';
import { setRules } from '../../blackboard/rules.js';
import { agedWindow, crown, foundSlots } from '../../miner/reign.js';
import { freePorts } from '../../ports.js';
import { spec } from '../forecast.js';
import { type Client, openClient } from './client-process.js';
import { validators } from './load.js';

export const SLOT = '24h/BTC';
/** A minute of the market each second: every fourth prompt begins at another price. */
export const SPEED = 60;
export const PROFILE = '2026-05';
const VALIDATORS = 16;
const LOOPBACK = '127.0.0.1';
const SOURCE_PATHS = 20_000;
const STEP_S = 300;
const TRAIN_BARS = (90 * 86_400) / STEP_S;

export interface Scene {
  /** The validators, in their own process. */
  readonly client: Client;
  /** Another process with the same keys at another address, for what floods: as a rule it has not the validators' own. */
  readonly stranger: Client;
  readonly miner: MinerProcess;
  readonly now_s: number;
  /** Lets the market run at a speed from an instant on. */
  clock(at_s: number, speed: number): Promise<void>;
  /** Puts one of two models in turn on the throne of the slot. */
  swap(): Promise<void>;
  close(): Promise<void>;
}

export async function openScene(
  progress: (line: string) => void,
  assets: readonly string[] = ['BTC'],
): Promise<Scene> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closing.reverse()) await one();
  };
  try {
    await cryptoReady();
    const temporary = temporaryHome();
    closing.push(async () => temporary.remove());
    const [base = 0] = await freePorts(5);
    const home = changeSettings(temporary.home, { ports: { base } });
    const supervisor = new Supervisor(home);
    closing.push(() => supervisor.stop());
    const url = await database(supervisor, home, portsFrom(base).postgres);
    const admin = await connectAdmin(url, 'bench');
    closing.push(() => admin.end());
    const profile = loadProfile(PROFILE);
    const choice = { source: 'simulated' as const, assets, speed: 0, seed: 'bench', profile };
    const market = await openMarket(admin, choice, progress);
    const stop = new AbortController();
    const agent = async (role: 'publisher' | 'miner'): Promise<AgentContext> => {
      const { path } = await enrolIn(admin, home, { name: role, owner: 'bench', role });
      const options = {
        agentFile: path,
        blackboard: publicAddress(url),
        artifacts: home.artifacts,
        seed: '1',
      };
      const context = await openContext(options, [], stop.signal);
      context.log.level = 'error';
      closing.push(() => context.close());
      return context;
    };
    await setRules(admin, 'disable', ['gate']);
    const publisher = await agent('publisher');
    await foundSlots(publisher);
    progress('fitting');
    const now_s = market.market_at.getTime() / 1000;
    const models = await fitted(publisher, now_s, market.dataset_digest);
    await crown(publisher, SLOT, models[0]!, [await agedWindow(admin, publisher, SLOT)]);
    let reigns = 0;
    const hotkey = join(home.state, 'hotkey');
    writeFileSync(hotkey, JSON.stringify({ secretSeed: `0x${'0b'.repeat(32)}` }), { mode: 0o600 });
    const port = base + 4;
    const allow = validators(VALIDATORS).map(({ signer }) => signer.ss58);
    const miner = await openMiner(await agent('miner'), portsFrom(base).miner, {
      hotkey,
      port,
      allow,
      unrecorded: join(home.state, 'unrecorded-answers'),
    });
    closing.push(() => miner.close());
    const { signer } = await (await import('../../../miner/wallet/hotkey.js')).loadHotkey(hotkey);
    const open = (host: string): Client => {
      const client = openClient({ host, port, hotkey: signer.ss58 }, VALIDATORS);
      closing.push(() => client.close());
      return client;
    };
    return {
      client: open(LOOPBACK),
      stranger: open(elsewhere()),
      miner,
      now_s,
      clock: (at_s, speed) => setClock(admin, at_s, speed),
      async swap() {
        reigns += 1;
        await crown(publisher, SLOT, models[reigns % 2]!, [await agedWindow(admin, publisher, SLOT)]);
        await miner.step();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An address of this machine that is not the loopback's, where it has one: who connects to it comes from it. */
function elsewhere(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? LOOPBACK;
}

/** Two recursive models with placed paths, alike but for their level. */
async function fitted(publisher: AgentContext, now_s: number, dataset_digest: string): Promise<string[]> {
  const bars = await new BarReader(publisher.db, 0).series('BTC', STEP_S);
  const train = trainingData(bars, now_s, TRAIN_BARS);
  const meta = { data_cutoff_s: now_s, dataset_digest, code_version: 'bench' };
  const sampling = { source_paths: SOURCE_PATHS, sweeps: 2, laws: [] };
  const { onnx, manifest } = fitAndCompile(spec, train, meta);
  const twin = { ...manifest, sampling: { ...sampling, source_paths: SOURCE_PATHS - 1 } };
  return [
    await publisher.store.put(packArtifact(onnx, { ...manifest, sampling })),
    await publisher.store.put(packArtifact(onnx, twin)),
  ];
}

async function setClock(admin: pg.Client, at_s: number, speed: number): Promise<void> {
  await admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed)
     select source, dataset_digest, seed, profile, slots, to_timestamp($1), data_from, data_to, $2 from market.clock order by id desc limit 1`,
    [at_s, speed],
  );
}
