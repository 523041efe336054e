import { RouteState } from '@spawner/proto/internal/route';
import { decodeRow, encodeRow, newRoute, rowId, type TableRow } from './route-row.ts';
import { agentRow, droneRow, tokenRow } from './rows.ts';

const local = { host: '172.20.0.2', port: 8080 };
const route = newRoute({ backendId: 'b', epoch: 7, droneId: 'd', state: RouteState.OPEN, local });
const rows: [string, TableRow][] = [
  ['b', route],
  [droneRow('d'), { kind: 'silentDrone', droneId: 'd', epoch: 8 }],
  [agentRow('d'), { kind: 'agentAddress', droneId: 'd', rpcAddress: '10.0.0.1:50053', epoch: 9 }],
  [
    tokenRow('t'),
    {
      ...{ kind: 'tokenGrant', tokenId: 't', epoch: 10 },
      ...{ backendId: 'b', user: 'ada', claims: '{"a":"b"}', expireMs: 1_800_000_000_000 },
    },
  ],
  [tokenRow('t'), { kind: 'revokedToken', tokenId: 't', epoch: 11 }],
];

describe('a row of the route table', () => {
  it.each(rows)('under %s is the same after it was written and read', (id, row) => {
    expect(rowId(row)).toBe(id);
    expect(decodeRow(id, encodeRow(row))).toEqual(row);
  });

  it('takes an epoch that a script appends', () => {
    const appended = Buffer.concat([encodeRow({ ...route, epoch: 0 }), Buffer.from([8, 42])]);
    expect(decodeRow('b', appended)).toEqual({ ...route, epoch: 42 });
  });

  it('is undefined if it is of an unknown kind', () => {
    expect(decodeRow('b', Buffer.from([8, 42]))).toBeUndefined();
  });
});
