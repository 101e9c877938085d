// How bytes get into a bucket: in one request, or in parts when they are too many to send again whole when a line breaks.
// Promises: the object appears when the last step succeeds, whole, or never; an object that stands already is left alone;
// parts of an upload that comes to nothing are removed as far as the store can be reached. Leaves to the bucket's lifecycle
// rules: parts that could not be.
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Attempt, Call } from './patience.js';
import type { Bucket, Target } from './s3-bucket.js';
import type { ServiceError } from './s3-errors.js';
import type { S3Settings } from './s3-settings.js';

/** The least that S3 allows for a part, so that a slow line loses little to a retry. */
const PART_BYTES = 5 * 1024 * 1024;
/** Removing parts is a courtesy: it must not hold up the one who waits for the failure. */
const ABANDON_MS = 5000;

/** Returns when the artifact stands in the store already, verified; else throws, the conflict when there is nothing. */
export type Standing = (attempt: Attempt, conflict: unknown) => Promise<void>;

/** Stores bytes at a place, or leaves what stands there. */
export function upload(
  bucket: Bucket,
  call: Call,
  place: Target,
  bytes: Uint8Array,
  standing: Standing,
): Promise<void> {
  const way = bytes.byteLength > PART_BYTES ? uploadParts : uploadWhole;
  return way(bucket, call, place, bytes, standing);
}

/** What makes an upload yield to an object that stands already. */
const conditionOf = ({ conditionalPut }: S3Settings): { IfNoneMatch?: string } =>
  conditionalPut ? { IfNoneMatch: '*' } : {};

/** True for an answer that says that somebody else has stored, or is storing, the same. */
function isConflict(error: unknown): boolean {
  const status = (error as ServiceError).$metadata?.httpStatusCode;
  return status === 412 || status === 409;
}

async function uploadWhole(
  { client, settings, judge }: Bucket,
  call: Call,
  place: Target,
  bytes: Uint8Array,
  standing: Standing,
): Promise<void> {
  await call.step(async (attempt) => {
    const command = new PutObjectCommand({ ...place, ...conditionOf(settings), Body: bytes });
    try {
      await client.send(command, { abortSignal: attempt.signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      await standing(attempt, error);
    }
  }, judge);
}

async function uploadParts(
  bucket: Bucket,
  call: Call,
  place: Target,
  bytes: Uint8Array,
  standing: Standing,
): Promise<void> {
  const { client, settings, judge } = bucket;
  // The library adds checksums to parts and not to the upload that they belong to; AWS refuses such parts.
  const begun =
    settings.checksums === 'WHEN_SUPPORTED' ? { ...place, ChecksumAlgorithm: 'CRC32' as const } : place;
  const { UploadId } = await call.step(
    ({ signal }) => client.send(new CreateMultipartUploadCommand(begun), { abortSignal: signal }),
    judge,
  );
  const upload = { ...place, UploadId };
  let complete = false;
  try {
    const Parts: CompletedPart[] = [];
    for (let from = 0; from < bytes.byteLength; from += PART_BYTES) {
      const PartNumber = Parts.length + 1;
      const Body = bytes.subarray(from, from + PART_BYTES);
      const { ETag, ChecksumCRC32 } = await call.step(
        ({ signal }) =>
          client.send(new UploadPartCommand({ ...upload, PartNumber, Body }), { abortSignal: signal }),
        judge,
      );
      // An upload that was begun with checksums is completed with those of its parts.
      Parts.push({ PartNumber, ...given({ ETag, ChecksumCRC32 }) });
    }
    complete = await call.step(async (attempt) => {
      const command = new CompleteMultipartUploadCommand({
        ...upload,
        ...conditionOf(settings),
        MultipartUpload: { Parts },
      });
      try {
        await client.send(command, { abortSignal: attempt.signal });
        return true;
      } catch (error) {
        // No such upload: an earlier attempt was completed, and its answer was lost.
        if (!isConflict(error) && (error as Error).name !== 'NoSuchUpload') throw error;
        await standing(attempt, error);
        return false;
      }
    }, judge);
  } finally {
    if (!complete) await abandon(bucket, call, upload);
  }
}

/** What of these the store has answered. */
function given(part: { ETag: string | undefined; ChecksumCRC32: string | undefined }): CompletedPart {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined));
}

async function abandon(
  { client, judge }: Bucket,
  call: Call,
  upload: Target & { readonly UploadId: string | undefined },
): Promise<void> {
  const own = new Call({ ...call.patience, deadline_ms: ABANDON_MS, idle_ms: ABANDON_MS });
  await own
    .step(
      ({ signal }) => client.send(new AbortMultipartUploadCommand(upload), { abortSignal: signal }),
      judge,
    )
    .catch(() => undefined);
}
