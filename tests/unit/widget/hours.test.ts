import { expect, test } from 'vitest'
import { awayUntil } from '../../../widget/app/state/hours.ts'

const [morning, noon, evening, night] = [8, 12, 18, 22].map(
  hour => `2026-11-27T${String(hour).padStart(2, '0')}:00:00.000Z`,
) as [string, string, string, string]
const tomorrow = '2026-11-28T08:00:00.000Z'

test.each([
  ['open, and it stays so', { open: true, opensAt: null, closesAt: null }, noon, false],
  ['open until the evening', { open: true, opensAt: tomorrow, closesAt: evening }, noon, false],
  ['open, and the evening has come', { open: true, opensAt: tomorrow, closesAt: evening }, evening, tomorrow],
  ['open, and another day has come', { open: true, opensAt: tomorrow, closesAt: evening }, tomorrow, false],
  ['open, and nobody knows for how long not', { open: true, opensAt: null, closesAt: evening }, night, ''],
  ['closed, and nobody knows until when', { open: false, opensAt: null, closesAt: null }, noon, ''],
  ['closed until noon', { open: false, opensAt: noon, closesAt: evening }, morning, noon],
  ['closed, and noon has come', { open: false, opensAt: noon, closesAt: evening }, noon, false],
  ['closed, and the day is over', { open: false, opensAt: noon, closesAt: evening }, night, ''],
])('V5: whether people answer on a page that stays open: %s', (_, hours, now, expected) => {
  expect(awayUntil(hours, now)).toBe(expected)
})
