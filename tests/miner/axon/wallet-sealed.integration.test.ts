// A sealed key file as libsodium made it, opened with btwallet's real stretching: half a GiB and some five seconds.
import { describe, expect, it } from 'vitest';
import { unseal } from '../../../miner/wallet/vault.js';
import { hasCaptures, vectors } from './captures.js';

describe.skipIf(!hasCaptures)('a recorded sealed file', () => {
  it('opens with its password alone', { timeout: 600_000 }, async () => {
    const { file_base64, password, plaintext } = vectors().nacl_keyfile;
    const plain = await unseal('/k', Buffer.from(file_base64, 'base64'), password);
    expect(Buffer.from(plain).toString()).toBe(plaintext);
  });
});
