// Which requests are scored at all: one per asset and time bucket (miner_data_handler.py, density tapering).
// Promises that a bucket keeps exactly one old request, the same however often it is run. The order of preference is
// injectable because later validators pick by a salted hash, which a miner cannot predict.
import { createHash } from 'node:crypto';

export interface ThinRequest {
  readonly id: number;
  readonly asset: string;
  /** Unix seconds of the prompt's start_time. */
  readonly start_s: number;
}

export interface Thinning {
  readonly now_s: number;
  /** Only requests that started longer ago than this are thinned. */
  readonly older_than_s: number;
  readonly bucket_s: number;
  /** The request with the smallest key of its bucket stays, ties by id. Default: the id. */
  readonly key?: (id: number) => number | string;
}

/** The requests that survive, in the order given. All must be of one time_length. */
export function thin<R extends ThinRequest>(requests: readonly R[], thinning: Thinning): R[] {
  const { now_s, older_than_s, bucket_s, key = (id: number) => id } = thinning;
  const isOld = ({ start_s }: R) => start_s < now_s - older_than_s;
  const bucketOf = ({ asset, start_s }: R) => `${asset} ${Math.floor(start_s / bucket_s)}`;
  const keepers = new Map<string, { id: number; key: number | string }>();
  for (const request of requests) {
    if (!isOld(request)) continue;
    const candidate = { id: request.id, key: key(request.id) };
    const known = keepers.get(bucketOf(request));
    if (!known || candidate.key < known.key || (candidate.key === known.key && candidate.id < known.id))
      keepers.set(bucketOf(request), candidate);
  }
  return requests.filter((request) => !isOld(request) || keepers.get(bucketOf(request))?.id === request.id);
}

/** Key of the later validators: md5(id || salt), the salt being each validator's secret. */
export function saltedKey(salt: string): (id: number) => string {
  return (id) => createHash('md5').update(`${id}${salt}`).digest('hex');
}
