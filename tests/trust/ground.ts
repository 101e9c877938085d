// A migrated database with a clock that stands at NOW, for the tests of the views.
import type pg from 'pg';
import { openDb } from '../../blackboard/db.js';
import { type Constants, readConstants } from '../../trust/constants.js';
import { type Board, openBoard } from '../blackboard/board.js';
import { NOW } from './history.js';

export interface Ground extends Board {
  readonly constant: Constants;
  rows<T extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>;
}

export async function openGround(name: string): Promise<Ground> {
  const board = await openBoard(name, { market_at: NOW.toISOString(), speed: 0 });
  const db = openDb({ url: board.url, name: 'constants' });
  const constant = await readConstants(db);
  await db.destroy();
  return {
    ...board,
    constant,
    rows: async (text, values = []) => (await board.admin.query(text, [...values])).rows,
  };
}
