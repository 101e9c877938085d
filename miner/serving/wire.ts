// The axon in front of the serving code: the hotkey's file, who may ask, and which moment a prompt means.
// Promises: a live miner answers prompts that begin about now and refuses others. On a replayed or simulated market the
// validator's clock is the wall's and the market's is not: a prompt that begins about now is taken as asked at the
// market's own present, answered from what was known there, recorded under that moment, and labelled as it was asked.
// Leaves to others: the protocol (axon/), models and records (serve.ts).
import { marketNow } from '../../blackboard/market.js';
import { listed, noMembers, readPolicy, validatorsOf } from '../axon/policy.js';
import { type OpenAxon, openAxon } from '../axon/server.js';
import { type ChainOptions, openMembership } from '../chain/membership.js';
import type { MinerContext } from '../context.js';
import { Sn50Error } from '../sn50/errors.js';
import { formatStart, type Prompt, parseStart } from '../sn50/prompt.js';
import { watchField } from '../synth-api/watch.js';
import { loadHotkey } from '../wallet/hotkey.js';
import { lawOf } from './law.js';
import { type Served, serve } from './serve.js';

export interface WireOptions {
  /** btwallet's hotkey file. */
  readonly hotkey: string;
  /** Port of the axon, on all IPv4 addresses. */
  readonly port: number;
  /** Addresses that may ask, whatever else holds. */
  readonly allow: readonly string[];
  /** File with a policy of one's own; its lists and `allow` add up. */
  readonly policy?: string | undefined;
  /** File that keeps the nonces which a restart must not forget. */
  readonly nonces?: string | undefined;
  /** File that keeps answers which the database does not have yet. */
  readonly unrecorded?: string | undefined;
  /** Who is a member of the subnet, and where the axon is announced; without it the lists alone hold. */
  readonly chain?: ChainOptions | undefined;
  /** Base of the public scores; asked on a live market alone. */
  readonly synthApi?: string | undefined;
}

const MINUTE_S = 60;
/** A prompt begins one to two minutes after it is sent; clocks differ, and a queue may have held it. */
const PAST_S = 5 * MINUTE_S;
const FUTURE_S = 60 * MINUTE_S;

export async function openWire(served: Served, options: WireOptions): Promise<OpenAxon> {
  const { context } = served;
  const { signer } = await loadHotkey(options.hotkey);
  const own = options.policy === undefined ? null : readPolicy(options.policy);
  const policy = own ?? (options.chain === undefined ? listed([]) : validatorsOf([]));
  const membership =
    options.chain === undefined ? null : openMembership(context, options.chain, signer, options.port);
  const axon = await openAxon({
    signer,
    policy: { ...policy, allow: [...policy.allow, ...options.allow] },
    members: membership?.members ?? noMembers,
    log: context.log,
    port: options.port,
    nonces: options.nonces,
    async forward(prompt, validator, _signal, until_ms) {
      const meant = await moment(context, prompt);
      const { rest } = await serve(served, lawOf(context, meant), meant, validator, until_ms);
      return { start_s: parseStart(prompt.start_time), rest };
    },
  }).catch(async (error) => {
    await membership?.close();
    throw error;
  });
  const watch =
    membership === null || options.synthApi === undefined || context.clock.source !== 'live'
      ? null
      : watchField(context, options.synthApi, membership.uid);
  context.log.info({ port: axon.port, hotkey: signer.ss58, allow: options.allow.length }, 'the axon listens');
  return {
    port: axon.port,
    async close() {
      await Promise.all([axon.close(), membership?.close(), watch?.close()]);
    },
  };
}

/** The prompt at the market's moment. Throws SWARM_E_PROMPT_REFUSED for one that does not begin about now. */
async function moment(context: MinerContext, prompt: Prompt): Promise<Prompt> {
  const start_s = parseStart(prompt.start_time);
  const ahead_s = start_s - Date.now() / 1000;
  if (ahead_s < -PAST_S || ahead_s > FUTURE_S)
    throw new Sn50Error(
      'SWARM_E_PROMPT_REFUSED',
      `the prompt begins ${Math.abs(Math.round(ahead_s))} s ${ahead_s < 0 ? 'ago' : 'from now'}`,
      'A validator asks for forecasts that begin one or two minutes from now.',
    );
  if (context.clock.source === 'live') return prompt;
  const market_s = (await marketNow(context.db)).getTime() / 1000;
  const meant_s = Math.ceil((market_s + ahead_s) / MINUTE_S) * MINUTE_S;
  return { ...prompt, start_time: formatStart(meant_s) };
}
