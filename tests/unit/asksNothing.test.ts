import { expect, test } from 'vitest'
import { asksNothing } from '../../src/agents/runs/asksNothing.ts'

test.each([
  'Hello',
  'Hi there!',
  'Thanks a lot',
  'thank you very much',
  'How are you?',
  'Danke schön',
  'ok 👍',
  'Yes',
  'ja',
  '👍',
])('K3: "%s" asks nothing', text => expect(asksNothing(text)).toBe(true))

test.each([
  'And how much is it?',
  'What is that?',
  'Hello, do you have oak tables?',
  'Thanks. And the warranty?',
  'returns',
  'Wie lange ist die Garantie?',
  '返品はできますか',
])('K3: "%s" asks something', text => expect(asksNothing(text)).toBe(false))
