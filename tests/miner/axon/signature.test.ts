// Keys, addresses and signed texts, against public development keys and against what the real client sent.
import { beforeAll, describe, expect, it } from 'vitest';
import { bodyHash, EMPTY_BODY_HASH, requestMessage, responseMessage } from '../../../miner/axon/message.js';
import {
  cryptoReady,
  devSigner,
  signerFromMnemonic,
  signerFromPrivateKey,
  signerFromSeed,
  verify,
} from '../../../miner/wallet/sr25519.js';
import { decodeSs58, encodeSs58 } from '../../../miner/wallet/ss58.js';
import { capture, captures, hasCaptures, headerOf, vectors } from './captures.js';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

beforeAll(cryptoReady);

describe('an address', () => {
  it('names the key it was made of, and back', () => {
    const key = decodeSs58(ALICE)!;
    expect(Buffer.from(key).toString('hex')).toBe(
      'd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
    );
    expect(encodeSs58(key)).toBe(ALICE);
  });

  it.each([
    ['one letter changed', `${ALICE.slice(0, -1)}Z`],
    ['cut short', ALICE.slice(0, -1)],
    ['of another network', '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5'],
    ['with a letter that base58 lacks', `0${ALICE.slice(1)}`],
    ['empty', ''],
    ['endless', '5'.repeat(100_000)],
  ])('is none when %s', (_, text) => {
    expect(decodeSs58(text)).toBeNull();
  });
});

describe('a key', () => {
  it('of the development phrase has its well-known address', () => {
    expect(devSigner('//Alice')!.ss58).toBe(ALICE);
    expect(devSigner('//Bob')!.ss58).toBe(BOB);
    expect(devSigner('Alice')).toBeNull();
  });

  it('signs what its public key verifies, also wrapped, and nothing else', () => {
    const { sign, publicKey } = devSigner('//Alice')!;
    const signature = sign('text');
    expect(signature).toMatch(/^0x[0-9a-f]{128}$/);
    expect(verify('text', signature, publicKey)).toBe(true);
    expect(verify('text', sign('<Bytes>text</Bytes>'), publicKey)).toBe(true);
    expect(verify('texts', signature, publicKey)).toBe(false);
    expect(verify('text', signature, devSigner('//Bob')!.publicKey)).toBe(false);
  });

  it.each(['', '0x', `0x${'00'.repeat(64)}`, `0x${'ff'.repeat(64)}`, `0x${'zz'.repeat(64)}`])(
    'takes a malformed signature for a wrong one: %s',
    (signature) => {
      expect(verify('text', signature, devSigner('//Alice')!.publicKey)).toBe(false);
    },
  );

  it('does not show its secret', () => {
    const seed = Buffer.alloc(32, 7);
    expect(JSON.stringify(signerFromSeed(seed))).not.toContain(seed.toString('hex'));
  });
});

describe('the signed text', () => {
  it('joins nonce, both addresses, uuid and body hash with dots', () => {
    const parts = { nonce: '1', dendrite: 'D', axon: 'A', uuid: 'u', bodyHash: 'h' };
    expect(requestMessage(parts)).toBe('1.D.A.u.h');
    expect(responseMessage(parts)).toBe('1.D.A.u');
  });

  it('has a constant body hash for a synapse without required fields', () => {
    expect(EMPTY_BODY_HASH).toBe('a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a');
    expect(bodyHash(['1', '2', "['foobar']"])).toBe(
      'ae06397d08f30f75c91395c59f05c62ac3b62b88250eb78b109213258e6ced0c',
    );
  });
});

describe.skipIf(!hasCaptures)('captured data', () => {
  it.each([...captures, 'synth-validator-replay-401'])(
    '%s: the request carries a valid signature',
    (name) => {
      const request = capture(`${name}.request`);
      const field = (what: string): string => headerOf(request, `bt_header_${what}`);
      const message = requestMessage({
        nonce: field('dendrite_nonce'),
        dendrite: field('dendrite_hotkey'),
        axon: BOB,
        uuid: field('dendrite_uuid'),
        bodyHash: headerOf(request, 'computed_body_hash'),
      });
      expect(verify(message, field('dendrite_signature'), decodeSs58(field('dendrite_hotkey'))!)).toBe(true);
    },
  );

  it('the refused replay is signed by the axon over its own text', () => {
    const response = capture('synth-validator-replay-401.response');
    const field = (what: string): string => headerOf(response, `bt_header_${what}`);
    const message = responseMessage({
      nonce: field('axon_nonce'),
      dendrite: field('dendrite_hotkey'),
      axon: field('axon_hotkey'),
      uuid: field('axon_uuid'),
    });
    expect(verify(message, field('axon_signature'), decodeSs58(BOB)!)).toBe(true);
  });

  it('vectors: mnemonic, seed and private key of one wallet are one key', () => {
    const { wallet, signature_verify } = vectors();
    const bytes = (hex: string): Uint8Array => Buffer.from(hex.slice(2), 'hex');
    const key = bytes(wallet.publicKey);
    expect(signerFromMnemonic(wallet.mnemonic)!.ss58).toBe(wallet.ss58Address);
    expect(signerFromSeed(bytes(wallet.secretSeed)).ss58).toBe(wallet.ss58Address);
    const signer = signerFromPrivateKey(bytes(wallet.privateKey_btwallet_canonical), key)!;
    expect(verify('text', signer.sign('text'), key)).toBe(true);
    for (const one of signature_verify)
      expect(verify(one.message, one.signature, decodeSs58(one.signer)!)).toBe(one.valid);
  });
});
