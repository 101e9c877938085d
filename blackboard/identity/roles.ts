// What an agent can be.
export const agentRoles = [
  'explorer',
  'optimizer',
  'checker',
  'publisher',
  'miner',
  'validator',
  'feed',
  'relay',
] as const;

export type AgentRole = (typeof agentRoles)[number];
