// The artifact store of many machines: a bucket of any store that speaks S3, one object per artifact.
// Promises: an object appears under its name only when all of it is stored; its bytes are verified on every read, and a
// mismatch is an error that is never tried again; nothing larger than allowed is held in memory. Outages delay, up to the
// deadline of a call. Leaves to others: copies on this machine (cache.ts), and what to do when the deadline is over.
import { addAbortSignal, type Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, ListObjectsV2Command } from '@aws-sdk/client-s3';
import {
  type ArtifactStore,
  assertSize,
  digestAt,
  MAX_ARTIFACT_BYTES,
  missing,
  placeOf,
  sha256,
  verified,
} from '../artifacts.js';
import { stateOf } from '../db.js';
import { type Attempt, Call, type Patience } from './patience.js';
import { type Bucket, openBucket, target } from './s3-bucket.js';
import { type ServiceError, storeError } from './s3-errors.js';
import type { S3Settings } from './s3-settings.js';
import { upload } from './s3-upload.js';

export function s3Store(
  settings: S3Settings,
  patience: Patience,
  most_bytes = MAX_ARTIFACT_BYTES,
): ArtifactStore {
  const bucket = openBucket(settings);
  const get = (digest: string, attempt: Attempt): Promise<Uint8Array> =>
    download(bucket, digest, attempt, most_bytes);
  return {
    async put(bytes, signal) {
      const digest = sha256(bytes);
      assertSize(digest, bytes.byteLength, bucket.where, most_bytes);
      const call = new Call(patience, signal);
      await upload(bucket, call, target(settings, digest), bytes, (attempt, conflict) =>
        assertStanding(get, digest, attempt, conflict),
      );
      return digest;
    },
    async get(digest, signal) {
      return new Call(patience, signal).step((attempt) => get(digest, attempt), bucket.judge);
    },
    async size(digest, signal) {
      return new Call(patience, signal).step(async (attempt) => {
        try {
          // Asked for whole and hung up on: a refusal of HEAD has no body, so it could not tell a missing bucket.
          const { Body, ContentLength } = await open(bucket, digest, attempt);
          (Body as Readable).destroy();
          return ContentLength ?? 0;
        } catch (error) {
          if (stateOf(error) === 'SWARM_E_ARTIFACT_MISSING') return null;
          throw error;
        }
      }, bucket.judge);
    },
    list: (after) => digests(bucket, patience, after),
  };
}

async function assertStanding(
  get: (digest: string, attempt: Attempt) => Promise<Uint8Array>,
  digest: string,
  attempt: Attempt,
  conflict: unknown,
): Promise<void> {
  try {
    await get(digest, attempt);
  } catch (error) {
    throw stateOf(error) === 'SWARM_E_ARTIFACT_MISSING' ? conflict : error;
  }
}

async function open(
  { client, settings, where }: Bucket,
  digest: string,
  { signal }: Attempt,
): Promise<GetObjectCommandOutput> {
  try {
    return await client.send(new GetObjectCommand(target(settings, digest)), { abortSignal: signal });
  } catch (error) {
    const { name } = error as ServiceError;
    throw name === 'NoSuchKey' || name === 'NotFound' ? missing(digest, where) : error;
  }
}

async function download(
  bucket: Bucket,
  digest: string,
  attempt: Attempt,
  most_bytes: number,
): Promise<Uint8Array> {
  const { Body, ContentLength = 0 } = await open(bucket, digest, attempt);
  const body = addAbortSignal(attempt.signal, Body as Readable);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    assertSize(digest, ContentLength, bucket.where, most_bytes);
    for await (const chunk of body as AsyncIterable<Buffer>) {
      attempt.moved();
      length += chunk.length;
      assertSize(digest, length, bucket.where, most_bytes);
      chunks.push(chunk);
    }
  } finally {
    body.destroy();
  }
  return verified(digest, Buffer.concat(chunks, length), bucket.where);
}

async function* digests(bucket: Bucket, patience: Patience, after = ''): AsyncGenerator<string> {
  const { client, settings, judge, where } = bucket;
  const start = after === '' ? {} : { StartAfter: settings.prefix + placeOf(after) };
  const ask = { Bucket: settings.bucket, Prefix: settings.prefix, EncodingType: 'url' as const, ...start };
  let last = after;
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      ...ask,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page = await new Call(patience).step(
      ({ signal }) => client.send(command, { abortSignal: signal }),
      judge,
    );
    for (const { Key = '' } of page.Contents ?? []) {
      const digest = digestOfKey(Key, settings.prefix, page.EncodingType === 'url');
      if (digest === null) continue;
      // Else a store that repeats itself would keep a reader for ever.
      if (digest <= last)
        throw storeError('SWARM_E_STORE_REFUSED', `${where} lists its objects out of order`);
      last = digest;
      yield digest;
    }
    if (page.IsTruncated && (!page.NextContinuationToken || page.NextContinuationToken === token))
      throw storeError('SWARM_E_STORE_REFUSED', `${where} lists a page without saying where the next one is`);
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** Null for what is not ours: a bucket may hold anything, under any name. */
function digestOfKey(key: string, prefix: string, encoded: boolean): string | null {
  try {
    const name = encoded ? decodeURIComponent(key) : key;
    return name.startsWith(prefix) ? digestAt(name.slice(prefix.length)) : null;
  } catch {
    return null;
  }
}
