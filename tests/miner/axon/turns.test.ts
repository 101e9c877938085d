// Who is answered next, and who is turned away.
import { describe, expect, it } from 'vitest';
import type { RequestFacts } from '../../../miner/axon/facts.js';
import { Nonces } from '../../../miner/axon/nonces.js';
import { blacklisted, type Member } from '../../../miner/axon/policy.js';
import { NoTurn, Turns } from '../../../miner/axon/turns.js';
import { alice, bob, mallory, onlyAlice } from './scene.js';

const never = new AbortController().signal;

describe('turns', () => {
  const limits = { running: 1, waiting: 4, waitingEach: 3 };

  /** The order in which waiting requests start, each as [who, stake]. */
  async function order(requests: readonly (readonly [string, number])[]): Promise<string[]> {
    const turns = new Turns({ ...limits, waiting: 100, waitingEach: 100 });
    const first = await turns.take('first', 0, never);
    const started: string[] = [];
    const all = requests.map(async ([who, stake]) => {
      const done = await turns.take(who, stake, never);
      started.push(who);
      done();
    });
    first();
    await Promise.all(all);
    return started;
  }

  it('go to the larger stake among those who were served equally often', async () => {
    expect(
      await order([
        ['a', 1],
        ['b', 3],
        ['c', 2],
      ]),
    ).toEqual(['b', 'c', 'a']);
  });

  it('alternate under a flood, whatever the flooder’s stake', async () => {
    expect(
      await order([
        ['rich', 9],
        ['rich', 9],
        ['rich', 9],
        ['poor', 1],
      ]),
    ).toEqual(['rich', 'poor', 'rich', 'rich']);
  });

  it('are refused to who has too many waiting, and a full house makes room for another', async () => {
    const turns = new Turns(limits);
    await turns.take('x', 0, never);
    const waiting = Array.from({ length: 3 }, () => turns.take('x', 0, never));
    await expect(turns.take('x', 0, never)).rejects.toThrow(NoTurn);
    void turns.take('y', 0, never);
    const displaced = expect(waiting[2]).rejects.toThrow(NoTurn);
    void turns.take('z', 0, never);
    await displaced;
  });

  it('are never all taken by one validator', async () => {
    const turns = new Turns({ running: 2, waiting: 9, waitingEach: 9 });
    await turns.take('x', 9, never);
    let second = false;
    const again = turns.take('x', 9, never).then((done) => {
      second = true;
      return done;
    });
    const done = await turns.take('y', 0, never);
    expect(second).toBe(false);
    done();
    expect(await Promise.race([again.then(() => 'x'), turns.take('y', 0, never).then(() => 'y')])).toBe('y');
  });

  it('are not waited for beyond the caller’s time', async () => {
    const turns = new Turns(limits);
    const done = await turns.take('x', 0, never);
    const gone = new AbortController();
    const late = expect(turns.take('y', 0, gone.signal)).rejects.toThrow(NoTurn);
    gone.abort();
    await late;
    const next = turns.take('z', 0, never);
    done();
    await next;
  });
});

describe('nonces', () => {
  it('that made room are refused, never let through', () => {
    const nonces = new Nonces(10n);
    for (let i = 1n; i <= 40n; i += 1n) expect(nonces.use('key', `uuid-${i}`, i, i)).toBe(true);
    expect(nonces.last('key', 'uuid-40')).toBe(40n);
    expect(nonces.last('key', 'uuid-1')).toBe(24n);
    expect(nonces.last('key', 'new')).toBe(24n);
  });

  it('of too many keys are refused until old ones are stale', () => {
    const nonces = new Nonces(10n, 2);
    expect(nonces.use('a', 'u', 1n, 1n)).toBe(true);
    expect(nonces.use('b', 'u', 5n, 5n)).toBe(true);
    expect(nonces.use('c', 'u', 6n, 6n)).toBe(false);
    expect(nonces.use('c', 'u', 12n, 12n)).toBe(true);
    expect(nonces.last('a', 'u')).toBeNull();
    expect(nonces.last('b', 'u')).toBe(5n);
  });
});

describe('the policy', () => {
  const policy = { ...onlyAlice, others: 'members', validator_permit: true, minimum_stake: 1000 } as const;
  const members: Record<string, Member> = {
    [bob.ss58]: { stake: 1000, permit: true },
    [mallory.ss58]: { stake: 1000.5, permit: false },
  };
  const of = (hotkey: string, change = {}) =>
    blacklisted({ ...policy, ...change }, (key) => members[key], {
      dendrite: { hotkey, signature: '0x' },
    } as RequestFacts);

  it('lets its list in, then members with more than the minimum stake and a permit', () => {
    expect(of(alice.ss58)).toBeNull();
    expect(of(bob.ss58)).toBe('Stake below minimum threshold');
    expect(of(bob.ss58, { minimum_stake: 999 })).toBeNull();
    expect(of(mallory.ss58)).toBe('Non-validator hotkey');
    expect(of(mallory.ss58, { validator_permit: false })).toBeNull();
    expect(of('5Unknown')).toBe('Unrecognized hotkey');
  });

  it('denies whom it denies, listed or not', () => {
    expect(of(alice.ss58, { deny: [alice.ss58] })).toBe('Denied hotkey');
    expect(of(alice.ss58, { deny: [alice.ss58], others: 'anybody' })).toBe('Denied hotkey');
  });
});
