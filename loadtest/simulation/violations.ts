export const violationKinds = [
  // Acknowledged, or told of, and not stored.
  'lost',
  'unfounded',
  // Written, neither acknowledged nor refused, and not stored, though nobody has anything left to send.
  'forgotten',
  'duplicated',
  'reordered',
  'hole',
  'wrong_ack',
  'diverged',
  // What is new, and was refused for good.
  'refused',
  'leaked_note',
] as const

export interface Violation {
  readonly kind: (typeof violationKinds)[number]
  readonly words: string
}
