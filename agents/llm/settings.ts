// Where language models are asked and which: settings as data, read once from the environment.
// Promises: null without a key; no model without a price, since a cap in money could not hold. The key leaves the
// environment when it is read, so that no child inherits it, and shows in no log, error or JSON.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';

/** What a model is asked for; each has a ladder of models of its own, cheapest first. */
export const taskKinds = ['plan', 'refine', 'author', 'diagnose', 'summarise'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** A model with its price in USD per million tokens. */
export interface Model {
  readonly id: string;
  readonly usd_in: number;
  readonly usd_out: number;
}

export interface LlmSettings {
  readonly base_url: string;
  readonly key: Secret;
  readonly ladder: Readonly<Record<TaskKind, readonly Model[]>>;
  /** Longest wait for one answer, s. */
  readonly timeout_s: number;
  /** Most that an answer may be long, tokens. */
  readonly max_tokens: number;
  /** What a whole verified gain (1 = 100% of the score) is worth, USD: below it nobody is asked. */
  readonly usd_per_gain: number;
}

type Environment = Record<string, string | undefined>;

const CHUTES = 'https://llm.chutes.ai/v1';
/** Prices are upper bounds of what was listed: a cap that is met early is no harm. */
const CHUTES_MODELS = [
  'Qwen/Qwen3-235B-A22B-Instruct-2507@0.2/0.8',
  'deepseek-ai/DeepSeek-V3.1@0.5/2',
  'zai-org/GLM-4.6@0.6/2.5',
].join(',');

/** A value that shows itself to nobody but who asks for it by name. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
}

const wrong = (name: string, what: string): SwarmError =>
  new SwarmError(
    'SWARM_E_LLM_CONFIG',
    `${name} ${what}`,
    'docs/agents.md has the settings of language models.',
  );

const price = z.coerce.number().nonnegative().finite();
const positive = z.coerce.number().positive().finite();

/** `id@in/out,id@in/out`: ids with their price in USD per million tokens. */
function models(name: string, text: string): Model[] {
  return text.split(',').map((one) => {
    const [, id, usd_in, usd_out] = /^\s*([^\s@]+)@([\d.]+)\/([\d.]+)\s*$/.exec(one) ?? [];
    const prices = z.tuple([price, price]).safeParse([usd_in, usd_out]);
    if (id === undefined || !prices.success)
      throw wrong(
        name,
        `has no model with a price in "${one.slice(0, 100)}": MODEL@IN/OUT, USD per million tokens`,
      );
    return { id, usd_in: prices.data[0], usd_out: prices.data[1] };
  });
}

function figure(env: Environment, name: string, otherwise: number): number {
  const given = positive.safeParse(env[name] ?? otherwise);
  if (!given.success) throw wrong(name, 'is not a positive number');
  return given.data;
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  // A key is not sent in the clear to another machine.
  if (
    url === null ||
    url.username !== '' ||
    (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
  )
    throw wrong('SWARM_LLM_BASE_URL', 'is not an https URL without a login');
  return text.replace(/\/+$/, '');
}

/** The key, given as it is or as a file that holds it; null without one. */
function takeKey(env: Environment): string | null {
  const { SWARM_LLM_API_KEY: key, SWARM_LLM_API_KEY_FILE: file } = env;
  delete env['SWARM_LLM_API_KEY'];
  if (!file) return key || null;
  if (key) throw wrong('SWARM_LLM_API_KEY', 'and SWARM_LLM_API_KEY_FILE are both set');
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    throw wrong('SWARM_LLM_API_KEY_FILE', `cannot be read: ${(error as { code?: string }).code}`);
  }
}

/** The settings, or null when there is no key. Takes the key out of `env`. */
export function takeLlmSettings(env: Environment): LlmSettings | null {
  const key = takeKey(env);
  if (key === null) return null;
  if (/[^\x21-\x7e]/.test(key)) throw wrong('SWARM_LLM_API_KEY', 'holds spaces or characters beyond ASCII');
  const base_url = baseUrl(env['SWARM_LLM_BASE_URL'] ?? CHUTES);
  if (env['SWARM_LLM_MODELS'] === undefined && base_url !== CHUTES)
    throw wrong('SWARM_LLM_MODELS', `is missing: models of ${base_url} are not known here`);
  const common = env['SWARM_LLM_MODELS'] ?? CHUTES_MODELS;
  const ladder = Object.fromEntries(
    taskKinds.map((task) => {
      const name = `SWARM_LLM_MODELS_${task.toUpperCase()}`;
      return [task, models(env[name] === undefined ? 'SWARM_LLM_MODELS' : name, env[name] ?? common)];
    }),
  ) as Record<TaskKind, Model[]>;
  return {
    base_url,
    key: new Secret(key),
    ladder,
    timeout_s: figure(env, 'SWARM_LLM_TIMEOUT_S', 120),
    max_tokens: Math.ceil(figure(env, 'SWARM_LLM_MAX_TOKENS', 4096)),
    usd_per_gain: figure(env, 'SWARM_LLM_USD_PER_GAIN', 100),
  };
}

/** What a call costs at the model's price, USD, rounded up to the millionth. */
export const costOf = (model: Model, tokens_in: number, tokens_out: number): number =>
  Math.ceil(tokens_in * model.usd_in + tokens_out * model.usd_out) / 1e6;
