// `swarm wallet show`: whose hotkey a file holds. Says addresses and public keys, and of the secret only its form.
import { defaultHotkeyPath, loadHotkey } from '../../miner/wallet/hotkey.js';

export async function walletShowCommand(o: { hotkey?: string; json?: boolean }): Promise<void> {
  const { path, signer, encrypted, from } = await loadHotkey(o.hotkey ?? defaultHotkeyPath(process.env));
  const shown = {
    file: path,
    ss58: signer.ss58,
    public_key: `0x${Buffer.from(signer.publicKey).toString('hex')}`,
    crypto: 'sr25519',
    encrypted,
    from,
  };
  const lines = Object.entries(shown).map(([key, value]) => `${key.padEnd(12)}${value}`);
  process.stdout.write(`${o.json ? JSON.stringify(shown) : lines.join('\n')}\n`);
}
