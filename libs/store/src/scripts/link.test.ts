import { Node } from '@spawner/proto/internal/node';
import { BackendRoute, RouteRow, RouteState } from '@spawner/proto/internal/route';
import { StopOrder } from '@spawner/proto/internal/scheduler_service';
import { BackendState } from '@spawner/proto/v1/backend';
import { CONSTANTS } from './constants.ts';
import { SCRIPTS, scriptOf } from './table.ts';

const constant = (name: string) => CONSTANTS.find(([each]) => each === name)?.[1]();
const escaped = (bytes: Uint8Array) =>
  `'${[...bytes].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}'`;

describe('the prelude of a script', () => {
  it('has the tags that the generated messages write', () => {
    const first = (bytes: Uint8Array) => escaped(bytes.subarray(0, 1));
    expect(constant('FIELD_ROW_EPOCH')).toBe(first(RouteRow.encode({ epoch: 1, row: undefined }).finish()));
    const route = BackendRoute.fromPartial({ state: RouteState.ENDED });
    expect(constant('FIELD_ROUTE_STATE')).toBe(first(BackendRoute.encode(route).finish()));
    const order = StopOrder.fromPartial({ id: 'a' });
    expect(constant('FIELD_ORDER_ID')).toBe(first(StopOrder.encode(order).finish()));
    const node = Node.fromPartial({ replacedRegistration: 1 });
    expect(constant('FIELD_NODE_REPLACED')).toBe(first(Node.encode(node).finish()));
  });

  it('has the values of the enums', () => {
    expect([constant('TERMINATED'), constant('ROUTE_SUSPENDED')]).toEqual([
      String(BackendState.TERMINATED),
      String(RouteState.SUSPENDED),
    ]);
  });

  it('builds every key name from the declared key', () => {
    expect(constant('CLUSTER')).toBe('string.sub(KEYS[1], 1, -6)');
    expect([constant('ROUTE_LOG'), constant('DRONE'), constant('STOPS')]).toEqual([
      "CLUSTER .. 'routes:log'",
      "CLUSTER .. 'drone:'",
      "':stops'",
    ]);
  });

  it('gives each argument a local variable, which is nil if an optional one is missing', () => {
    expect(SCRIPTS.abandon.source).toContain(
      [
        'local id = ARGV[1]',
        'local when = ARGV[2]',
        'local status = ARGV[3]',
        'local route = ARGV[4]',
        'local order = ARGV[5]',
        'local retention_ms = tonumber(ARGV[6])',
        'local silent_ms = tonumber(ARGV[7])',
        "local registration = ARGV[8] ~= '' and ARGV[8] or nil",
        'local callers_epoch = ARGV[9]',
      ].join('\n'),
    );
  });

  it('holds the constants and functions that the script uses, and no others', () => {
    const { source } = SCRIPTS.confirm;
    expect(source).toContain('local function run_id');
    expect(source).not.toContain('local function put_row');
    expect(source).not.toContain('local LOAD');
  });
});

describe('a script', () => {
  it('is known by its text, whatever was changed in it', () => {
    expect(scriptOf(`${SCRIPTS.place.source}\nreturn 1`)).toBe(SCRIPTS.place);
    expect(scriptOf('return 1')).toBeUndefined();
  });

  it('takes its arguments by name', () => {
    const args = { id: 'a', order: Buffer.from('b'), force: true };
    expect(SCRIPTS.stop.encode(args)).toEqual(['a', Buffer.from('b'), '1']);
    const lapse = { drone: 'd', leaseMs: 5, forgottenMs: 6, part: 'done' } as const;
    expect(SCRIPTS.lapse.encode(lapse)).toEqual(['d', '5', '6', 'done']);
  });

  it('gives its reply as a typed value', () => {
    const text = (...words: string[]) => words.map((word) => Buffer.from(word));
    expect(SCRIPTS.place.reply(text('held', 'b'))).toEqual({ outcome: 'held', holder: 'b' });
    expect(SCRIPTS.report.reply(text('behind', '7'))).toEqual({ outcome: 'behind', revision: 7 });
    expect(SCRIPTS.report.reply(Buffer.from('taken'))).toEqual({ outcome: 'taken' });
    expect([SCRIPTS.stop.reply(null), SCRIPTS.stop.reply(Buffer.from(''))]).toEqual([undefined, 'ended']);
    expect(SCRIPTS.suspend.reply(null)).toBe('refused');
  });
});
