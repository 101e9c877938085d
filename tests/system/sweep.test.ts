// A swarm without NATS: the sweep alone finds all work.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SwarmUnderTest } from './process.js';

const MINUTE = 60_000;
const swarm = new SwarmUnderTest(17_400);

beforeAll(() => swarm.up('--market', 'simulated', '--assets', 'BTC', '--no-events'));
afterAll(() => swarm.clean());

describe('a swarm without events', () => {
  it('says so, and claims are verified, prompts answered and scored all the same', async () => {
    const status = await swarm.until(
      'verdicts and scores',
      (s) => s.counts.verdicts >= 2 && s.counts.prompts_scored >= 5,
      8 * MINUTE,
    );
    expect(swarm.stderr).toMatch(/NATS: none .* sweep alone/);
    expect(status.agents.some((a) => a.role === 'relay')).toBe(false);
    expect(status.counts.invalid_answers).toBe(0);
  });

  it('refuses a second swarm on the same home, and the first goes on', async () => {
    const second = new SwarmUnderTest(17_450);
    const code = await second.upOn(swarm.home, '--market', 'simulated');
    expect(code).toBe(1);
    expect(second.stderr).toContain('SWARM_E_ALREADY_RUNNING');
    await swarm.until('still running', (s) => s.market.speed > 0, MINUTE);
    await second.clean();
  });
});
