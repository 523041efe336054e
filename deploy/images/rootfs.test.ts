import { nodeRoot, sharedLibraries } from './rootfs.ts';

describe('a root file system for node', () => {
  it('has the libraries and the loader that ldd names', () => {
    const glibc = `
      linux-vdso.so.1 (0x00007fabf1611000)
      libdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007fabf15fa000)
      /lib64/ld-linux-x86-64.so.2 (0x00007fabf1613000)`;
    expect(sharedLibraries(glibc)).toEqual([
      '/lib/x86_64-linux-gnu/libdl.so.2',
      '/lib64/ld-linux-x86-64.so.2',
    ]);
  });

  it('is refused if a library is missing', () => {
    expect(() => sharedLibraries('libatomic.so.1 => not found')).toThrow('libatomic.so.1 => not found');
  });

  it('has the node that runs this test', () => {
    const root = nodeRoot(process.execPath);
    expect(root.map((entry) => entry.path)).toEqual(
      expect.arrayContaining(['/tmp/', '/etc/passwd', '/usr/local/bin/node']),
    );
    expect(root.filter((entry) => entry.path.includes('/libc.')).length).toBe(1);
  });
});
