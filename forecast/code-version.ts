// The code version that every result carries: its own file, for those who need it without a blackboard.

export const CODE_VERSION = 'synth-swarm/0.1.0';
