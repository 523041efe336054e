import { EndReason } from '@spawner/proto/v1/backend';

/**
 * Why a session ended or is ending, in a sentence for its users. Each is true of both, and of every end that has this reason.
 */
const END_WORDS: Readonly<Record<EndReason, string>> = {
  [EndReason.UNSPECIFIED]: '',
  [EndReason.IDLE]: 'It was not used for a while.',
  [EndReason.LIFETIME]: 'It has reached the longest time that a session may last.',
  [EndReason.REQUESTED]: 'It was closed on request.',
  [EndReason.EXITED]: 'Its program has finished.',
  [EndReason.FAILED]: 'Its program stopped unexpectedly.',
  [EndReason.LOAD_ERROR]: 'Its program could not be loaded.',
  [EndReason.START_ERROR]: 'Its program could not be started.',
  [EndReason.STARTUP_TIMEOUT]: 'Its program was not ready in time.',
  [EndReason.LEASE_LOST]: 'The machine that it ran on lost its connection.',
  [EndReason.DRONE_LOST]: 'The machine that it ran on is no longer available.',
  [EndReason.DRAINED]: 'The machine that it ran on had to be taken out of service.',
  [EndReason.INTERNAL]: 'Something went wrong on our side.',
};

/** The sentence of a reason. Empty if the reason is not known here, as one from a newer peer. */
export function endWords(reason: EndReason): string {
  return END_WORDS[reason] ?? '';
}
