// Which servers an address of NATS names.
import { describe, expect, it } from 'vitest';
import { connectNats, isUnanswered, natsServers } from '../../../blackboard/events/connect.js';

describe('the address of NATS', () => {
  it('names one server, or each of a cluster', () => {
    expect(natsServers('nats://a:1').map((at) => at.host)).toEqual(['a:1']);
    expect(natsServers('nats://a:1, tls://u:p@b:2,nats://[::1]:3').map((at) => at.host)).toEqual([
      'a:1',
      'b:2',
      '[::1]:3',
    ]);
  });

  it.each(['', 'here', 'nats://a:1,', 'nats://a:1,b:2', 'nats:', 'nats://a:1 nats://b:2'])(
    'is refused whole where a part of it cannot be read: "%s"',
    (address) =>
      expect(() => natsServers(address)).toThrowError(expect.objectContaining({ code: 'SWARM_E_USAGE' })),
  );

  it('is refused without its password', () => {
    expect(() => natsServers('nats://u:s3cret@a:1,,')).toThrowError(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
    );
  });

  it('of which none answers is an error that names them all', async () => {
    const failure = connectNats({ url: 'nats://u:s3cret@127.0.0.1:1,nats://127.0.0.1:2', name: 'a' });
    await expect(failure).rejects.toMatchObject({
      code: 'SWARM_E_NATS_UNREACHABLE',
      message: expect.stringMatching(/^(?!.*s3cret).*127\.0\.0\.1:1, 127\.0\.0\.1:2/),
    });
  });

  it('may be answered by nobody for a while, which is no other failure', () => {
    expect(isUnanswered(new Error('TIMEOUT'))).toBe(false);
  });
});
