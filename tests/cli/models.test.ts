// What `swarm up` tells its explorers of language models: enough to ask them, no key where others can read it, and nothing to others.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLlmSettings } from '../../agents/llm/settings.js';
import { fleet } from '../../cli/up/fleet.js';
import { forgetKey, thinkingOf } from '../../cli/up/models.js';

const KEY = 'sk-up-0123456789abcdef';
const given = () => ({
  SWARM_LLM_API_KEY: KEY,
  SWARM_LLM_BASE_URL: 'https://models.example/v1',
  SWARM_LLM_MODELS: 'small@1/2',
  SWARM_HOME: '/h',
});
let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'swarm-models-'));
});
afterEach(() => rmSync(state, { recursive: true }));

describe('the explorers of `swarm up`', () => {
  it('evolve without a key, and where they are told to', () => {
    expect(thinkingOf({ SWARM_HOME: '/h' }, state, undefined)).toEqual({ strategist: 'evolve', env: {} });
    expect(thinkingOf(given(), state, 'evolve')).toEqual({ strategist: 'evolve', env: {} });
    expect(readdirSync(state)).toEqual([]);
  });

  it('ask models where there is a key, which they find in a file of mode 0600', () => {
    const env = given();
    const thinking = thinkingOf(env, state, undefined);
    expect(thinking.strategist).toBe('llm');
    expect(env).not.toHaveProperty('SWARM_LLM_API_KEY');
    expect(JSON.stringify(thinking)).not.toContain(KEY);
    expect(Object.keys(thinking.env).every((name) => name.startsWith('SWARM_LLM_'))).toBe(true);
    const [file] = readdirSync(state);
    expect(statSync(join(state, file!)).mode & 0o777).toBe(0o600);
    const settings = takeLlmSettings({ ...thinking.env })!;
    expect(settings.key.reveal()).toBe(KEY);
    expect(settings.base_url).toBe('https://models.example/v1');
    forgetKey(state);
    expect(readdirSync(state)).toEqual([]);
  });

  it('are given a file that a person named, by its full path', () => {
    const file = join(state, 'mine');
    writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
    const { SWARM_LLM_API_KEY: _, ...rest } = given();
    const { env } = thinkingOf({ ...rest, SWARM_LLM_API_KEY_FILE: relative('.', file) }, state, 'llm');
    expect(env['SWARM_LLM_API_KEY_FILE']).toBe(file);
    expect(readdirSync(state)).toEqual(['mine']);
    expect(readFileSync(file, 'utf8')).toContain(KEY);
  });

  it('are not started with settings that cannot work, and the key is in no message', () => {
    const { SWARM_LLM_MODELS: _, ...priceless } = given();
    const both = { ...given(), SWARM_LLM_API_KEY_FILE: '/nowhere' };
    const unreadable = { SWARM_LLM_API_KEY_FILE: '/nowhere/at/all' };
    for (const env of [{}, priceless, both, unreadable])
      try {
        thinkingOf(env, state, 'llm');
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'SWARM_E_LLM_CONFIG' });
        expect(String((error as Error).message)).not.toContain(KEY);
      }
    expect(readdirSync(state)).toEqual([]);
  });

  it('are the only ones to know: not the control, not another role', () => {
    const thinking = thinkingOf(given(), state, undefined);
    const members = fleet({
      explorers: 3,
      thinking,
      optimizers: 1,
      saboteurs: 1,
      events: true,
      fed: true,
      feedEnv: {},
      minerPort: 1,
      spool: '',
    });
    const knowing = members.filter(({ env }) => env?.['SWARM_LLM_API_KEY_FILE'] !== undefined);
    expect(knowing.map(({ name }) => name)).toEqual(['explorer-1', 'explorer-2']);
    expect(knowing.every(({ args }) => String(args) === '--strategist,llm')).toBe(true);
    expect(members.find(({ name }) => name === 'explorer-3')?.args).toEqual(['--strategist', 'random']);
  });
});
