import { Silences, unanswered } from './unacknowledged.ts';

const line = (
  timer: string,
  retransmits: string,
  probes: number,
  local = '0100007F:1F40',
  remote = '0200A8C0:C350',
) =>
  `  12: ${local} ${remote} 01 00000200:00000000 ${timer}:00000014 ${retransmits}     0        ${probes} 1234 2 0 20 4 30 10 -1`;

describe("a line of the kernel's connections", () => {
  it.each<[string, string, ReturnType<typeof unanswered>]>([
    ['one that waits for nothing', line('00', '00000000', 0), undefined],
    ['one that is sent keep-alive probes, which have their own limit', line('02', '00000000', 2), undefined],
    ['data on its way for the first time', line('01', '00000000', 0), undefined],
    ['data sent again', line('01', '0000000A', 0), { name: '127.0.0.1:8000 192.168.0.2:50000', tries: 10 }],
    ['a reader that has paused and answers', line('04', '00000000', 0), undefined],
    [
      'a reader that paused and went',
      line('04', '00000000', 4),
      { name: '127.0.0.1:8000 192.168.0.2:50000', tries: 4 },
    ],
    [
      'IPv6',
      line(
        '01',
        '00000003',
        0,
        '00000000000000000000000001000000:1F40',
        'B80D0120000000000000000001000000:C350',
      ),
      { name: '::1:8000 2001:db8::1:50000', tries: 3 },
    ],
    [
      'IPv4 on an IPv6 socket',
      line(
        '01',
        '00000003',
        0,
        '0000000000000000FFFF00000100007F:1F40',
        '0000000000000000FFFF00000200A8C0:C350',
      ),
      { name: '127.0.0.1:8000 192.168.0.2:50000', tries: 3 },
    ],
    [
      'the heading',
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      undefined,
    ],
  ])('%s', (_, text, found) => {
    expect(unanswered(text)).toEqual(found);
  });
});

describe('silences', () => {
  const told = (tries: number) => new Map([['a', tries]]);

  it('are those that last for the limit without an answer in between', () => {
    const silences = new Silences();
    expect(
      [
        [4, 0],
        [5, 60],
        [8, 99],
        [8, 100],
      ].map(([tries = 0, at = 0]) => silences.seen(told(tries), at, 100)),
    ).toEqual([[], [], [], ['a']]);
  });

  it('start again with every answer, and if the connection was missing once', () => {
    const silences = new Silences();
    silences.seen(told(9), 0, 100);
    silences.seen(told(2), 60, 100);
    expect(silences.seen(told(6), 120, 100)).toEqual([]);
    expect(silences.seen(told(6), 160, 100)).toEqual(['a']);
    silences.seen(new Map(), 170, 100);
    expect(silences.seen(told(9), 180, 100)).toEqual([]);
  });

  it('are none after one or two losses, however often one looks', () => {
    const silences = new Silences();
    expect([0, 100, 200].flatMap((at) => silences.seen(told(2), at, 100))).toEqual([]);
  });
});
