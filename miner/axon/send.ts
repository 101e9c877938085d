// Writing a reply: compressed when the caller can read that, with its headers in order, and not for ever.
// Promises: a reader that stops reading, and a sender that goes on sending a body nobody wants, are cut off.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HeaderList } from './reply.js';
import { gzipAround, type SharedText } from './shared-text.js';

const compress = promisify(gzip);

/** As the reference miner: below this, compressing gains nothing. */
const GZIP_FROM_BYTES = 1024;
/** Of replies that nobody else gets; long text that is shared is compressed once (shared-text.ts). */
const GZIP_LEVEL = 1;
/** What remains of an unread body is taken off the line for this long, so that its sender gets to read the reply. */
const LINGER_MS = 2000;

/** Text to send; `shared` stands between `head` and `tail`. */
export interface Payload {
  readonly head: string;
  readonly shared: SharedText | null;
  readonly tail: string;
}

export interface Sender {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const takesGzip = ({ headers }: IncomingMessage): boolean =>
  /(^|,)\s*(gzip|\*)\s*(;(?!\s*q=0(\.0*)?\s*(,|$))|,|$)/i.test(String(headers['accept-encoding'] ?? ''));

/** Sends and waits until the last byte has left; returns the bytes of the body as sent. */
export async function send(
  { request, response }: Sender,
  status: number,
  headersFor: (bytes: number) => HeaderList,
  payload: Payload,
  deadline: AbortSignal,
): Promise<number> {
  const head = Buffer.from(payload.head, 'utf8');
  const tail = Buffer.from(payload.tail, 'utf8');
  const length = head.length + tail.length + (payload.shared?.bytes.length ?? 0);
  const squeezed = length >= GZIP_FROM_BYTES && takesGzip(request);
  const pieces = squeezed ? await gzipped(head, payload.shared, tail) : plain(head, payload.shared, tail);
  if (response.destroyed || response.headersSent) return 0;
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const written = ended(response, deadline);
  response.writeHead(status, [
    'content-length',
    String(bytes),
    'content-type',
    'application/json',
    ...(squeezed ? ['content-encoding', 'gzip', 'vary', 'accept-encoding'] : []),
    ...headersFor(length),
  ]);
  for (const piece of pieces) response.write(piece);
  response.end();
  await written;
  if (!request.complete) linger(request);
  return bytes;
}

const plain = (head: Buffer, shared: SharedText | null, tail: Buffer): Uint8Array[] =>
  [head, ...(shared === null ? [] : [shared.bytes]), tail].filter((piece) => piece.length > 0);

const gzipped = async (head: Buffer, shared: SharedText | null, tail: Buffer): Promise<Uint8Array[]> =>
  shared === null
    ? [await compress(Buffer.concat([head, tail]), { level: GZIP_LEVEL })]
    : gzipAround(head, shared, tail);

/** Settles when the reply has left or its connection is gone; cuts it at the deadline. */
function ended(response: ServerResponse, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cut = (): void => void response.destroy();
    const done = (): void => {
      deadline.removeEventListener('abort', cut);
      resolve();
    };
    response.once('finish', done).once('close', done);
    deadline.addEventListener('abort', cut, { once: true });
    if (deadline.aborted) cut();
  });
}

function linger(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
}
