import { type Family, families } from '../panels/family.ts';
import { type BoardSpec, boardOf, uidOf } from './board.ts';
import { overview } from './overview.ts';
import { pack } from './pack.ts';
import { poe } from './poe.ts';
import { service } from './service.ts';
import { shutdown } from './shutdown.ts';

/** All boards, in the order people look at them. */
export const boards: readonly BoardSpec[] = [overview, pack, poe, shutdown, service];

/** Every board in every family, by the path it is committed under. */
export function boardFiles(): Record<string, string> {
  const file = (board: BoardSpec, family: Family): [string, string] => [
    `dashboards/out/${family.id}/${uidOf(board, family)}.json`,
    `${JSON.stringify(boardOf(board, family), null, 2)}\n`,
  ];
  return Object.fromEntries(families.flatMap((family) => boards.map((board) => file(board, family))));
}
