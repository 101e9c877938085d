// `swarm certs`: certificates for the servers of a fleet, from an authority of its own.
import { resolve } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { issue } from './authority.js';

export async function certsCommand(o: { out: string; host: string[]; days: number }): Promise<void> {
  if (o.days < 1)
    throw new SwarmError('SWARM_E_USAGE', '--days must be 1 or more', 'Leave it out for a year.');
  const out = resolve(o.out);
  const isNew = await issue({ out, hosts: o.host, days: o.days, now: new Date() });
  process.stderr.write(
    `${out}: ${isNew ? 'a new authority' : 'the authority that was there'}, certificates for ${o.host.join(', ')}\n` +
      'Give ca.crt to every machine (SWARM_TLS_CA); keep ca.key away from all of them.\n',
  );
}
