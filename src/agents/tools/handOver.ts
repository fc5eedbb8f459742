import type { Work } from './guarded.ts'

const priorities = { low: 0, normal: 1, high: 2, urgent: 3 } as const

/** Says that a person is wanted; the run hands over. */
export const handOver: Work = {
  name: 'hand_over',
  description:
    'Hands the conversation to a person of the team. Use it when somebody asks for a person, is upset, or needs something that only a person can decide or do. Nothing you say after it is sent.',
  parameters: {
    type: 'object',
    properties: {
      reason: {
        type: 'string',
        minLength: 1,
        maxLength: 500,
        description: 'For the person who takes over: what is wanted, and what has been tried',
      },
      priority: {
        type: 'string',
        enum: Object.keys(priorities),
        description: 'Normal unless it is pressing',
      },
    },
    required: ['reason'],
    additionalProperties: false,
  },
  run: async (_context, { reason, priority = 'normal' }) => ({
    text: 'A person takes over now.',
    effect: {
      kind: 'hand_over',
      reason: String(reason),
      priority: priorities[priority as keyof typeof priorities],
    },
  }),
}
