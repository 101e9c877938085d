// The blackboard: writing, events, many agents, and reading what has grown. SWARM_BENCH_CLAIMS and SWARM_BENCH_MINUTES make it
// quicker; SWARM_BENCH_ONLY=inserts,events,agents,million picks parts.
import { thousand } from './blackboard/agents.js';
import { events } from './blackboard/events.js';
import { type BenchGround, openBenchGround } from './blackboard/ground.js';
import { inserts } from './blackboard/insert.js';
import { million } from './blackboard/million.js';
import type { Bench, Figure } from './figure.js';

type Part = (ground: BenchGround, progress: (line: string) => void) => Promise<Figure[]>;
const PARTS: Readonly<Record<string, Part>> = { inserts, events, agents: thousand, million };

export const blackboard: Bench = async (progress) => {
  const chosen = (process.env['SWARM_BENCH_ONLY'] ?? Object.keys(PARTS).join(',')).split(',');
  const out: Figure[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (!chosen.includes(name)) continue;
    progress(name);
    // Each on a server of its own: what one part leaves behind would be the next one's to carry.
    const ground = await openBenchGround();
    try {
      const figures = await part(ground, progress);
      for (const { name: what, figure, unit } of figures)
        progress(`${what}: ${figure.toPrecision(3)} ${unit}`);
      out.push(...figures);
    } finally {
      await ground.close();
    }
  }
  return out;
};
