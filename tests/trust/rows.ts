// The rows of an invented history: the columns that the trust views read.
export interface AgentRow {
  readonly id: string;
  readonly owner: string;
  readonly role: string;
  readonly name: string;
}
export interface ClaimRow {
  readonly id: string;
  readonly agent_id: string;
  readonly slot: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly spec_digest: string;
  readonly artifact: string;
  readonly claimed_gain: number;
  readonly claimed_se: number;
  readonly as_of: Date;
  readonly market_at: Date;
  readonly salt: string;
  readonly experiment_id: string;
}
export interface VerdictRow {
  readonly id: string;
  readonly agent_id: string;
  readonly claim_id: string;
  readonly finding: 'scored' | 'refused';
  readonly reign: number;
  readonly verified_gain: number | null;
  readonly verified_se: number | null;
  readonly champion_t: number | null;
  readonly champion_crps: number | null;
  readonly difference_sd: number | null;
  readonly market_at: Date;
  readonly at: Date;
}
export interface PromotionRow {
  readonly id: string;
  readonly agent_id: string;
  readonly kind: 'found' | 'promote' | 'rollback';
  readonly slot: string;
  readonly reign: number;
  readonly artifact: string;
  readonly challenger_id: string | null;
  readonly market_at: Date;
}
export interface ChallengerRow {
  readonly id: string;
  readonly kind: 'challenge' | 'rollback';
  readonly slot: string;
  readonly reign: number;
  readonly k: number;
  readonly artifact: string;
  readonly alpha: number;
  readonly claim_id?: string;
}
export interface PatternRow {
  readonly id: string;
  readonly agent_id: string;
  readonly slot: string | null;
  readonly family: string | null;
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly market_at?: Date;
}
