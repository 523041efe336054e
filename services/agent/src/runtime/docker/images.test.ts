import { SeenImages } from './images.ts';

describe('SeenImages', () => {
  it('knows an image for a minute after it was seen, and no other', () => {
    const seen = new SeenImages();
    seen.add('a', 1_000);
    expect([
      seen.has('a', 1_000),
      seen.has('a', 60_999),
      seen.has('a', 61_000),
      seen.has('b', 1_000),
    ]).toEqual([true, true, false, false]);
  });

  it('forgets an image that turned out to be gone, once', () => {
    const seen = new SeenImages();
    seen.add('a', 0);
    expect([seen.forget('a'), seen.forget('a'), seen.has('a', 1)]).toEqual([true, false, false]);
  });
});
