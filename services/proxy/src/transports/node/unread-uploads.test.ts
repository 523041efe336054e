import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';
import { beyond, UnreadUploads } from './unread-uploads.ts';

describe('beyond', () => {
  const amounts = new Map([
    ['a', 10],
    ['b', 60],
    ['c', 30],
  ]);

  it.each([
    [100, []],
    [99, ['b']],
    [40, ['b']],
    [39, ['b', 'c']],
    [0, ['b', 'c', 'a']],
  ])('names those with the most until the others fit into %i', (bound, names) => {
    expect(beyond(amounts, bound)).toEqual(names);
  });
});

describe('UnreadUploads', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const withStreams = (uploads: UnreadUploads, count: number, readableLength: number) => {
    const session = Object.assign(new EventEmitter(), { destroy: jest.fn() });
    uploads.follow(session as unknown as ServerHttp2Session);
    const streams = Array.from({ length: count }, () =>
      Object.assign(new EventEmitter(), { session, readableLength, endAfterHeaders: false }),
    );
    for (const stream of streams) session.emit('stream', stream);
    return { session, streams };
  };
  const most = BOUNDS.http2Unread / BOUNDS.http2Window;

  it('ends the session with the most once all streams have more than the bound', () => {
    const uploads = new UnreadUploads();
    const few = withStreams(uploads, 10, BOUNDS.http2Window);
    const many = withStreams(uploads, most - 9, BOUNDS.http2Window);
    jest.advanceTimersByTime(TIMEOUTS.unreadLook);
    expect(many.session.destroy).toHaveBeenCalledTimes(1);
    expect(few.session.destroy).not.toHaveBeenCalled();
  });

  it('lets as many streams be as the bound has room for, and more that are read', () => {
    const uploads = new UnreadUploads();
    const full = withStreams(uploads, most, BOUNDS.http2Window);
    const read = withStreams(uploads, 100, 0);
    jest.advanceTimersByTime(TIMEOUTS.unreadLook);
    for (const { session } of [full, read]) expect(session.destroy).not.toHaveBeenCalled();
  });

  it('stops looking when streams have ended', () => {
    const uploads = new UnreadUploads();
    const { session, streams } = withStreams(uploads, most + 1, 0);
    expect(jest.getTimerCount()).toBe(1);
    for (const stream of streams) stream.emit('close');
    jest.advanceTimersByTime(TIMEOUTS.unreadLook);
    expect(jest.getTimerCount()).toBe(0);
    expect(session.destroy).not.toHaveBeenCalled();
  });
});
