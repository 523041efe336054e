import { ClientPool } from './client-pool.ts';

function pool(most: number) {
  const [made, closed]: string[][] = [[], []];
  const connect = (address: string) => {
    made?.push(address);
    return { address, close: () => void closed?.push(address) };
  };
  return { clients: new ClientPool(connect, most), made, closed };
}

describe('a client pool', () => {
  it('makes one client per address', () => {
    const { clients, made } = pool(2);
    expect(clients.at('a')).toBe(clients.at('a'));
    expect(made).toEqual(['a']);
  });

  it('closes the least recently used beyond its bound, and makes it again when needed', () => {
    const { clients, made, closed } = pool(2);
    for (const address of ['a', 'b', 'a', 'c', 'b']) clients.at(address);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
    expect(closed).toEqual(['b', 'a']);
  });

  it('closes all of its clients with itself', () => {
    const { clients, closed } = pool(2);
    clients.at('a');
    clients.at('b');
    clients.close();
    expect(closed).toEqual(['a', 'b']);
  });
});
