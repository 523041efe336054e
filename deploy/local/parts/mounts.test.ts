import { mountsBelow } from './mounts.ts';

const MOUNTS = [
  '22 1 0:20 / / rw - ext4 /dev/vda rw',
  '42 27 254:0 /a/data /home/some\\040body/data rw,relatime shared:1 - ext4 /dev/vda rw',
  '43 42 0:50 / /home/some\\040body/data/overlay2/x/merged rw - overlay overlay rw',
  '44 27 0:51 / /home/some\\040body/database rw - tmpfs tmpfs rw',
].join('\n');

describe('what is mounted below a folder', () => {
  it('is listed innermost first, without others', () => {
    expect(mountsBelow(MOUNTS, ['/home/some body/data'])).toEqual([
      '/home/some body/data/overlay2/x/merged',
      '/home/some body/data',
    ]);
    expect(mountsBelow(MOUNTS, ['/home/nobody'])).toEqual([]);
  });
});
