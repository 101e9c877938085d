// A bucket and how it is spoken to: the client, built from the swarm's own settings and nothing else.
// Promises: nothing of ~/.aws or AWS_* has a say; the client tries nothing a second time by itself.
import { S3Client } from '@aws-sdk/client-s3';
import { placeOf } from '../artifacts.js';
import type { Judge } from './patience.js';
import { s3Judge, whereIs } from './s3-errors.js';
import type { S3Settings } from './s3-settings.js';

const CONNECT_MS = 10_000;

/** One bucket, and how it is spoken to. */
export interface Bucket {
  readonly settings: S3Settings;
  readonly client: S3Client;
  readonly judge: Judge;
  readonly where: string;
}

export const openBucket = (settings: S3Settings): Bucket => ({
  settings,
  client: clientOf(settings),
  judge: s3Judge(settings),
  where: whereIs(settings),
});

/** Where an object is, as the protocol's commands take it. */
export interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

export const target = ({ bucket, prefix }: S3Settings, digest: string): Target => ({
  Bucket: bucket,
  Key: prefix + placeOf(digest),
});

function clientOf(settings: S3Settings): S3Client {
  // The library warns that versions after the one used here will want a newer Node.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { endpoint, region, accessKeyId, secretAccessKey } = settings;
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: settings.pathStyle,
    requestChecksumCalculation: settings.checksums,
    // Its digest is its name: a second checksum of the library's would turn a damaged object into a passing failure.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // patience.ts tries again, under one deadline.
    maxAttempts: 1,
    followRegionRedirects: false,
    expectContinueHeader: false,
    // Nothing from ~/.aws or AWS_*: what is not set here is not set.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    defaultsMode: 'standard',
    retryMode: 'standard',
    requestHandler: { connectionTimeout: CONNECT_MS },
  });
}
