// Three suites: unit (no processes), integration (a real Postgres and nats-server), system (the whole swarm).
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['tests/{forecast,miner,blackboard,trust,agents,cli}/**/*.test.ts'], exclude: ['**/*.integration.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['tests/**/*.integration.test.ts'],
          globalSetup: ['tests/services.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      { test: { name: 'system', include: ['tests/system/**/*.test.ts'], testTimeout: 1_200_000, hookTimeout: 180_000, fileParallelism: false } },
    ],
  },
});
