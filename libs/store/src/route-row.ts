import {
  type AgentAddress,
  BackendRoute,
  RouteRow,
  type SilentDrone,
  type TokenGrant,
} from '@spawner/proto/internal/route';
import type { Versioned } from './replica.ts';
import { agentRow, droneRow, tokenOfRow, tokenRow } from './rows.ts';

/** A backend's route as a replica holds it, with the id and the epoch of its row. */
export interface Route extends BackendRoute, Versioned {
  readonly kind: 'backend';
  backendId: string;
}

export interface TokenGrantRow extends TokenGrant, Versioned {
  readonly kind: 'tokenGrant';
  tokenId: string;
}

export type TokenRow = TokenGrantRow | ({ readonly kind: 'revokedToken'; tokenId: string } & Versioned);

/** One row of the route table, tagged by its kind, which is the name of its field in the contract. */
export type TableRow =
  | Route
  | ({ readonly kind: 'silentDrone' } & SilentDrone & Versioned)
  | ({ readonly kind: 'agentAddress' } & AgentAddress & Versioned)
  | TokenRow;

/** A route whose other fields have their defaults. */
export function newRoute(fields: Partial<Route>): Route {
  const { backendId = '', epoch = 0 } = fields;
  return { ...BackendRoute.fromPartial(fields), kind: 'backend', backendId, epoch };
}

/** The key of a row in its table. */
export function rowId(row: TableRow): string {
  switch (row.kind) {
    case 'backend':
      return row.backendId;
    case 'silentDrone':
      return droneRow(row.droneId);
    case 'agentAddress':
      return agentRow(row.droneId);
    case 'tokenGrant':
    case 'revokedToken':
      return tokenRow(row.tokenId);
  }
}

/** Returns undefined for a kind of row that this version does not know. */
export function rowFrom(id: string, { epoch, row }: RouteRow): TableRow | undefined {
  if (!row) return undefined;
  const { $case: kind, value } = row;
  const tokenId = tokenOfRow(id);
  const names = { ...(kind === 'backend' && { backendId: id }), ...(tokenId !== undefined && { tokenId }) };
  return { ...value, ...names, kind, epoch } as TableRow;
}

/** The message that holds this row. */
export function messageOf(row: TableRow): RouteRow {
  return { epoch: row.epoch, row: { $case: row.kind, value: row } as RouteRow['row'] };
}

export function decodeRow(id: string, bytes: Uint8Array): TableRow | undefined {
  return rowFrom(id, RouteRow.decode(bytes));
}

/** The value of the row's field in Redis. An epoch of 0 is left out, for the store's scripts to append. */
export function encodeRow(row: TableRow): Buffer {
  return Buffer.from(RouteRow.encode(messageOf(row)).finish());
}
