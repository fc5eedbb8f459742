import { z } from 'zod'
import { learnDetails } from '../../contacts/index.ts'
import type { Database } from '../../db/index.ts'
import { emailField, lineField } from '../../http/index.ts'
import { ToolFailure, type Work } from './guarded.ts'

/** The same rules as everywhere where details of people come in. */
const details = z.strictObject({
  name: lineField(200).optional(),
  email: emailField.optional(),
  phone: lineField(40)
    .regex(/^\+?[\d\s()./-]{4,}$/, 'must be a phone number')
    .optional(),
})

export const collectContact = (db: Database): Work => ({
  name: 'collect_contact',
  description:
    'Keeps the name, e-mail address or phone number that the person you talk with gives of themselves. Use it only for what they said, never for a guess.',
  parameters: {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 200 },
      email: { type: 'string', maxLength: 254 },
      phone: { type: 'string', maxLength: 40 },
    },
    minProperties: 1,
    additionalProperties: false,
  },
  async run({ scope, contactId }, args) {
    if (contactId === null) throw new ToolFailure('there is nobody here whose details could be kept.')
    const parsed = details.safeParse(args)
    if (!parsed.success) {
      const [fault] = parsed.error.issues
      throw new ToolFailure(`${fault?.path.join('.')}: ${fault?.message}. Ask for it again.`)
    }
    const { taken, kept } = await db.scoped(scope, tx => learnDetails(scope, tx, contactId, parsed.data))
    const said = [
      taken.length > 0 ? `Kept: ${taken.join(', ')}.` : 'Nothing new was kept.',
      ...(kept.length > 0 ? [`Already known for certain, and left as it is: ${kept.join(', ')}.`] : []),
    ]
    return { text: said.join(' '), effect: { kind: 'contact', contactId, taken } }
  },
})
