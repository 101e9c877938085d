// `swarm validator`: asks a miner over the wire as one of the subnet's validators would, prints a verdict for each
// request, and with --hostile plays everything that an open port attracts. Exit 1 when anything is not as it should be.
import { randomUUID } from 'node:crypto';
import { SwarmError } from '../../blackboard/errors.js';
import { type Competition, findCompetition, loadProfile, type Profile } from '../../miner/sn50/profile.js';
import { formatStart, type Prompt, promptStart } from '../../miner/sn50/prompt.js';
import {
  type AxonAddress,
  type Dendrite,
  exchange,
  nonceNow,
  pingRequest,
  simulationRequest,
  withHeaders,
} from '../../miner/validator/wire.js';
import { hostilePlays } from '../../miner/validator/wire-hostile.js';
import { wireVerdict } from '../../miner/validator/wire-verdict.js';
import { loadHotkey } from '../../miner/wallet/hotkey.js';
import { cryptoReady, devSigner, type Signer } from '../../miner/wallet/sr25519.js';
import { decodeSs58 } from '../../miner/wallet/ss58.js';

export interface ValidatorArguments {
  readonly target: string;
  readonly key: string;
  readonly axonHotkey?: string;
  readonly assets: string[];
  readonly competition?: string;
  readonly requests: number;
  readonly timeout?: number;
  readonly hostile?: boolean;
  readonly profile: string;
  readonly json?: boolean;
}

/** One line of the report. */
interface Line {
  readonly request: string;
  readonly ok: boolean;
  readonly verdict: string;
  readonly ms: number | null;
  readonly bytes: number | null;
}

const PING_MS = 12_000;

export async function validatorCommand(o: ValidatorArguments): Promise<number> {
  await cryptoReady();
  const profile = loadProfile(o.profile);
  const asked = questions(profile, o);
  const dendrite: Dendrite = { signer: await signerOf(o.key), ip: '127.0.0.1', uuid: randomUUID() };
  const axon = await addressOf(o, dendrite);
  const lines: Line[] = [];
  const tell = (line: Line): void => {
    lines.push(line);
    process.stdout.write(`${o.json ? JSON.stringify(line) : rendered(line)}\n`);
  };
  const ask = async (): Promise<void> => {
    for (const { rules, asset } of asked)
      for (let i = 0; i < o.requests; i += 1) tell(await prompted(dendrite, axon, profile, rules, asset, o));
  };
  tell(await pinged(dendrite, axon));
  await ask();
  if (o.hostile) {
    const { rules, asset } = asked[0]!;
    for (const { name, sound, run } of hostilePlays(dendrite, axon, promptOf(rules, asset).prompt)) {
      const started = performance.now();
      const seen = await run();
      const ok = sound.includes(seen);
      const verdict = ok ? `${seen}` : `${seen}, not ${sound.join(' or ')}`;
      tell({
        request: `hostile: ${name}`,
        ok,
        verdict,
        ms: Math.round(performance.now() - started),
        bytes: null,
      });
    }
    await ask();
  }
  const wrong = lines.filter((line) => !line.ok).length;
  const summary = { requests: lines.length, as_they_should_be: lines.length - wrong, wrong };
  process.stdout.write(
    `${o.json ? JSON.stringify(summary) : `${lines.length} requests, ${wrong} not as they should be`}\n`,
  );
  return wrong === 0 ? 0 : 1;
}

const rendered = ({ request, ok, verdict, ms, bytes }: Line): string =>
  `${ok ? 'ok   ' : 'WRONG'}  ${request.padEnd(44)}  ${verdict}${ms === null ? '' : `  ${ms} ms`}${bytes === null ? '' : `  ${bytes} bytes`}`;

async function signerOf(key: string): Promise<Signer> {
  return devSigner(key) ?? (await loadHotkey(key)).signer;
}

function questions(profile: Profile, o: ValidatorArguments): { rules: Competition; asset: string }[] {
  const competitions =
    o.competition === undefined ? profile.competitions : [findCompetition(profile, o.competition)];
  const asked = competitions.flatMap((rules) =>
    o.assets.filter((asset) => rules.assets.includes(asset)).map((asset) => ({ rules, asset })),
  );
  if (asked.length > 0) return asked;
  throw new SwarmError(
    'SWARM_E_UNKNOWN_ASSET',
    `no competition of ${profile.id} asks for ${o.assets.join(', ')}`,
    `Ask for one of ${[...new Set(competitions.flatMap((rules) => rules.assets))].join(', ')}.`,
  );
}

/** HOST:PORT, and whose axon it is: as told, or as it says itself when it refuses a signature. */
async function addressOf(o: ValidatorArguments, dendrite: Dendrite): Promise<AxonAddress> {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(o.target) ?? [];
  if (host === undefined || host.includes(':'))
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${o.target} is no HOST:PORT`,
      'Give an IPv4 address or a name, such as 127.0.0.1:8091.',
    );
  const address = { host, port: Number(port), hotkey: o.axonHotkey ?? dendrite.signer.ss58 };
  if (o.axonHotkey !== undefined) return address;
  const unsigned = withHeaders(pingRequest(dendrite, address, PING_MS / 1000), {
    bt_header_dendrite_signature: `0x${'00'.repeat(64)}`,
  });
  const reply = await exchange(address, unsigned, PING_MS);
  const hotkey = /Signature mismatch with \d+\.\w+\.(\w+)\./.exec(reply?.body ?? '')?.[1];
  if (hotkey !== undefined && decodeSs58(hotkey) !== null) return { ...address, hotkey };
  throw new SwarmError(
    'SWARM_E_USAGE',
    reply === null
      ? `nothing answers at ${o.target}`
      : `${o.target} does not say whose axon it is: ${reply.status} ${reply.body.slice(0, 200)}`,
    reply === null
      ? 'Start the miner, or correct --target.'
      : `Let ${dendrite.signer.ss58} ask (--allow of the miner), or name the miner with --axon-hotkey.`,
  );
}

async function pinged(dendrite: Dendrite, axon: AxonAddress): Promise<Line> {
  const reply = await exchange(axon, pingRequest(dendrite, axon, PING_MS / 1000), PING_MS);
  return {
    request: 'ping',
    ok: reply?.status === 200,
    verdict: reply === null ? 'no reply' : String(reply.status),
    ...cost(reply),
  };
}

/** A prompt as it would be asked now, and its deadline, which is the moment it begins. */
function promptOf(rules: Competition, asset: string): { prompt: Prompt; timeout_s: number } {
  const now_s = Date.now() / 1000;
  const start_s = promptStart(now_s, rules.timeout_extra_s);
  const prompt = {
    asset,
    start_time: formatStart(start_s),
    time_increment: rules.increment_s,
    time_length: rules.length_s,
    num_simulations: rules.num_simulations,
  };
  return { prompt, timeout_s: start_s - now_s };
}

async function prompted(
  dendrite: Dendrite,
  axon: AxonAddress,
  profile: Profile,
  rules: Competition,
  asset: string,
  o: ValidatorArguments,
): Promise<Line> {
  const { prompt, timeout_s } = promptOf(rules, asset);
  const wait_s = o.timeout ?? timeout_s;
  const request = simulationRequest(dendrite, axon, prompt, wait_s, nonceNow());
  const reply = await exchange(axon, request, wait_s * 1000);
  const verdict = wireVerdict(reply, prompt, profile.response_rule);
  const ok = verdict === 'CORRECT';
  const said =
    ok || reply === null || reply.status === 200 ? '' : ` (${reply.status} ${reply.body.slice(0, 160)})`;
  return {
    request: `${rules.id}/${asset} ${prompt.start_time}`,
    ok,
    verdict: `${verdict}${said}`,
    ...cost(reply),
  };
}

const cost = (reply: { process_time: number; bytes: number } | null) => ({
  ms: reply === null ? null : Math.round(reply.process_time * 1000),
  bytes: reply?.bytes ?? null,
});
