import fc from 'fast-check';
import { closeFrame, FrameFollower } from './websocket-frames.ts';

/** A frame of a text message with so many bytes, as a server or (masked) a client sends it. */
function frame(size: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0;
  const header =
    size < 126
      ? [0x81, mask | size]
      : size < 65_536
        ? [0x81, mask | 126, size >> 8, size & 0xff]
        : [0x81, mask | 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(masked ? 4 : 0), Buffer.alloc(size, 'x')]);
}

const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 65_535, 65_536, 70_000));

describe('FrameFollower', () => {
  it('is between frames exactly after whole frames, however the bytes are cut up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(sizes, fc.boolean()), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(([size, masked]) => frame(size, masked)));
          const ends = new Set([0]);
          let end = 0;
          for (const [size, masked] of frames) {
            end += frame(size, masked).length;
            ends.add(end);
          }
          const follower = new FrameFollower();
          let from = 0;
          const at = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
          for (const to of at) {
            follower.follow(bytes.subarray(from, to));
            expect(follower.betweenFrames).toBe(ends.has(to));
            from = to;
          }
        },
      ),
    );
  });

  it('finds where the frame under way ends', () => {
    const follower = new FrameFollower();
    follower.follow(frame(300).subarray(0, 100));
    expect(follower.endOfFrame(Buffer.alloc(100))).toBe(-1);
    expect(follower.endOfFrame(Buffer.concat([Buffer.alloc(104), frame(3)]))).toBe(104);
  });

  it('ends at once where no frame is under way', () => {
    expect(new FrameFollower().endOfFrame(frame(3))).toBe(0);
  });
});

describe('closeFrame', () => {
  it('is one whole frame with code and reason', () => {
    const bytes = closeFrame(1001, 'bye');
    expect(bytes).toEqual(Buffer.from([0x88, 5, 0x03, 0xe9, 0x62, 0x79, 0x65]));
  });
  it('stays a control frame (at most 125 bytes) whatever the reason', () => {
    expect(closeFrame(1001, 'x'.repeat(500)).length).toBe(127);
  });
});
