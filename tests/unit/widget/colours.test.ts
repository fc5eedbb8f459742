import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coloursOf, contrast, readableAs, readableOn } from '../../../widget/app/style/colours.ts'

const colour = fc.integer({ min: 0, max: 0xffffff }).map(value => `#${value.toString(16).padStart(6, '0')}`)

test('V7: contrast is what WCAG says it is', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
})

test('V7: on every brand colour there is a readable one, and every one can be read as text by day and night', () => {
  fc.assert(
    fc.property(colour, fc.boolean(), (accent, dark) => {
      expect(contrast(accent, readableOn(accent))).toBeGreaterThanOrEqual(4.5)
      const css = coloursOf(accent, dark)
      const of = (name: string) => new RegExp(`--${name}:(#[0-9a-f]{6})`).exec(css)?.[1] ?? ''
      for (const ground of ['bg', 'soft'])
        for (const ink of ['ink', 'text', 'muted', 'bad'])
          expect(contrast(of(ink), of(ground)), `${ink} on ${ground} for ${accent}`).toBeGreaterThanOrEqual(
            4.5,
          )
    }),
  )
  expect(readableAs('#1f6f54', ['#ffffff'])).toBe('#1f6f54')
})
