// The built command as a process of its own, with a database and nothing else in its environment.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @example (await swarm(board.url, 'trust', '--json')).out */
export function swarm(url: string, ...args: string[]): Promise<Ran> {
  const env = { PATH: process.env['PATH'], SWARM_DATABASE_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}
