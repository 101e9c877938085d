// What an archive is: pieces of gzipped COPY text in the artifact store, and a manifest that names them, by its digest.
// Promises: the same rows make the same pieces and the same manifest; what is read back is what was written, or refused.
// Leaves to others: which rows (archive.ts), and putting them back (archive-return.ts).
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { type ArtifactStore, sha256 } from './artifacts.js';
import { SwarmError } from './errors.js';

/** Uncompressed bytes of a piece, about: an artifact may have 64 MiB, and a piece is held in memory. */
const PIECE_BYTES = 32 * 1024 * 1024;
const NEWLINE = 10;

const name = z.string().regex(/^[a-z_][a-z0-9_]*$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const rows = z.int().positive();
const manifestSchema = z.strictObject({
  format: z.literal(1),
  kind: z.literal('archive'),
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/),
  migrations: z.array(
    z.strictObject({ set: z.string(), number: z.int(), name: z.string(), checksum: z.string() }),
  ),
  /** In an order in which every reference points backwards. */
  tables: z.array(
    z.strictObject({
      table: name,
      columns: z.array(name).min(1),
      rows,
      /** `key`: of the gzipped bytes in the store; `sha256`: of the COPY text in them. */
      pieces: z.array(z.strictObject({ key: digest, rows, sha256: digest })).min(1),
    }),
  ),
});
export type ArchiveManifest = z.infer<typeof manifestSchema>;
export type ArchiveTable = ArchiveManifest['tables'][number];
type Piece = ArchiveTable['pieces'][number];

/** Cuts a stream of COPY text into pieces of whole rows. */
export async function* piecesOf(
  text: AsyncIterable<Buffer>,
  most = PIECE_BYTES,
): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of text) {
    const end = bytes + chunk.length < most ? -1 : chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      parts.push(chunk);
      bytes += chunk.length;
      continue;
    }
    yield Buffer.concat([...parts, chunk.subarray(0, end + 1)]);
    parts = [chunk.subarray(end + 1)];
    bytes = parts[0]!.length;
  }
  if (bytes > 0) yield Buffer.concat(parts);
}

/** Stores a piece and reads it back. */
export async function putPiece(store: ArtifactStore, text: Buffer): Promise<Piece> {
  const key = await store.put(gzipSync(text, { level: 6 }));
  const piece = { key, rows: linesOf(text), sha256: sha256(text) };
  await getPiece(store, piece);
  return piece;
}

/** The COPY text of a piece. SWARM_E_ARCHIVE_BROKEN where it is gone or is not what the manifest says; store trouble as it is. */
export async function getPiece(store: ArtifactStore, piece: Piece): Promise<Buffer> {
  const text = unzipped(await fetched(store, piece.key), piece.key);
  if (sha256(text) !== piece.sha256 || linesOf(text) !== piece.rows)
    throw broken(piece.key, 'its rows are not those of the manifest');
  return text;
}

export async function putManifest(store: ArtifactStore, manifest: ArchiveManifest): Promise<string> {
  const key = await store.put(Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  await getManifest(store, key);
  return key;
}

export async function getManifest(store: ArtifactStore, key: string): Promise<ArchiveManifest> {
  const bytes = await fetched(store, key);
  let manifest: ArchiveManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw broken(key, 'it is no manifest of an archive', cause);
  }
  for (const { table, rows: all, pieces } of manifest.tables)
    if (pieces.reduce((n, p) => n + p.rows, 0) !== all)
      throw broken(key, `its pieces of ${table} do not add up`);
  return manifest;
}

async function fetched(store: ArtifactStore, key: string): Promise<Uint8Array> {
  try {
    return await store.get(key);
  } catch (error) {
    const { code } = error as { code?: string };
    if (
      code === 'SWARM_E_ARTIFACT_MISSING' ||
      code === 'SWARM_E_ARTIFACT_DIGEST' ||
      code === 'SWARM_E_ARTIFACT_SIZE'
    )
      throw broken(key, code, error);
    throw error;
  }
}

function unzipped(bytes: Uint8Array, key: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: 4 * PIECE_BYTES });
  } catch (cause) {
    throw broken(key, 'it cannot be unpacked', cause);
  }
}

/** COPY's text format has one row to a line. */
function linesOf(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

const broken = (key: string, what: string, cause?: unknown): SwarmError =>
  new SwarmError(
    'SWARM_E_ARCHIVE_BROKEN',
    `object ${key} of an archive: ${what}`,
    'Nothing was changed. Fetch the object again from a copy of the artifact store.',
    { cause },
  );
