// The commands about identities: enrolment, rotation, revocation and the list. They need an administrator's connection.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type pg from 'pg';
import { accounts } from '../../blackboard/events/access.js';
import { enrol, ownerKeyIn } from '../../blackboard/identity/enrol.js';
import { type AgentState, listAgents, listNatsAgents } from '../../blackboard/identity/list.js';
import { type OwnerKey, readOwnerKey } from '../../blackboard/identity/owner.js';
import { knownAgent } from '../../blackboard/identity/register.js';
import { revoke } from '../../blackboard/identity/revoke.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { rotate } from '../../blackboard/identity/rotate.js';
import { withAdmin } from '../admin.js';
import { defaultRoot, openHome } from '../services/home.js';
import { usersDatabase, writeUsers } from '../services/nats-server.js';
import { table } from '../status/render.js';
import { databaseOf } from '../where.js';

interface Where {
  readonly home?: string;
  readonly databaseUrl?: string;
  readonly json?: boolean;
}

export async function enrolCommand(
  o: Where & { owner: string; role: AgentRole; name?: string; out?: string; ownerKey?: string },
): Promise<void> {
  await administered(o, async (admin) => {
    const name = o.name ?? (await freeName(admin, `${o.owner}-${o.role}`));
    const path = resolve(o.out ?? join(rootOf(o), 'agents', `${name}.json`));
    const owner =
      o.ownerKey === undefined
        ? await ownerKeyIn(admin, owners(o), o.owner)
        : readOwnerKey(o.ownerKey, o.owner);
    const { credentials: who } = await enrol(admin, path, { name, owner: o.owner, role: o.role }, owner);
    await tellNats(o, admin);
    print(
      o,
      { id: who.id, name, owner: o.owner, role: o.role, file: path },
      `${name} of ${o.owner} is enrolled: ${path}`,
    );
  });
}

export async function rotateCommand(
  name: string,
  o: Where & { file?: string; ownerKey?: string },
): Promise<void> {
  await administered(o, async (admin) => {
    const agent = await knownAgent(admin, name);
    const path = resolve(o.file ?? join(rootOf(o), 'agents', `${agent.name}.json`));
    const key = readOwnerKey(o.ownerKey ?? join(owners(o), `${agent.owner}.json`), agent.owner);
    await rotate(admin, path, key);
    await tellNats(o, admin);
    print(o, { id: agent.id, name: agent.name, file: path }, `${agent.name} has new keys: ${path}`);
  });
}

export async function revokeCommand(
  name: string,
  o: Where & { reason: string; ownerKey?: string },
): Promise<void> {
  await administered(o, async (admin) => {
    const { owner } = await knownAgent(admin, name);
    const agent = await revoke(admin, name, o.reason, keyIfAny(o, owner));
    await tellNats(o, admin);
    print(
      o,
      { id: agent.id, name: agent.name, owner: agent.owner },
      `${agent.name} of ${agent.owner} is revoked`,
    );
  });
}

/** For a nats-server of one's own: its configuration includes this file and is told to read it again. */
export async function natsUsersCommand(o: Where): Promise<void> {
  await administered(o, async (admin) => {
    process.stdout.write(accounts(null, (await listNatsAgents(admin)).agents));
  });
}

/** The nats-server of this home, running or not, lets in who is enrolled now. */
async function tellNats(o: Where, admin: pg.Client): Promise<void> {
  if (!existsSync(join(rootOf(o), 'settings.json'))) return;
  const home = openHome(o.home);
  const { agents, database } = await listNatsAgents(admin);
  const known = usersDatabase(home.nats);
  if (known === '' || known === database) writeUsers(home.nats, home.settings.nats, agents, database);
  else
    process.stderr.write(
      `${home.root} runs NATS for another database and was left alone; name the home of this one with --home\n`,
    );
}

export async function listCommand(o: Where): Promise<void> {
  await administered(o, async (admin) => {
    const agents = await listAgents(admin);
    print(
      o,
      agents,
      table(['agent', 'role', 'owner', 'state', 'keys', 'since', 'last seen', 'id'], agents.map(cells)),
    );
  });
}

const cells = (a: AgentState): string[] => [
  a.name,
  a.role,
  a.owner,
  a.state,
  String(a.serial ?? 0),
  a.enrolled_at.toISOString().slice(0, 16),
  a.seen_at?.toISOString().slice(0, 16) ?? 'never',
  a.id,
];

/** Somebody else's key is never made up: without the owner's, the revocation is the administrator's. */
function keyIfAny(o: Where & { ownerKey?: string }, owner: string): OwnerKey | null {
  const path = o.ownerKey ?? join(owners(o), `${owner}.json`);
  return o.ownerKey !== undefined || existsSync(path) ? readOwnerKey(path, owner) : null;
}

async function freeName(admin: pg.Client, stem: string): Promise<string> {
  const { rows } = await admin.query<{ name: string }>(
    'select name from board.agent where starts_with(name, $1)',
    [stem],
  );
  const taken = new Set(rows.map((row) => row.name));
  for (let n = 1; ; n++) if (!taken.has(`${stem}-${n}`)) return `${stem}-${n}`;
}

const rootOf = (o: Where): string => o.home ?? defaultRoot();
const owners = (o: Where): string => join(rootOf(o), 'owners');

const administered = (o: Where, act: (admin: pg.Client) => Promise<void>): Promise<void> =>
  withAdmin(o.databaseUrl ?? databaseOf(o.home), 'swarm agent', act);

function print(o: Where, value: unknown, text: string): void {
  process.stdout.write(`${o.json ? JSON.stringify(value) : text}\n`);
}
