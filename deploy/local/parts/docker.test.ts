import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@spawner/testkit';
import { removeLabelled } from './docker.ts';

describe('the removal of what a cluster has in an engine', () => {
  let dir: TempDir;
  /** An engine whose answers the test decides. */
  let server: Server;
  let socket: string;
  /** The answers to the lists of containers, in order. The last one is repeated. */
  let lists: string[][];
  let networks: string[];
  let refusal: number;
  let deleted: string[];

  beforeEach(async () => {
    dir = await tempDir('engine');
    socket = join(dir.path, 'engine.sock');
    [networks, deleted, refusal] = [[], [], 0];
    server = createServer(({ method, url = '' }, response) => {
      const answer = (ids: string[]) => response.end(JSON.stringify(ids.map((Id) => ({ Id }))));
      response.setHeader('content-type', 'application/json');
      if (method === 'DELETE') {
        response.statusCode = refusal || 204;
        if (!refusal) deleted.push(url.split('?')[0]!);
        response.end();
      } else if (method === 'POST') {
        deleted.push(url);
        response.end();
      } else if (url === '/networks/net') response.end('{"Containers":{"abc":{"Name":"stale"}}}');
      else if (url.startsWith('/containers')) answer((lists.length > 1 ? lists.shift() : lists[0]) ?? []);
      else answer(networks.splice(0));
    });
    await new Promise<void>((resolve) => void server.listen(socket, resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await dir.stop();
  });

  it('looks again, so that a container which the engine was still creating is removed as well', async () => {
    [lists, networks] = [[['one'], ['one', 'late'], []], ['net']];
    expect(await removeLabelled(socket, 'a=b')).toBe(2);
    expect(deleted).toEqual(expect.arrayContaining(['/containers/one', '/containers/late', '/networks/net']));
    // The endpoint of a container that is gone keeps the engine from removing its network.
    expect(deleted.indexOf('/networks/net/disconnect')).toBeLessThan(deleted.indexOf('/networks/net'));
    expect(deleted).toContain('/networks/net/disconnect');
  });

  it.each([403, 404, 409])('tries again when the engine answers %d', async (status) => {
    [lists, refusal] = [[['one'], []], status];
    expect(await removeLabelled(socket, 'a=b')).toBe(1);
  });

  it('throws if something is left at its deadline, or if the engine fails', async () => {
    lists = [['one']];
    await expect(removeLabelled(socket, 'a=b', { withinMs: 200 })).rejects.toThrow(
      '1 containers and 0 networks with the label a=b could not be removed',
    );
    refusal = 500;
    await expect(removeLabelled(socket, 'a=b')).rejects.toThrow();
  });
});
