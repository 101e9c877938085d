// The language models of a local swarm: which explorers ask them, and what those are told.
// Promises: the key reaches them as a file of mode 0600 in the home, never as an argument or in an environment, and nobody else
// learns of it; settings that cannot work are refused before anything starts. Leaves to agents/llm/settings.ts: what they mean.
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { takeLlmSettings } from '../../agents/llm/settings.js';
import { SwarmError } from '../../blackboard/errors.js';

type Environment = Record<string, string | undefined>;

/** What the explorers search by that are not the control; the environment is empty unless they ask models. */
export interface Thinking {
  readonly strategist: 'evolve' | 'llm';
  readonly env: Readonly<Record<string, string>>;
}

const fileIn = (directory: string): string => join(directory, 'llm-api-key');

export const forgetKey = (directory: string): void => rmSync(fileIn(directory), { force: true });

/**
 * With a key explorers ask models unless they were told not to. Takes the key out of `env`. SWARM_E_LLM_CONFIG for settings that
 * cannot work, and where models are wanted without a key.
 */
export function thinkingOf(
  env: Environment,
  directory: string,
  wanted: Thinking['strategist'] | undefined,
): Thinking {
  const file = fileIn(directory);
  // Made anew: an older file may be open to others, or of a key that is no longer wanted.
  forgetKey(directory);
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('SWARM_LLM_') && value),
  ) as Record<string, string>;
  delete env['SWARM_LLM_API_KEY'];
  if (wanted === 'evolve') return { strategist: 'evolve', env: {} };
  const settings = takeLlmSettings({ ...given });
  if (settings === null && wanted === 'llm')
    throw new SwarmError(
      'SWARM_E_LLM_CONFIG',
      '--strategist llm is wanted and SWARM_LLM_API_KEY is not set',
      'Set it, or leave --strategist away.',
    );
  if (settings === null) return { strategist: 'evolve', env: {} };
  const { SWARM_LLM_API_KEY: _, SWARM_LLM_API_KEY_FILE: elsewhere, ...rest } = given;
  if (elsewhere === undefined) writeFileSync(file, settings.key.reveal(), { mode: 0o600, flag: 'wx' });
  // Of an endpoint with a certificate of its own.
  const authorities = env['NODE_EXTRA_CA_CERTS'];
  return {
    strategist: 'llm',
    env: {
      ...rest,
      SWARM_LLM_API_KEY_FILE: resolve(elsewhere ?? file),
      ...(authorities !== undefined && { NODE_EXTRA_CA_CERTS: resolve(authorities) }),
    },
  };
}
