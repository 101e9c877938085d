// What arguments may look like, and options that several commands share.
// Promises: a word that is not what it should be is refused before a command runs.
// Leaves to others: what commands do.
import { InvalidArgumentError, Option } from 'commander';
import { decodeSs58 } from '../miner/wallet/ss58.js';

export const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('not a number of 0 or more');
  return value;
};
export const integer = (text: string): number => {
  const value = number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('not a whole number');
  return value;
};
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean);
/** SS58 addresses, separated by commas; given again, they add up. */
export const addresses = (text: string, earlier: string[] = []): string[] => {
  const wrong = list(text).find((one) => decodeSs58(one) === null);
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no SS58 address of prefix 42`);
  return [...earlier, ...list(text)];
};
export const instant = (text: string): Date => {
  const value = new Date(text);
  if (Number.isNaN(value.getTime()))
    throw new InvalidArgumentError('not a date such as 2025-03-14T00:00:00Z');
  return value;
};
export const month = (text: string): string => {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError('not a month such as 2026-01');
  return text;
};

export const home = (): Option =>
  new Option('--home <dir>', 'directory that keeps everything of this swarm (default: ~/.synth-swarm)').env(
    'SWARM_HOME',
  );

export const databaseOption = (): Option =>
  new Option(
    '--database-url <url>',
    "the blackboard (default: the home's own); its login must have the rights",
  ).env('SWARM_DATABASE_URL');

export const profileOption = (): Option =>
  new Option('--profile <id>', "dated state of the subnet's rules").default('2026-05');
