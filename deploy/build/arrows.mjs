// Fails when an import runs against the house's arrows (docs/architecture.md).
// A room may import itself and what its line lists; `miner/sn50` is pure and counts as a room of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

const arrows = {
  blackboard: [],
  forecast: [],
  'miner/sn50': ['forecast'],
  trust: ['blackboard', 'miner/sn50'],
  agents: ['trust', 'blackboard', 'forecast', 'miner/sn50'],
  miner: ['miner/sn50', 'trust', 'blackboard', 'forecast'],
  cli: ['agents', 'miner', 'miner/sn50', 'trust', 'blackboard', 'forecast'],
};

const roomOf = (path) => {
  const parts = path.split(sep);
  return parts[0] === 'miner' && parts[1] === 'sn50' ? 'miner/sn50' : parts[0];
};

function* sources(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (path.endsWith('.ts')) yield path;
  }
}

const wrong = [];
let imports = 0;
for (const top of ['blackboard', 'forecast', 'trust', 'agents', 'miner', 'cli']) {
  for (const file of sources(top)) {
    const from = roomOf(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g,
    )) {
      imports += 1;
      const to = roomOf(normalize(join(dirname(file), target)));
      if (to !== from && !arrows[from].includes(to)) wrong.push(`${file}: ${from} -> ${to} (${target})`);
    }
  }
}
for (const line of wrong) console.error(`import against the arrows: ${line}`);
console.error(`arrows: ${imports} imports checked, ${wrong.length} wrong`);
process.exit(wrong.length || imports === 0 ? 1 : 0);
