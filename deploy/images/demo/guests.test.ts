import { type Guest, nextGuest } from './guests.ts';

function party(size: number): Guest[] {
  const guests: Guest[] = [];
  while (guests.length < size) guests.push(nextGuest(guests.length, guests));
  return guests;
}

describe('guests', () => {
  it('start with the Blue Heron', () => {
    expect(nextGuest(0, [])).toEqual({ id: 'g1', name: 'Blue Heron', colour: 'blue' });
  });

  it('have a colour each while there are enough, and names like their colours', () => {
    const guests = party(7);
    expect(new Set(guests.map((guest) => guest.colour)).size).toBe(7);
    for (const { name, colour } of guests) expect(name.toLowerCase()).toMatch(new RegExp(`^${colour} `));
  });

  it('never share a name or an id', () => {
    const guests = party(100);
    expect(new Set(guests.map((guest) => guest.name)).size).toBe(100);
    expect(new Set(guests.map((guest) => guest.id)).size).toBe(100);
  });

  it('get the colour of one who has left', () => {
    const guests = party(7).filter((guest) => guest.colour !== 'green');
    expect(nextGuest(7, guests).colour).toBe('green');
  });
});
