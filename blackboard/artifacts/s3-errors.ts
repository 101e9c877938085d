// What an error of the S3 protocol or of the network under it means for the swarm, and whether it may pass by itself.
// Promises: credentials and signed headers are in no error. The library's own error objects hold both, with the whole
// response, so none is kept as a cause: its words are.
import { SwarmError, type SwarmErrorCode } from '../errors.js';
import type { Failure } from './patience.js';
import type { S3Settings } from './s3-settings.js';

/** What the library hangs on its errors, as far as it is used here. */
export interface ServiceError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
}

/** Refusals with a status below 500 that the same request may not meet again. */
const PASSING = new Set([
  'RequestTimeout',
  'SlowDown',
  'TooManyRequests',
  'ThrottlingException',
  'OperationAborted',
  'ConditionalRequestConflict',
  // What was in the way of a conditional put was gone when it was looked at.
  'PreconditionFailed',
]);
const KEYS = new Set(['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId', 'SignatureDoesNotMatch']);
const BUCKETS = new Set([
  'NoSuchBucket',
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'InvalidBucketName',
]);
/** A certificate does not become valid by asking again. */
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/;

const HINTS: Partial<Record<SwarmErrorCode, string>> = {
  SWARM_E_STORE_UNREACHABLE:
    'Nothing was lost: what could not be stored or read is tried again later. Check SWARM_S3_ENDPOINT and the network.',
  SWARM_E_STORE_AUTH:
    'Check the access key; it needs s3:GetObject, s3:PutObject, s3:AbortMultipartUpload and s3:ListBucket on this bucket.',
  SWARM_E_STORE_BUCKET:
    'Create the bucket, or correct SWARM_S3_BUCKET, SWARM_S3_REGION or SWARM_S3_ENDPOINT.',
  SWARM_E_STORE_REFUSED: 'The settings for stores that differ from AWS are in docs/blackboard.md.',
};

export function storeError(code: SwarmErrorCode, what: string, hint?: string): SwarmError {
  return new SwarmError(code, what, hint ?? HINTS[code] ?? '');
}

/** Judges errors of one store. */
export function s3Judge(settings: S3Settings): (error: unknown, idle: boolean) => Failure {
  const where = whereIs(settings);
  const tell = (code: SwarmErrorCode, words: string, passing: boolean, hint?: string): Failure => ({
    // Redacted first: a cut through the middle of a secret would leave half of it.
    error: storeError(code, `${where}: ${withoutSecrets(words, settings).slice(0, 400)}`, hint),
    passing,
  });
  return (thrown, idle) => {
    if (thrown instanceof SwarmError) return { error: thrown, passing: false };
    const error = thrown as ServiceError;
    const status = error.$metadata?.httpStatusCode ?? 0;
    const words = wordsOf(error, status);
    if (idle) return tell('SWARM_E_STORE_UNREACHABLE', 'it stopped answering', true);
    if (error.name === 'NotImplemented' || status === 501)
      return tell(
        'SWARM_E_STORE_REFUSED',
        words,
        false,
        'If it does not know If-None-Match, set SWARM_S3_CONDITIONAL_PUT=false.',
      );
    if (status >= 500 || status === 429 || status === 408 || PASSING.has(error.name))
      return tell('SWARM_E_STORE_UNREACHABLE', words, true);
    if (error.name === 'RequestTimeTooSkewed')
      // The library has taken over the store's time; once is enough, or the clock is not what is wrong.
      return tell(
        'SWARM_E_STORE_AUTH',
        words,
        error.$metadata?.clockSkewCorrected === true,
        "Set this machine's clock: the store takes no request that is minutes off.",
      );
    if (BUCKETS.has(error.name) || status === 301 || status === 307)
      return tell('SWARM_E_STORE_BUCKET', words, false);
    if (status === 401 || status === 403 || KEYS.has(error.name))
      return tell('SWARM_E_STORE_AUTH', words, false);
    if (status >= 400) return tell('SWARM_E_STORE_REFUSED', words, false);
    if (TLS.test(error.code ?? '')) return tell('SWARM_E_STORE_REFUSED', words, false);
    // No answer, or one that is not the protocol's: a connection cut at the wrong moment looks like this.
    return tell('SWARM_E_STORE_UNREACHABLE', words, true);
  };
}

/** The store in words that may be shown to anybody. */
export const whereIs = (settings: S3Settings): string =>
  `${settings.endpoint}/${settings.bucket}/${settings.prefix}`;

function wordsOf(error: ServiceError, status: number): string {
  const name = error.code ?? error.name;
  const text = error.message === undefined || error.message === '' ? 'no words' : error.message;
  return `${status > 0 ? `status ${status}, ` : ''}${name}: ${text.replace(/\s+/g, ' ')}`;
}

/** A store may repeat in its answer what it was sent. */
function withoutSecrets(text: string, { accessKeyId, secretAccessKey }: S3Settings): string {
  return text
    .replaceAll(secretAccessKey, '[redacted]')
    .replaceAll(accessKeyId, '[redacted]')
    .replace(/Signature=[0-9a-f]+/gi, 'Signature=[redacted]');
}
