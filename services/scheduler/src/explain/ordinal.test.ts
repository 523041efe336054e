import { ordinal } from './ordinal.ts';

it.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [12, '12th'],
  [23, '23rd'],
  [101, '101st'],
])('%d is the %s', (place, said) => {
  expect(ordinal(place)).toBe(said);
});
