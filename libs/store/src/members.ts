import { NodeKind } from '@spawner/proto/internal/node';

/** The kinds of node, as keys, members and metrics name them. */
export const KIND_NAMES = Object.fromEntries(
  Object.entries(NodeKind).map(([name, kind]) => [kind, name.toLowerCase()]),
) as Readonly<Record<NodeKind, string>>;

/** A node's field in the hash `renewals` is `<kind>/<id>`; scripts know these kinds. */
export const MEMBERS = {
  drone: memberOf(NodeKind.DRONE, ''),
  proxy: memberOf(NodeKind.PROXY, ''),
} as const;

/** Follows a member: the field with the tick of its registration. */
export const REGISTRATION = '/registration';

/** Precedes a member: the field of the hash `epoch` that it is awaited in. */
export const AWAITED = 'await/';

export function memberOf(kind: NodeKind, id: string): string {
  return `${KIND_NAMES[kind]}/${id}`;
}
