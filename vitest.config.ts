// Four suites: unit (no services), integration (a real Postgres and nats-server), faults (roles as processes that are killed, and servers
// that fail under them), system (the whole swarm as processes).
import { defineConfig } from 'vitest/config';

const unit = {
  name: 'unit',
  include: ['tests/{forecast,miner,blackboard,trust,agents,cli}/**/*.test.ts'],
  exclude: ['**/*.integration.test.ts'],
  testTimeout: 30_000,
  sequence: { groupOrder: 0 },
};

const integration = {
  name: 'integration',
  include: ['tests/{forecast,miner,blackboard,trust,agents,cli}/**/*.integration.test.ts'],
  globalSetup: ['tests/services.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
};

const faults = {
  name: 'faults',
  include: ['tests/faults/**/*.test.ts'],
  globalSetup: ['tests/services.ts'],
  testTimeout: 480_000,
  hookTimeout: 480_000,
  maxWorkers: 3,
  sequence: { groupOrder: 2 },
};

const system = {
  name: 'system',
  include: ['tests/system/**/*.test.ts'],
  testTimeout: 1_200_000,
  hookTimeout: 180_000,
  maxWorkers: 1,
  sequence: { groupOrder: 3 },
};

export default defineConfig({
  test: { projects: [unit, integration, faults, system].map((test) => ({ test })) },
});
