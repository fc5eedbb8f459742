import { expect, test } from 'vitest'
import { z } from 'zod'
import { commands } from '../../../src/protocol/index.ts'
import { emailPattern, isEmail } from '../../../widget/app/lazy/fields.tsx'

test('V5: the form takes an address if the server does', () => {
  // But for signs that need no escape.
  expect(emailPattern.source).toBe(z.regexes.email.source.replaceAll('\\-', '-'))
  const taken = (email: string) => commands['visitor.describe'].input.safeParse({ email }).success
  const long = (letters: number) => `ada@${'a'.repeat(letters)}.example`
  for (const email of ['ada@a.example', 'a.b+c@a-b.example', 'ADA@A.EXAMPLE', long(242), long(243)])
    expect(isEmail(email), email).toBe(taken(email))
  for (const email of [
    'jörg@a.example',
    'ada@a.b',
    'ada@a..example',
    '.ada@a.example',
    'ada@b c.example',
    '',
  ])
    expect([isEmail(email), taken(email)], email).toEqual([false, false])
})
