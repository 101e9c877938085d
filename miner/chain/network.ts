// Which chain is meant, and where it is.

/** Where a chain is, and which one it is. */
export interface Network {
  readonly endpoints: readonly string[];
  /** Hash of its block 0; null takes what the first endpoint says. */
  readonly genesis: string | null;
  readonly netuid: number;
}

export const FINNEY: Network = {
  endpoints: ['wss://entrypoint-finney.opentensor.ai:443'],
  genesis: '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03',
  netuid: 50,
};
