/** Names for newcomers: a colour and an animal, different from those present as long as there are enough. */
import type { Colour } from './board.ts';

export interface Guest {
  id: string;
  name: string;
  colour: Colour;
}

const TINTS = [
  ['Blue', 'blue'],
  ['Coral', 'coral'],
  ['Green', 'green'],
  ['Violet', 'violet'],
  ['Amber', 'amber'],
  ['Teal', 'teal'],
  ['Rose', 'rose'],
] as const;

const ANIMALS = ['Heron', 'Fox', 'Finch', 'Otter', 'Owl', 'Hare', 'Lynx', 'Wren', 'Seal', 'Badger', 'Newt'];

/** The guest number `ordinal` (from 0) of this board, given those who are present. */
export function nextGuest(ordinal: number, present: readonly Guest[]): Guest {
  const id = `g${ordinal + 1}`;
  const uses = (colour: Colour) => present.filter((guest) => guest.colour === colour).length;
  const [tint, colour] = TINTS.toSorted((a, b) => uses(a[1]) - uses(b[1]))[0]!;
  const start = ordinal % ANIMALS.length;
  const animals = [...ANIMALS.slice(start), ...ANIMALS.slice(0, start)];
  const names = animals.map((animal) => `${tint} ${animal}`);
  const free = names.find((name) => present.every((guest) => guest.name !== name));
  return { id, name: free ?? `${names[0]} ${ordinal + 1}`, colour };
}
