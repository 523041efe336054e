import {
  BackendRoute,
  RouteRow,
  type TokenGrant,
  type AgentAddress as WireAgentAddress,
  type SilentDrone as WireSilentDrone,
} from '@spawner/proto/internal/route';
import type { Versioned } from './replica.ts';
import { agentRow, droneRow, tokenOfRow, tokenRow } from './rows.ts';

/** A backend's route as a replica holds it, with the id and the epoch of its row. */
export interface Route extends BackendRoute, Versioned {
  readonly kind: 'backend';
  backendId: string;
}

export interface SilentDroneRow extends WireSilentDrone, Versioned {
  readonly kind: 'silent-drone';
}

export interface AgentAddressRow extends WireAgentAddress, Versioned {
  readonly kind: 'agent-address';
}

export interface TokenGrantRow extends TokenGrant, Versioned {
  readonly kind: 'token-grant';
  tokenId: string;
}

export interface RevokedTokenRow extends Versioned {
  readonly kind: 'revoked-token';
  tokenId: string;
}

export type TokenRow = TokenGrantRow | RevokedTokenRow;

/** One row of the route table, tagged by its kind. */
export type TableRow = Route | SilentDroneRow | AgentAddressRow | TokenRow;

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
    case 'silent-drone':
      return droneRow(row.droneId);
    case 'agent-address':
      return agentRow(row.droneId);
    case 'token-grant':
    case 'revoked-token':
      return tokenRow(row.tokenId);
  }
}

/** Returns undefined for a kind of row that this version does not know. */
export function rowFrom(id: string, { epoch, row }: RouteRow): TableRow | undefined {
  const tokenId = tokenOfRow(id) ?? '';
  switch (row?.$case) {
    case 'backend':
      return { ...row.value, kind: 'backend', backendId: id, epoch };
    case 'silentDrone':
      return { ...row.value, kind: 'silent-drone', epoch };
    case 'agentAddress':
      return { ...row.value, kind: 'agent-address', epoch };
    case 'tokenGrant':
      return { ...row.value, kind: 'token-grant', tokenId, epoch };
    case 'revokedToken':
      return { kind: 'revoked-token', tokenId, epoch };
    default:
      return undefined;
  }
}

/** The message that holds this row. */
export function messageOf(row: TableRow): RouteRow {
  const { epoch } = row;
  switch (row.kind) {
    case 'backend':
      return { epoch, row: { $case: 'backend', value: row } };
    case 'silent-drone':
      return { epoch, row: { $case: 'silentDrone', value: row } };
    case 'agent-address':
      return { epoch, row: { $case: 'agentAddress', value: row } };
    case 'token-grant':
      return { epoch, row: { $case: 'tokenGrant', value: row } };
    case 'revoked-token':
      return { epoch, row: { $case: 'revokedToken', value: {} } };
  }
}

export function decodeRow(id: string, bytes: Uint8Array): TableRow | undefined {
  return rowFrom(id, RouteRow.decode(bytes));
}

/** The value of the row's field in Redis. An epoch of 0 is left out, for the store's scripts to append. */
export function encodeRow(row: TableRow): Buffer {
  return Buffer.from(RouteRow.encode(messageOf(row)).finish());
}
