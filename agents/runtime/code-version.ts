// The code version that every result carries.
export const CODE_VERSION = 'synth-swarm/0.1.0';
