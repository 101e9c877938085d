// Key files of btwallet: what opens, what is refused, and that nothing of a secret is said.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coldkeyAddress, defaultColdkeyPath, loadColdkey } from '../../../miner/wallet/coldkey.js';
import { defaultHotkeyPath, loadHotkey } from '../../../miner/wallet/hotkey.js';
import { verify } from '../../../miner/wallet/sr25519.js';
import { passwordFor, passwordVariable, type Stretch, unseal } from '../../../miner/wallet/vault.js';
import { hasCaptures, vectors } from './captures.js';
import { alice } from './scene.js';

/** The public development seed of //Alice: it guards nothing. */
const SEED = '0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';

/** Stands for half a GiB and five seconds of argon2i; the recorded wallet below is opened with the real one. */
const quick: Stretch = async (password) => createHash('sha256').update(password).digest();

/** What the variable of a file has to hold for a password, as btwallet saves it. */
function passwordValue(path: string, password: string): string {
  const name = passwordVariable(path);
  return Buffer.from(
    Buffer.from(password).map((byte, i) => byte ^ name.charCodeAt(i % name.length)),
  ).toString('base64');
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-wallet-'));
  mkdirSync(join(directory, 'hotkeys'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: object | string | Uint8Array, mode = 0o600): string {
  const path = join(directory, name);
  const bytes =
    content instanceof Uint8Array ? content : typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}

/** The error of a load, which must say nothing of a secret. */
async function refusal(path: string, env = {}): Promise<{ code: string; message: string; hint: string }> {
  const error = await loadHotkey(path, env, quick).then(
    () => null,
    (one) => one,
  );
  expect(error).not.toBeNull();
  const said = `${error.message} ${error.hint} ${error.stack}`;
  expect(said).not.toContain(SEED.slice(4, 20));
  expect(said).not.toContain('lake curtain');
  return error;
}

describe('a plain key file', () => {
  it('opens by its phrase first, then by its seed', async () => {
    const seeded = await loadHotkey(file('hotkeys/seed', { secretSeed: SEED, ss58Address: alice.ss58 }));
    expect([seeded.signer.ss58, seeded.from, seeded.encrypted]).toEqual([alice.ss58, 'secretSeed', false]);
    const phrase = await loadHotkey(file('hotkeys/phrase', { secretSeed: SEED, secretPhrase: PHRASE }));
    expect(phrase.from).toBe('secretPhrase');
    expect(phrase.signer.ss58).not.toBe(alice.ss58);
    expect(verify('x', seeded.signer.sign('x'), alice.publicKey)).toBe(true);
  });

  it.each([
    ['is missing', 'nowhere', null],
    ['is no JSON', 'text', 'secret'],
    ['has a broken field', 'field', { secretSeed: '0x12' }],
    ['has words that are no mnemonic', 'words', { secretPhrase: 'lake lake lake' }],
    ['holds another key than it says', 'other', { secretSeed: SEED, ss58Address: '5Other' }],
    ['is the public half', 'pub.txt', { ss58Address: alice.ss58 }],
    [
      'has a private key that is not its own',
      'pair',
      {
        privateKey: `0x${'01'.repeat(64)}`,
        publicKey: `0x${'02'.repeat(32)}`,
      },
    ],
    ['is of an old encryption', 'ansible', '$ANSIBLE_VAULT;1.1;AES256\n00'],
    ['is of an older one', 'fernet', 'gAAAAABk'],
    ['is a directory', 'hotkeys', null],
  ])('is refused when it %s', async (_, name, content) => {
    const path = content === null ? join(directory, name) : file(name, content);
    expect(await refusal(path)).toMatchObject({ code: 'SWARM_E_WALLET' });
  });

  it('is refused when others may read it, with the way out', async () => {
    const error = await refusal(file('loose', { secretSeed: SEED }, 0o644));
    expect(error).toMatchObject({ code: 'SWARM_E_FILE_MODE', hint: expect.stringContaining('chmod 600') });
  });

  it('is refused when it is a coldkey, also behind a link', async () => {
    const cold = file('coldkey', { secretSeed: SEED });
    symlinkSync(cold, join(directory, 'hotkeys', 'innocent'));
    for (const path of [cold, join(directory, 'hotkeys', 'innocent')])
      expect((await refusal(path)).message).toContain('it is a coldkey');
  });

  it('is looked for where btcli puts it', () => {
    expect(defaultHotkeyPath({ BT_WALLET_PATH: '/w', BT_WALLET_NAME: 'n', BT_WALLET_HOTKEY: 'h' })).toBe(
      '/w/n/hotkeys/h',
    );
    expect(defaultHotkeyPath({})).toMatch(/\.bittensor\/wallets\/default\/hotkeys\/default$/);
  });
});

describe('an encrypted key file', () => {
  it('names the variable of its password, and reads it as btwallet writes it', () => {
    expect(passwordVariable('/home/a.b/hotkeys/x')).toBe('BT_PW__HOME_A_B_HOTKEYS_X');
    const value = passwordValue('/k', 'pässword');
    expect(value).not.toContain('word');
    expect(passwordFor('/k', { BT_PW__K: value })).toBe('pässword');
  });

  it('opens with its password and with no other, and asks for it by name', async () => {
    const password = 'correct';
    const key = await quick(password);
    const nonce = Buffer.alloc(24, 9);
    const plain = Buffer.from(JSON.stringify({ secretSeed: SEED, ss58Address: alice.ss58 }));
    const sealed = Buffer.concat([Buffer.from('$NACL'), nonce, xsalsa20poly1305(key, nonce).encrypt(plain)]);
    const path = file('hotkeys/sealed', sealed);
    const name = passwordVariable(path);
    expect(await refusal(path)).toMatchObject({
      code: 'SWARM_E_WALLET_PASSWORD',
      message: expect.stringContaining(name),
    });
    const wrong = await refusal(path, { [name]: passwordValue(path, 'wrong-one') });
    expect(wrong.code).toBe('SWARM_E_WALLET_PASSWORD');
    expect(wrong.message).not.toContain('wrong-one');
    const opened = await loadHotkey(path, { [name]: passwordValue(path, password) }, quick);
    expect([opened.signer.ss58, opened.encrypted]).toEqual([alice.ss58, true]);
  });
});

describe.skipIf(!hasCaptures)('recorded wallets', () => {
  it('open: a private key in btwallet’s form, and a sealed file', async () => {
    const { wallet, nacl_keyfile } = vectors();
    const { privateKey_btwallet_canonical: privateKey, publicKey, ss58Address } = wallet;
    const { signer, from } = await loadHotkey(
      file('hotkeys/canonical', { privateKey, publicKey, ss58Address }),
    );
    expect([signer.ss58, from]).toEqual([ss58Address, 'privateKey']);
    const recorded: Stretch = async () => Buffer.from(nacl_keyfile.key_hex, 'hex');
    const sealed = Buffer.from(nacl_keyfile.file_base64, 'base64');
    const plain = await unseal('/k', sealed, nacl_keyfile.password, recorded);
    expect(Buffer.from(plain).toString()).toBe(nacl_keyfile.plaintext);
  });
});

describe('the coldkey', () => {
  it('opens with a password that is asked for, and its address is read from the public half', async () => {
    const env = { BT_WALLET_PATH: directory, BT_WALLET_NAME: 'w' };
    mkdirSync(join(directory, 'w'));
    const nonce = Buffer.alloc(24, 9);
    const plain = Buffer.from(JSON.stringify({ secretSeed: SEED }));
    const box = xsalsa20poly1305(await quick('asked'), nonce).encrypt(plain);
    file('w/coldkey', Buffer.concat([Buffer.from('$NACL'), nonce, box]));
    file('w/coldkeypub.txt', { ss58Address: alice.ss58 }, 0o644);
    const path = defaultColdkeyPath(env);
    expect((await loadColdkey(path, env, async () => 'asked', quick)).signer.ss58).toBe(alice.ss58);
    await expect(loadColdkey(path, env, undefined, quick)).rejects.toMatchObject({
      code: 'SWARM_E_WALLET_PASSWORD',
    });
    expect(coldkeyAddress(env)).toBe(alice.ss58);
    expect(coldkeyAddress({ ...env, BT_WALLET_NAME: 'x' })).toBeNull();
  });

  it('can be reached by no import of the miner’s process', () => {
    const seen = new Set<string>();
    const walk = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const [, target] of readFileSync(path, 'utf8').matchAll(
        /(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g,
      ))
        walk(join(dirname(path), `${target}.ts`));
    };
    for (const entry of ['cli/roles.ts', 'miner/serving/main.ts', 'miner/serving/worker.ts'])
      walk(fileURLToPath(new URL(`../../../${entry}`, import.meta.url)));
    const names = [...seen].map((path) => basename(path));
    expect(names).toContain('hotkey.ts');
    expect(names).not.toContain('coldkey.ts');
    expect(names).not.toContain('register.ts');
  });
});
